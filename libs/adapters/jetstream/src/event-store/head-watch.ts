import type { Subscription } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';
import type { EventSubjects } from './event-subjects.ts';
import type { LeaderReads } from './leader-reads.ts';
import { patience } from './persist.ts';

/** How long the newest commit may stay unseen where the server's word of it was lost. */
const LOOK_MS = 1_000;

/**
 * Knows up to which sequence the stream was acknowledged, as far as this process has heard.
 *
 * H1. `seen` only grows, and never passes what is stored: it comes from acknowledgements, from the leader, and from the server's
 *     word of each new message (`republish`), which it gives after it stored the message.
 * H2. That word may be lost (a connection, a new leader), so the leader is asked each second while somebody waits.
 * H3. Nothing lies between looking at `seen` and waiting for more, so that no commit slips through.
 */
export class HeadWatch {
  readonly #leader: LeaderReads;
  readonly #subscription: Subscription;
  readonly #waiting = new Set<() => void>();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;

  constructor(link: NatsLink, leader: LeaderReads, subjects: EventSubjects) {
    this.#leader = leader;
    this.#subscription = link.connection.subscribe(subjects.head, {
      callback: (error, message) => {
        if (error === null) this.note(Number(message.headers?.get('Nats-Sequence') ?? 0));
      },
    });
  }

  get seen(): number {
    return this.#seen;
  }

  note(seq: number): void {
    if (!(seq > this.#seen)) return;
    this.#seen = seq;
    this.#wake();
  }

  /** Resolves when the stream has gone beyond a sequence, at close, or when the signal fires. */
  moved(beyond: number, signal: AbortSignal): Promise<void> {
    if (this.#seen > beyond || signal.aborted || this.#closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
      this.#timer ??= setTimeout(() => void this.#look(), LOOK_MS);
    });
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#subscription.unsubscribe();
    this.#wake();
  }

  async #look(): Promise<void> {
    try {
      this.note((await this.#leader.head(patience(LOOK_MS, this.#closing.signal))).seq);
    } catch {
      // nobody answers for the moment: the next look may be luckier, and readers say so themselves
    }
    this.#timer = this.#waiting.size === 0 || this.#closing.signal.aborted ? undefined : setTimeout(() => void this.#look(), LOOK_MS);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
