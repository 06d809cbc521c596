import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { serverSentEvents } from './server-sent-events.ts';
import type { ServerSentEvent } from './server-sent-events.ts';

/** Sockets at once for questions, and for tails: a tail keeps its own for as long as it lasts, so no question may wait for one. */
const CONNECTIONS_MAX = 256;
const TAILS_MAX = 1_024;
const ANSWER_MAX_MS = 30_000;
/** Twice as long as a tail with nothing to tell says that it lives. */
const SILENT_TAIL_MAX_MS = 30_000;
const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** An answer as it came. A connection that breaks is thrown as undici throws it. */
export type RestAnswer = { readonly status: number; readonly commandId: string; readonly body: Buffer };

/** The REST interface as an outside client sees it; nothing is retried here. */
export class RestClient {
  readonly #pool: Pool;
  readonly #tails: Pool;

  /** `answerMaxMs`: a server that is silent for longer is taken for gone. */
  constructor(url: string, answerMaxMs: number = ANSWER_MAX_MS) {
    this.#pool = new Pool(url, { connections: CONNECTIONS_MAX, headersTimeout: answerMaxMs, bodyTimeout: answerMaxMs });
    this.#tails = new Pool(url, { connections: TAILS_MAX, headersTimeout: answerMaxMs, bodyTimeout: SILENT_TAIL_MAX_MS });
  }

  saveDraft(manifest: object): Promise<RestAnswer> {
    return this.#post('/api/workflows', manifest);
  }

  publish(workflowId: string): Promise<RestAnswer> {
    return this.#post(`/api/workflows/${workflowId}/publish`, {});
  }

  start(request: object, key: string): Promise<RestAnswer> {
    return this.#post('/api/executions', request, key);
  }

  /** Any command, with the key that makes sending it again harmless. */
  command(path: string, body: object, key: string): Promise<RestAnswer> {
    return this.#post(path, body, key);
  }

  get(path: string, accept = 'application/json'): Promise<RestAnswer> {
    return this.#answer({ path, method: 'GET', headers: { accept } });
  }

  /** Exact stored bytes of the bundle. */
  bundle(executionId: string): Promise<RestAnswer> {
    return this.get(`/api/executions/${executionId}/receipt`, BUNDLE_TYPE);
  }

  /**
   * Events of a run from a revision on, as they come, until the server ends the tail. `status` other than 200: why there
   * is none (204: nothing left to send).
   */
  async tail(executionId: string, from: number): Promise<{ readonly status: number; readonly events: AsyncIterable<ServerSentEvent> }> {
    const path = `/api/executions/${executionId}/events?from=${from}`;
    const { statusCode, body } = await this.#tails.request({ path, method: 'GET', headers: { accept: 'text/event-stream' } });
    return { status: statusCode, events: serverSentEvents(body) };
  }

  /** Breaks what is open. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#tails.destroy()]);
  }

  #post(path: string, body: object, key?: string): Promise<RestAnswer> {
    const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) };
    return this.#answer({ path, method: 'POST', headers, body: JSON.stringify(body) });
  }

  async #answer(options: Dispatcher.RequestOptions): Promise<RestAnswer> {
    const { statusCode, headers, body } = await this.#pool.request(options);
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    return { status: statusCode, commandId: String(headers['maestro-command-id'] ?? ''), body: Buffer.concat(chunks) };
  }
}

/** The body of an answer that is what was asked for; anything else is thrown with its status and text. */
export function jsonOf<T>({ status, body }: RestAnswer): T {
  if (status >= 300) throw new Error(`answered ${status}: ${body.toString('utf8').slice(0, 500)}`);
  return JSON.parse(body.toString('utf8')) as T;
}
