import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';

/** What to ask a consumer for. */
export type PullRequest = {
  readonly stream: string;
  readonly consumer: string;
  /** messages at most */
  readonly batch: number;
  /** the server forgets the request by then */
  readonly expiresMs: number;
  /** priority group of the consumer, and the pin that this client holds of it */
  readonly group?: string;
  readonly pinId?: string | undefined;
};

/**
 * Why nothing more comes. `gone`: there is no such stream or consumer. `unpinned`: another client holds the group by now.
 * `unheard`: the server let the time pass without a word, so the request was lost, or there is no such stream or consumer
 * and whoever listens to everything keeps the server from saying that nobody is there.
 */
export type PullEnd = 'over' | 'gone' | 'unheard' | 'unpinned' | 'disconnected';

/** Whether to look if what was asked is there. */
export function mayBeGone(end: PullEnd): boolean {
  return end === 'gone' || end === 'unheard';
}

/** The server's own limit is kept by its clock; this much later ours gives the request up. */
const GRACE_MS = 1_000;

/**
 * One request for messages of a pull consumer. The client library's own requests cannot be taken back without losing what
 * is on its way; each of these has an inbox of its own, which is drained.
 * P1. Every message that the server sent on this request reaches `onMessage`, also while it is being taken back.
 * P2. `ended` resolves once, and only when nothing more can come: `over` once it was taken back.
 */
export class Pull {
  readonly #link: NatsLink;
  readonly #subscription: Subscription;
  readonly #timer: NodeJS.Timeout;
  #left: number;
  #ending: Promise<void> | undefined;
  #end: (end: PullEnd) => void = () => {};
  readonly ended: Promise<PullEnd>;

  constructor(link: NatsLink, request: PullRequest, onMessage: (message: Msg) => void) {
    const { stream, consumer, batch, expiresMs, group, pinId } = request;
    this.#link = link;
    this.#left = batch;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const inbox = createInbox(link.inboxPrefix);
    this.#subscription = link.connection.subscribe(inbox, {
      callback: (error, message) => {
        const status = error === null ? statusOf(message) : 'gone';
        if (status !== undefined) return this.#over(status);
        this.#left -= 1;
        onMessage(message);
        if (this.#left === 0) this.#over('over');
      },
    });
    const body = { batch, expires: expiresMs * 1_000_000, ...(group !== undefined && { group }), ...(pinId !== undefined && { id: pinId }) };
    link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(body), { reply: inbox });
    this.#timer = setTimeout(() => void (this.#ending ??= this.#drain('unheard')), expiresMs + GRACE_MS);
    this.#timer.unref();
    // what the server knew of the request is gone with the connection
    link.watch.race(this.ended).catch(() => this.#over('disconnected'));
  }

  /** messages that may still come */
  get left(): number {
    return this.#ending === undefined ? this.#left : 0;
  }

  /** Takes the request back; resolves when nothing more can come. Idempotent. */
  cancel(): Promise<void> {
    this.#ending ??= this.#drain('over');
    return this.#ending;
  }

  /** The server is done with the request. */
  #over(end: PullEnd): void {
    clearTimeout(this.#timer);
    this.#ending ??= Promise.resolve();
    this.#subscription.unsubscribe();
    this.#end(end);
  }

  async #drain(end: PullEnd): Promise<void> {
    try {
      if (!this.#subscription.isClosed()) await this.#link.watch.race(this.#subscription.drain());
    } catch {
      // without a connection nothing is on its way
    }
    this.#over(end);
  }
}

/** Undefined: a message of the stream. */
function statusOf({ data, headers }: Msg): PullEnd | undefined {
  const code = headers?.code ?? 0;
  if (code === 0 || data.length > 0) return undefined;
  if (code === 423) return 'unpinned';
  const isGone = code === 503 || (code === 409 && /deleted/i.test(headers?.description ?? ''));
  return isGone ? 'gone' : 'over';
}
