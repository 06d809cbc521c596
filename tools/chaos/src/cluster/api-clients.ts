import type { RestCalls } from '../persistent-client.ts';
import { RestClient } from '../rest-client.ts';
import type { RestAnswer } from '../rest-client.ts';

/** Longer than any single wait of a sound cluster; a process that hangs is left for another one then. */
const ANSWER_MAX_MS = 15_000;

/** The api processes of a cluster behind one name: each call goes to the next of them, as a load balancer that knows nothing would send it. */
export class ApiClients implements RestCalls {
  readonly #clients: readonly RestClient[];
  #turn = 0;

  constructor(urls: readonly string[]) {
    this.#clients = urls.map((url) => new RestClient(url, ANSWER_MAX_MS));
  }

  /** The client of whose turn it is. */
  next(): RestClient {
    this.#turn += 1;
    return this.#clients[this.#turn % this.#clients.length] as RestClient;
  }

  command(path: string, body: object, key: string): Promise<RestAnswer> {
    return this.next().command(path, body, key);
  }

  tail(executionId: string, from: number): ReturnType<RestClient['tail']> {
    return this.next().tail(executionId, from);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
