import { TimeoutError, createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';
import type { RawCommit } from './leader-reads.ts';
import { leftMs, persist, type Patience } from './persist.ts';

/** Messages from a sequence on, in order; with a subject only those that have it. */
export type Stretch = { readonly seq: number; readonly subject?: string; readonly countMax: number };

/** One answer holds so many bytes and one message more, at most. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const TRY_MS = 5_000;
// statuses of the answer's end: the batch is complete, or there is nothing
const END_OF_BATCH = 204;
const NOTHING_FOUND = 404;

type Waiting = { readonly commits: RawCommit[]; readonly settle: (error?: Error) => void };

/**
 * Batches that any replica answers. A replica may be behind: what it sends is right and in order, its end may be too early.
 *
 * D1. All answers come to one subscription, below which each request has a token of its own: the client library's own form
 *     makes a subscription per call and leaks it.
 * D2. A request is settled once: by its last message, by its time-out or by the loss of the connection; later answers are dropped.
 */
export class DirectReads {
  readonly #link: NatsLink;
  readonly #stream: string;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #waiting = new Map<string, Waiting>();
  #tokens = 0;

  constructor(link: NatsLink, stream: string) {
    this.#link = link;
    this.#stream = stream;
    this.#inbox = createInbox(link.inboxPrefix);
    this.#subscription = link.connection.subscribe(`${this.#inbox}.*`, { callback: (error, message) => this.#answered(error, message) });
  }

  /** Nothing: the replica knows no such message. */
  batch(stretch: Stretch, p: Patience): Promise<readonly RawCommit[]> {
    return persist(this.#link, `reading the stream ${this.#stream}`, p, () => this.#request(stretch, Math.max(1, Math.min(TRY_MS, leftMs(p)))));
  }

  close(): void {
    this.#subscription.unsubscribe();
    for (const { settle } of [...this.#waiting.values()]) settle(new Error('the store was closed'));
  }

  #request({ seq, subject, countMax }: Stretch, timeoutMs: number): Promise<readonly RawCommit[]> {
    this.#tokens += 1;
    const token = String(this.#tokens);
    return new Promise((resolve, reject) => {
      const commits: RawCommit[] = [];
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        this.#waiting.delete(token);
        if (error === undefined) resolve(commits);
        else reject(error);
      };
      const timer = setTimeout(() => settle(new TimeoutError()), timeoutMs);
      this.#waiting.set(token, { commits, settle });
      const body = { seq, batch: countMax, max_bytes: BATCH_BYTES_MAX, ...(subject !== undefined && { next_by_subj: subject }) };
      this.#link.connection.publish(`$JS.API.DIRECT.GET.${this.#stream}`, JSON.stringify(body), { reply: `${this.#inbox}.${token}` });
    });
  }

  #answered(error: Error | null, message: Msg): void {
    if (error !== null) {
      for (const { settle } of [...this.#waiting.values()]) settle(error);
      return;
    }
    const waiting = this.#waiting.get(message.subject.slice(this.#inbox.length + 1));
    if (waiting === undefined) return;
    const { headers, data } = message;
    const status = headers?.code ?? 0;
    if (status === END_OF_BATCH || status === NOTHING_FOUND) return waiting.settle();
    // 503: nobody serves the stream; 408, 413: the server does not take the request now. Tried again while there is time
    if (headers === undefined || status !== 0) return waiting.settle(new Error(`no direct answer: status ${status} ${headers?.description ?? ''}`));
    waiting.commits.push({ seq: Number(headers.get('Nats-Sequence')), subject: headers.get('Nats-Subject'), data });
  }
}
