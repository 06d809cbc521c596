import type { RestCalls } from '../persistent-client.ts';
import { RestClient } from '../rest-client.ts';
import type { RestAnswer } from '../rest-client.ts';
import { NatsCalls, isOverNats } from './nats-calls.ts';

/** Longer than any single wait of a sound cluster; a process that hangs is left for another one then. */
const ANSWER_MAX_MS = 15_000;

/**
 * The ways into a deployment behind one name. Over REST each call goes to the next api process, as a load balancer that knows
 * nothing would send it; some commands and tails go over NATS, the same ones whenever they are repeated.
 */
export class ApiClients implements RestCalls {
  readonly #clients: readonly RestClient[];
  readonly #nats: NatsCalls;
  #turn = 0;

  private constructor(clients: readonly RestClient[], nats: NatsCalls) {
    this.#clients = clients;
    this.#nats = nats;
  }

  static async connect(urls: readonly string[], natsUrl: string, prefix?: string): Promise<ApiClients> {
    return new ApiClients(urls.map((url) => new RestClient(url, ANSWER_MAX_MS)), await NatsCalls.connect(natsUrl, ANSWER_MAX_MS, prefix));
  }

  /** The client of whose turn it is. */
  next(): RestClient {
    this.#turn += 1;
    return this.#clients[this.#turn % this.#clients.length] as RestClient;
  }

  command(path: string, body: object, key: string): Promise<RestAnswer> {
    return (isOverNats(key) ? this.#nats : this.next()).command(path, body, key);
  }

  tail(executionId: string, from: number): ReturnType<RestClient['tail']> {
    return (isOverNats(executionId) ? this.#nats : this.next()).tail(executionId, from);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.map((client) => client.close()), this.#nats.close()]);
  }
}
