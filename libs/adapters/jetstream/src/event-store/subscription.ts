import { setImmediate as turn } from 'node:timers/promises';
import type { EventFilter, SubscriptionItem } from '@maestro/ports';
import { comparePlaces, type Cursors, type Place } from './commit-place.ts';
import type { HeadWatch } from './head-watch.ts';
import type { LogReader } from './log-reader.ts';
import { patience } from './persist.ts';
import type { LogEntry } from './stored-commit.ts';

/** What a subscription reads from. */
export type FollowedLog = { readonly log: LogReader; readonly head: HeadWatch; readonly cursors: Cursors; readonly patienceMs: number };

/** Commits of one page; with the byte bound of a batch the most that a slow reader holds. */
const PAGE_COMMITS = 256;
/** A checkpoint at least every so many events that a filter held back. */
const CHECKPOINT_EVENTS = 256;

/**
 * Follows the log from a place for ever.
 *
 * F1. `place` is the last event considered: each one before it was yielded or held back by the filter, none twice.
 * F2. Pages are asked for only where the head watch has seen more, so an empty one is damage or a leader that is behind.
 * F3. One page is held; a slow reader goes on from its own place.
 * F4. Damage is one item; what follows it is yielded.
 */
export async function* follow(
  { log, head, cursors, patienceMs }: FollowedLog,
  o: { readonly place: Place; readonly filter?: EventFilter; readonly signal: AbortSignal },
): AsyncGenerator<SubscriptionItem, void, undefined> {
  let place = o.place;
  let heldBack = 0;
  let tellCaughtUp = true;
  while (!o.signal.aborted) {
    if (comparePlaces(place, { seq: head.seen, remaining: 0 }) < 0) {
      const page = await log.after(place, head.seen, { commitsMax: PAGE_COMMITS, filter: o.filter }, patience(patienceMs, o.signal));
      for (const entry of page) {
        place = entry.place;
        tellCaughtUp = true;
        heldBack = entry.kind === 'held-back' ? heldBack + 1 : 0;
        if (entry.kind === 'held-back' && heldBack < CHECKPOINT_EVENTS) continue;
        heldBack = 0;
        yield itemOf(entry, cursors);
        if (o.signal.aborted) return;
      }
      // a long catch-up starves nobody
      await turn();
      continue;
    }
    if (!tellCaughtUp) {
      await head.moved(place.seq, o.signal);
      continue;
    }
    const cursor = place.seq === 0 ? null : cursors.at(place);
    if (cursor !== null && heldBack > 0) yield { kind: 'checkpoint', cursor };
    heldBack = 0;
    tellCaughtUp = false;
    if (!o.signal.aborted) yield { kind: 'caught-up', cursor };
  }
}

function itemOf(entry: LogEntry, cursors: Cursors): SubscriptionItem {
  if (entry.kind === 'event') return { kind: 'event', event: entry.event };
  const cursor = cursors.at(entry.place);
  return entry.kind === 'damaged' ? { kind: 'damaged', cursor, stream: entry.stream, fault: entry.fault } : { kind: 'checkpoint', cursor };
}
