import type { Recorded, StreamName } from '@maestro/domain';
import { isFault, matches } from '@maestro/ports';
import type { Clock, Cursor, EventFilter, EventStore, Log, StoredEvent } from '@maestro/ports';
import { loadStream, recordedOf } from './recorded-events.ts';
import { isStreamFailure } from './supervision/stream-failure.ts';
import type { Supervision } from './supervision/supervision.ts';

export type Batch = {
  readonly events: readonly Recorded[];
  readonly cursor: Cursor;
  /** nothing newer was known when the batch was made */
  readonly caughtUp: boolean;
  /** a whole stream once more, under a cursor that was handled already */
  readonly isRetry: boolean;
};

export type Following = {
  readonly after: Cursor | null;
  readonly filter?: EventFilter;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /** who follows: for the log, and for what it sets aside */
  readonly name: string;
  readonly supervision?: Supervision | undefined;
  /** whether somebody waits for a batch up to here, also where more is at hand */
  readonly isAwaited?: (cursor: Cursor) => boolean;
};

type Handle = (batch: Batch) => Promise<void>;

/** Items of a batch, those of others among them: under steady load nothing is ever "no more at hand". */
const BATCH_ITEMS_MAX = 500;
const RETRY_MS = 1_000;

/**
 * Follows all events from a cursor on and hands them over in batches, each as soon as nothing more is at hand.
 * F1. One batch at a time: the next one is made after the handler has finished. Where much is not for this one, a batch may have no
 *     event, and moves the cursor only.
 * F2. The cursor of a batch covers all its events, and nothing after them.
 * F3. A fault that may pass (a full disk, a lost connection) is waited out; it goes on after the last batch that was
 *     handled, so a handler may see a batch again.
 * F4. A stream with an event that is damaged or that this release cannot read, or of which the handler says that it cannot take it (a
 *     StreamFailure), is set aside by name, from that event on; others go on.
 * F5. What was set aside by an earlier process is handed over once more, whole, before anything else: a handler may see
 *     events of such a stream again, under the cursor that it has already.
 * Ends without error when the signal fires. Whatever else the handler or the store throws ends it with that error.
 */
export async function followEvents(store: EventStore, o: Following, handle: Handle): Promise<void> {
  const follower = new Follower(store, o, handle);
  try {
    await follower.run();
    o.supervision?.loops.stopped(o.name);
  } catch (error) {
    o.supervision?.loops.stopped(o.name, error);
    throw error;
  }
}

class Follower {
  readonly #store: EventStore;
  readonly #o: Following;
  readonly #handle: Handle;
  readonly #aside = new Set<string>();
  #after: Cursor | null;
  #pending: StoredEvent[] = [];
  /** since the last batch */
  #items = 0;

  constructor(store: EventStore, o: Following, handle: Handle) {
    this.#store = store;
    this.#o = o;
    this.#handle = handle;
    this.#after = o.after;
  }

  async run(): Promise<void> {
    const { signal, name, log, clock, supervision } = this.#o;
    let isRetried = false;
    for (;;) {
      try {
        if (!isRetried) await this.#retry();
        isRetried = true;
        return await this.#follow();
      } catch (error) {
        if (signal.aborted) return;
        if (!isFault(error) || !error.retryable) throw error;
        supervision?.loops.failing(name, error);
        log.log('warn', `${name} waits and goes on from where it was`, { error });
        await pause(clock, signal);
      }
    }
  }

  async #follow(): Promise<void> {
    let cursor = this.#after;
    this.#pending = [];
    this.#items = 0;
    for await (const item of this.#store.subscribe({ ...this.#o, after: this.#after })) {
      switch (item.kind) {
        case 'event':
          this.#pending.push(item.event);
          cursor = item.event.cursor;
          await this.#flushFull(cursor);
          break;
        case 'checkpoint':
          cursor = item.cursor;
          await this.#flushFull(cursor);
          break;
        case 'damaged':
          // what came before it counts, also of its own stream
          if (cursor !== null) await this.#flush(cursor, false);
          cursor = item.cursor;
          if (item.stream === null) this.#o.log.log('error', `${this.#o.name} passes over a damaged event that names no stream`, { error: item.fault });
          else this.#setAside(item.stream, item.fault);
          break;
        case 'caught-up':
          cursor = item.cursor ?? cursor;
          if (cursor !== null) await this.#flush(cursor, true);
          this.#o.supervision?.loops.works(this.#o.name);
          break;
      }
    }
  }

  async #flushFull(cursor: Cursor): Promise<void> {
    this.#items += 1;
    if (this.#items >= BATCH_ITEMS_MAX || this.#o.isAwaited?.(cursor) === true) await this.#flush(cursor, false);
  }

  async #flush(cursor: Cursor, caughtUp: boolean): Promise<void> {
    this.#items = 0;
    const events = this.#pending.flatMap((stored) => this.#readable(stored));
    this.#pending = [];
    await this.#handOver({ events, cursor, caughtUp, isRetry: false });
    this.#after = cursor;
  }

  /** Again without each stream that the handler cannot take; there are fewer every time. */
  async #handOver(batch: Batch): Promise<void> {
    for (let { events } = batch; ; ) {
      try {
        return await this.#handle({ ...batch, events });
      } catch (error) {
        if (!isStreamFailure(error)) throw error;
        const others = events.filter(({ stream }) => stream !== error.stream);
        if (others.length === events.length) throw error;
        events = others;
        this.#setAside(error.stream, error.cause);
      }
    }
  }

  #readable(stored: StoredEvent): readonly Recorded[] {
    if (this.#aside.has(stored.stream)) return [];
    try {
      return [recordedOf(stored)];
    } catch (error) {
      this.#setAside(stored.stream, error);
      return [];
    }
  }

  #setAside(stream: string, error: unknown): void {
    const { log, name, supervision } = this.#o;
    this.#aside.add(stream);
    log.log('error', `${name} sets a stream aside: one of its events cannot be read`, { stream, error });
    supervision?.quarantine.setAside(name, stream, error);
  }

  async #retry(): Promise<void> {
    const { supervision, name, filter } = this.#o;
    for (const stream of supervision?.quarantine.streamsOf(name) ?? []) {
      try {
        // nothing was handled yet: it comes anyway
        if (this.#after !== null) {
          const { stored } = await loadStream(this.#store, stream as StreamName);
          const events = stored.filter((one) => matches(one, filter)).map(recordedOf);
          await this.#handle({ events, cursor: this.#after, caughtUp: false, isRetry: true });
        }
        supervision?.quarantine.clear(name, stream);
      } catch (error) {
        if (isFault(error) && error.retryable) throw error;
        this.#aside.add(stream);
      }
    }
  }
}

/** Waits as long as a fault that may pass is waited out, or until the signal fires. */
export function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(RETRY_MS, done);
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
