import { PROJECTION_VERSION } from '@maestro/domain';
import type { Clock, EventStore, Log, Metrics, ReadModels, SideStatus } from '@maestro/ports';
import { followEvents } from '../follow-events.ts';
import type { Batch } from '../follow-events.ts';
import { FOLDED_CATEGORIES, foldable } from './fold-batch.ts';
import type { Turns } from './turns.ts';

export type RebuildDependencies = { readonly store: EventStore; readonly views: ReadModels; readonly clock: Clock; readonly metrics: Metrics; readonly log: Log };

/** Events between two lines of the log. */
const PROGRESS_EVENTS = 50_000;

/**
 * Fills new tables from the start of the store, beside the ones that go on being served and brought up to date, and
 * swaps them in. True: swapped; false: the signal fired, and what was filled waits for the next start.
 * B1. New tables are swapped in only when they hold all that the served ones hold: a position that was once answered
 *     never goes back.
 * B2. The look at both positions and the swap are one turn: nothing is folded in between.
 */
export async function rebuildViews(parts: RebuildDependencies, turns: Turns, signal: AbortSignal): Promise<boolean> {
  const { store, views, clock, log } = parts;
  await views.beginRebuild(PROJECTION_VERSION);
  const progress = progressOf(parts);
  log.log('info', 'read models are made anew beside the served ones', { projection: PROJECTION_VERSION });
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const filter = { categories: FOLDED_CATEGORIES };
  await followEvents(store, { after: await views.position('filling'), filter, signal: either, clock, log, name: 'the rebuild of read models' }, (batch) =>
    turns.take(async () => {
      if (either.aborted) return;
      // swapped in, and the answer was lost
      if ((await views.status()).filling === null) return done.abort();
      await fill(parts, batch);
      const { served, filling } = await views.status();
      progress(filling, served);
      if (!batch.caughtUp || (served.position !== null && store.compare(batch.cursor, served.position) < 0)) return;
      await views.swap();
      done.abort();
    }),
  );
  parts.metrics.gauge('mc_projection_rebuild_events', 0, { state: 'done' });
  parts.metrics.gauge('mc_projection_rebuild_events', 0, { state: 'target' });
  if (!done.signal.aborted) return false;
  parts.metrics.count('mc_projection_rebuilds_total');
  log.log('info', 'new read models are served', { projection: PROJECTION_VERSION, events: (await views.status()).served.events });
  return true;
}

async function fill({ store, views }: RebuildDependencies, { cursor, events }: Batch): Promise<void> {
  const position = await views.position('filling');
  if (position !== null && store.compare(cursor, position) <= 0) return;
  await views.apply({ cursor, expected: position, events: events.length, upserts: await foldable(views, events, 'filling') }, 'filling');
}

/** Tells how far it is: what the served tables have counted is what has to be done, where they counted from the start. */
function progressOf({ metrics, log }: RebuildDependencies): (filling: SideStatus | null, served: SideStatus) => void {
  let nextLine = PROGRESS_EVENTS;
  return (filling, served) => {
    const [done, target] = [filling?.events ?? 0, served.events];
    metrics.gauge('mc_projection_rebuild_events', done, { state: 'done' });
    metrics.gauge('mc_projection_rebuild_events', target ?? 0, { state: 'target' });
    if (done < nextLine) return;
    nextLine = done + PROGRESS_EVENTS;
    log.log('info', 'read models are being made anew', { events: done, of: target });
  };
}
