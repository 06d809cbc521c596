import type { Recorded } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { Clock, Cursor, EventFilter, EventStore, Log, StoredEvent } from '@maestro/ports';
import { recordedOf } from './recorded-events.ts';

export type Batch = { readonly events: readonly Recorded[]; readonly cursor: Cursor; /** nothing newer was known when the batch was made */ readonly caughtUp: boolean };

export type Following = {
  readonly after: Cursor | null;
  readonly filter?: EventFilter;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /** who follows, for the log */
  readonly name: string;
};

type Handle = (batch: Batch) => Promise<void>;

const BATCH_EVENTS_MAX = 500;
const RETRY_MS = 1_000;

/**
 * Follows all events from a cursor on and hands them over in batches, each as soon as nothing more is at hand.
 * F1. One batch at a time: the next one is made after the handler has finished.
 * F2. The cursor of a batch covers all its events, and nothing after them.
 * F3. A fault that may pass (a full disk, a lost connection) is waited out; it goes on after the last batch that was
 *     handled, so a handler may see a batch again.
 * F4. A stream with an event that this release cannot read is set aside by name, from that event on; others go on.
 * Ends without error when the signal fires. Whatever else the handler or the store throws ends it with that error.
 */
export async function followEvents(store: EventStore, o: Following, handle: Handle): Promise<void> {
  let after = o.after;
  const aside = new Set<string>();
  const handled: Handle = async (batch) => {
    await handle(batch);
    after = batch.cursor;
  };
  for (;;) {
    try {
      return await followOn(store, { ...o, after }, aside, handled);
    } catch (error) {
      if (o.signal.aborted) return;
      if (!isFault(error) || !error.retryable) throw error;
      o.log.log('warn', `${o.name} waits and goes on from where it was`, { error });
      await pause(o.clock, o.signal);
    }
  }
}

async function followOn(store: EventStore, o: Following, aside: Set<string>, handle: Handle): Promise<void> {
  let pending: StoredEvent[] = [];
  let cursor = o.after;
  const flush = async (caughtUp: boolean): Promise<void> => {
    if (cursor === null) return;
    const batch = { events: pending.flatMap((stored) => readable(stored, aside, o)), cursor, caughtUp };
    pending = [];
    await handle(batch);
  };
  for await (const item of store.subscribe(o)) {
    switch (item.kind) {
      case 'event':
        pending.push(item.event);
        cursor = item.event.cursor;
        if (pending.length >= BATCH_EVENTS_MAX) await flush(false);
        break;
      case 'checkpoint':
        cursor = item.cursor;
        break;
      case 'caught-up':
        cursor = item.cursor ?? cursor;
        await flush(true);
        break;
    }
  }
}

function readable(stored: StoredEvent, aside: Set<string>, { log, name }: Following): readonly Recorded[] {
  if (aside.has(stored.stream)) return [];
  try {
    return [recordedOf(stored)];
  } catch (error) {
    aside.add(stored.stream);
    log.log('error', `${name} sets a stream aside: one of its events cannot be read`, { stream: stored.stream, revision: Number(stored.revision), error });
    return [];
  }
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
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
