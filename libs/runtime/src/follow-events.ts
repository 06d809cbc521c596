import type { Recorded } from '@maestro/domain';
import type { Cursor, EventFilter, EventStore, StoredEvent } from '@maestro/ports';
import { recordedOf } from './recorded-events.ts';

export type Batch = { readonly events: readonly Recorded[]; readonly cursor: Cursor; /** nothing newer was known when the batch was made */ readonly caughtUp: boolean };

const BATCH_EVENTS_MAX = 500;

/**
 * Follows all events from a cursor on and hands them over in batches, each as soon as nothing more is at hand.
 * F1. One batch at a time: the next one is made after the handler has finished.
 * F2. The cursor of a batch covers all its events, and nothing after them.
 * Ends without error when the signal fires. Whatever the handler or the store throws ends it with that error.
 */
export async function followEvents(
  store: EventStore,
  o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly signal: AbortSignal },
  handle: (batch: Batch) => Promise<void>,
): Promise<void> {
  let pending: StoredEvent[] = [];
  let cursor = o.after;
  const flush = async (caughtUp: boolean): Promise<void> => {
    if (cursor === null) return;
    const batch = { events: pending.map(recordedOf), cursor, caughtUp };
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
