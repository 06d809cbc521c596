import { PROJECTION_VERSION } from '@maestro/domain';
import type { Clock, Cursor, EventStore, Log, Metrics, ReadModels, ReadModelsStatus, SideStatus } from '@maestro/ports';
import { abortWith } from '../abort-with.ts';
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
 * B2. The look at both positions and the swap are one turn, and the swap names the place that it looked at: nothing is
 *     folded in between, by this process or another one.
 * B3. What was filled is never behind what this process saw in it: where it is, somebody began it anew, and so does this.
 */
export async function rebuildViews(parts: RebuildDependencies, turns: Turns, signal: AbortSignal): Promise<boolean> {
  const { views, log } = parts;
  log.log('info', 'read models are made anew beside the served ones', { projection: PROJECTION_VERSION });
  let end: RebuildEnd = 'lost';
  while (end === 'lost') end = await fillOnce(parts, turns, signal);
  parts.metrics.gauge('mc_projection_rebuild_events', 0, { state: 'done' });
  parts.metrics.gauge('mc_projection_rebuild_events', 0, { state: 'target' });
  if (end === 'stopped') return false;
  parts.metrics.count('mc_projection_rebuilds_total');
  log.log('info', 'new read models are served', { projection: PROJECTION_VERSION, events: (await views.status()).served.events });
  return true;
}

type RebuildEnd = 'swapped' | 'stopped' | 'lost';

async function fillOnce(parts: RebuildDependencies, turns: Turns, signal: AbortSignal): Promise<RebuildEnd> {
  const { store, views, clock, log } = parts;
  await views.beginRebuild(PROJECTION_VERSION);
  const progress = progressOf(parts);
  const { controller: done, release } = abortWith(signal);
  const filter = { categories: FOLDED_CATEGORIES };
  let end: RebuildEnd = 'stopped';
  const finish = (how: RebuildEnd): void => {
    end = how;
    done.abort();
  };
  const after = (await views.status()).filling?.position ?? null;
  let seen = after;
  await followEvents(store, { after, filter, signal: done.signal, clock, log, name: 'the rebuild of read models' }, (batch) =>
    turns.take(async () => {
      if (done.signal.aborted) return;
      const before = await views.status();
      if (before.filling === null) return finish(endOf(before));
      if (isBehind(store, before.filling.position, seen)) return finish('lost');
      await fill(parts, batch, before.filling.position);
      seen = batch.cursor;
      const now = await views.status();
      if (now.filling === null) return finish(endOf(now));
      const { served, filling } = now;
      progress(filling, served);
      if (!batch.caughtUp || (served.position !== null && store.compare(batch.cursor, served.position) < 0)) return;
      await views.swap(served.position);
      finish('swapped');
    }),
  ).finally(release);
  return end;
}

/** Nothing is filled any more: it was swapped in, by another process or by this one and the answer was lost; or it was dropped. */
function endOf({ served }: ReadModelsStatus): RebuildEnd {
  return served.position === null ? 'lost' : 'swapped';
}

/** Whether tables have lost what was seen in them: they were emptied, or come from a backup. */
export function isBehind(store: EventStore, position: Cursor | null, seen: Cursor | null): boolean {
  return seen !== null && (position === null || store.compare(position, seen) < 0);
}

async function fill({ store, views }: RebuildDependencies, { cursor, events }: Batch, position: Cursor | null): Promise<void> {
  if (position !== null && store.compare(cursor, position) <= 0) return;
  await views.apply({ cursor, expected: position, events: events.length, upserts: await foldable(views, events, 'filling') }, 'filling');
}

/** Tells how far it is: what the served tables have counted is what has to be done, where they counted from the start. */
function progressOf({ metrics, log }: RebuildDependencies): (filling: SideStatus, served: SideStatus) => void {
  let nextLine = PROGRESS_EVENTS;
  return (filling, served) => {
    const [done, target] = [filling.events ?? 0, served.events];
    metrics.gauge('mc_projection_rebuild_events', done, { state: 'done' });
    metrics.gauge('mc_projection_rebuild_events', target ?? 0, { state: 'target' });
    if (done < nextLine) return;
    nextLine = done + PROGRESS_EVENTS;
    log.log('info', 'read models are being made anew', { events: done, of: target });
  };
}
