import { setImmediate as turn } from 'node:timers/promises';
import type { StreamName } from '@maestro/domain';
import { isFault, matches } from '@maestro/ports';
import type { EventFilter, Fault, StoredEvent, SubscriptionItem } from '@maestro/ports';

/** What a subscription reads from. Positions are dense from 1. */
export type EventSource = {
  /** up to `limit` events right after a position, from memory or disk; none: it is the head. Throws when closed */
  after(position: number, limit: number): readonly StoredEvent[];
  /** resolves at the next commit, at close, or when the signal fires */
  moved(signal: AbortSignal): Promise<void>;
  cursorAt(position: number): string;
  /** the stream of a position, as the store says without proof; null: it does not say */
  streamAt(position: number): StreamName | null;
};

/** Also the most that a slow reader holds in memory. */
const PAGE_EVENTS = 256;
/** A checkpoint at least every so many events that a filter held back. */
const CHECKPOINT_EVENTS = 256;

/**
 * Follows a source from a position for ever.
 *
 * S1. `position` is the last event considered: each one before it was yielded or held back by the filter, none twice.
 * S2. No await lies between reading nothing new and registering for the next commit, so that none slips through.
 * S3. At most one page is held; a slow reader goes on from its own position, by disk when memory has moved on.
 * S4. A full page is followed by a turn of the event loop, so that a long catch-up starves nobody.
 * S5. Damage is passed over by itself: pages are halved until it is found, so that what stands around it is yielded.
 */
export async function* follow(
  source: EventSource,
  o: { readonly position: number; readonly filter?: EventFilter; readonly signal: AbortSignal },
): AsyncGenerator<SubscriptionItem, void, undefined> {
  let position = o.position;
  let reported = position;
  let tellCaughtUp = true;
  let limit = PAGE_EVENTS;
  while (!o.signal.aborted) {
    const page = pageOf(source, position, limit);
    if ('fault' in page) {
      const isFound = limit === 1;
      limit = isFound ? PAGE_EVENTS : limit >> 1;
      if (!isFound) continue;
      position += 1;
      reported = position;
      tellCaughtUp = true;
      yield { kind: 'damaged', cursor: source.cursorAt(position), stream: source.streamAt(position), fault: page.fault };
      continue;
    }
    for (const event of page) {
      position += 1;
      const wanted = matches(event, o.filter);
      if (!wanted && position - reported < CHECKPOINT_EVENTS) continue;
      tellCaughtUp = true;
      reported = position;
      yield wanted ? { kind: 'event', event } : { kind: 'checkpoint', cursor: event.cursor };
      if (o.signal.aborted) return;
    }
    if (page.length === PAGE_EVENTS) await turn();
    if (page.length > 0) continue;
    if (!tellCaughtUp) {
      await source.moved(o.signal);
      continue;
    }
    const cursor = position === 0 ? null : source.cursorAt(position);
    if (cursor !== null && position > reported) yield { kind: 'checkpoint', cursor };
    reported = position;
    tellCaughtUp = false;
    if (!o.signal.aborted) yield { kind: 'caught-up', cursor };
  }
}

function pageOf(source: EventSource, position: number, limit: number): readonly StoredEvent[] | { readonly fault: Fault } {
  try {
    return source.after(position, limit);
  } catch (error) {
    if (isFault(error, 'STORE_DAMAGED')) return { fault: error };
    throw error;
  }
}
