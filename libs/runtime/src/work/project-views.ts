import { PROJECTION_VERSION } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { Clock, Cursor, EventStore, Log, Metrics, ReadModels } from '@maestro/ports';
import { abortWith } from '../abort-with.ts';
import { followEvents, pause } from '../follow-events.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { FOLDED_CATEGORIES, foldable } from './fold-batch.ts';
import { isBehind, rebuildViews } from './rebuild-views.ts';
import { Turns } from './turns.ts';

export type ProjectorDependencies = { readonly store: EventStore; readonly views: ReadModels; readonly clock: Clock; readonly metrics: Metrics; readonly log: Log; readonly supervision?: Supervision | undefined };

const NAME = 'projector';

/**
 * Folds events into query models, for as long as the signal is quiet, and makes them anew when they follow older rules
 * or somebody asks for it.
 * P1. Rows and checkpoint are written in one transaction.
 * P2. Every fold is idempotent by revision: a batch that comes again changes nothing.
 * P3. The checkpoint never goes back: a batch at or behind it is left out.
 * P4. Half of a history is never served: without a checkpoint, everything up to now is filled in beside, then swapped in.
 * P5. A fault that may pass is waited out wherever it comes: before the first event, and while rows are made anew, too.
 * P6. Tables that have lost what this process saw in them, as after the loss of their database, are folded again from where
 *     they stand: no batch is written over a gap.
 */
export async function projectViews(parts: ProjectorDependencies, signal: AbortSignal): Promise<void> {
  const turns = new Turns();
  const failing = (error: unknown): void => parts.supervision?.loops.failing(NAME, error);
  for (let isOver = false; !isOver; ) {
    const begun = await patiently(parts, signal, () => begin(parts, turns, signal), failing);
    if (begun === undefined) return;
    isOver = !(await goOn(parts, turns, signal, begun));
  }
}

/** Until the signal fires. True: the tables have lost what was folded, and it is begun anew. */
async function goOn(parts: ProjectorDependencies, turns: Turns, signal: AbortSignal, { after, isStale }: Beginning): Promise<boolean> {
  const { controller: over, release } = abortWith(signal);
  await Promise.all([follow(parts, turns, over, after), rebuildWhenAsked(parts, turns, over.signal, isStale)]).finally(release);
  if (signal.aborted || !over.signal.aborted) return false;
  parts.log.log('warn', 'the read models have lost what was folded into them: it is folded again', { position: await parts.views.position().catch(() => null) });
  return true;
}

type Beginning = { readonly after: Cursor | null; readonly isStale: boolean };

/** Where to fold on from, and whether the rows follow older rules; undefined: the signal fired. */
async function begin(parts: ProjectorDependencies, turns: Turns, signal: AbortSignal): Promise<Beginning | undefined> {
  const { store, views } = parts;
  await forgetForeignRows(parts);
  const { served, filling, rebuildRequested } = await views.status();
  const isStale = served.projection !== PROJECTION_VERSION || filling !== null || rebuildRequested;
  const isFirst = served.position === null && (await store.head()) !== null;
  if (isFirst && !(await rebuildViews(parts, turns, signal))) return undefined;
  return { after: await views.position(), isStale: isStale && !isFirst };
}

/** Again and again while a fault comes that may pass; undefined: the signal fired meanwhile. */
async function patiently<T>({ clock, log }: ProjectorDependencies, signal: AbortSignal, work: () => Promise<T>, failing?: (error: unknown) => void): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isFault(error) || !error.retryable) throw error;
      failing?.(error);
      log.log('warn', `the ${NAME} waits and tries again`, { error });
      await pause(clock, signal);
    }
  }
  return undefined;
}

/** Aborts `over` where the tables have lost what was folded into them. */
async function follow(parts: ProjectorDependencies, turns: Turns, over: AbortController, after: Cursor | null): Promise<void> {
  const { store, views, clock, metrics, log, supervision } = parts;
  let seen = after;
  const filter = { categories: FOLDED_CATEGORIES };
  await followEvents(store, { after, filter, signal: over.signal, clock, log, name: NAME, supervision }, ({ events, cursor, isRetry }) =>
    turns.take(async () => {
      const position = await views.position();
      if (isBehind(store, position, seen)) return over.abort();
      seen = position;
      if (position !== null && store.compare(cursor, position) <= 0 && !isRetry) return;
      const at = isRetry ? (position ?? cursor) : cursor;
      await views.apply({ cursor: at, expected: position, events: isRetry ? 0 : events.length, upserts: await foldable(views, events, 'served') });
      seen = at;
      metrics.count('mc_projected_events_total', events.length);
    }),
  );
}

/** The served rows stay, and go on being brought up to date, where making new ones fails. */
async function rebuildWhenAsked(parts: ProjectorDependencies, turns: Turns, signal: AbortSignal, atOnce: boolean): Promise<void> {
  try {
    let isDue = atOnce;
    const next = async (): Promise<boolean> => {
      if (!isDue && !(await parts.views.rebuildRequested(signal))) return false;
      isDue = true;
      const isDone = await rebuildViews(parts, turns, signal);
      isDue = false;
      return isDone;
    };
    while ((await patiently(parts, signal, next)) === true);
  } catch (error) {
    if (!signal.aborted) parts.log.log('error', 'read models are not made anew before the next start; the old ones are still served', { error });
  }
}

/** Rows of no rules yet, or of another history than this store's (it was restored, or replaced), are thrown away. */
async function forgetForeignRows({ store, views, log }: ProjectorDependencies): Promise<void> {
  const { served, filling } = await views.status();
  const places = [served.position, filling?.position ?? null].filter((position) => position !== null);
  try {
    for (const place of places) store.compare(place, place);
    if (served.projection === null && served.position === null) await views.reset(PROJECTION_VERSION);
  } catch (error) {
    if (!isFault(error, 'CURSOR_INVALID')) throw error;
    log.log('warn', 'the read models are of another history than the store: they are folded anew', { position: served.position });
    await views.reset(PROJECTION_VERSION);
  }
}
