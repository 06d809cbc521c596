import type { Clock, Cursor, EventStore, ReadModels, StoredEvent } from '@maestro/ports';
import { FOLDED_CATEGORIES } from '../work/fold-batch.ts';

/** Pauses between looks at the read model's position; the last one repeats. */
const PAUSES_MS = [5, 10, 20, 40] as const;

/**
 * Waits until the read model has folded what a caller wrote, at most `waitMs`; so that one reads one's own writes.
 * False: not yet. Fault CURSOR_INVALID: the position is not one of this store.
 */
export async function awaitPosition(store: EventStore, views: ReadModels, clock: Clock, position: Cursor, waitMs: number): Promise<boolean> {
  const untilMs = clock.nowMs() + waitMs;
  store.compare(position, position);
  for (let look = 0; ; look++) {
    const folded = await views.position();
    if (folded !== null && store.compare(folded, position) >= 0) return true;
    const leftMs = untilMs - clock.nowMs();
    if (leftMs <= 0) return false;
    const pauseMs = PAUSES_MS[Math.min(look, PAUSES_MS.length - 1)] ?? 0;
    await new Promise<void>((resolve) => void clock.after(Math.min(pauseMs, leftMs), resolve));
  }
}

/** How far a read model is: its position, and whether it has all that the store had when asked. */
export type ViewPosition = {
  readonly position: Cursor | null;
  readonly upToDate: boolean;
  /** age of the oldest event that it does not hold, milliseconds; 0: it holds all */
  readonly lagMs: number;
};

export async function viewPosition(store: EventStore, views: ReadModels, clock: Clock): Promise<ViewPosition> {
  const [position, head] = [await views.position(), await store.head()];
  const upToDate = head === null || (position !== null && store.compare(position, head) >= 0);
  return { position, upToDate, lagMs: upToDate ? 0 : await lagBehind(store, position, clock) };
}

async function lagBehind(store: EventStore, position: Cursor | null, clock: Clock): Promise<number> {
  const { events } = await store.readAll({ after: position, filter: { categories: FOLDED_CATEGORIES }, limit: 1 });
  const [oldest] = events;
  return oldest === undefined ? 0 : Math.max(0, clock.nowMs() - storedAtMs(oldest, clock));
}

/** The time is read without the event's schema: an event that this release cannot read is late like any other. */
function storedAtMs({ bytes }: StoredEvent, clock: Clock): number {
  try {
    const { at } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly at?: unknown };
    const atMs = Date.parse(String(at));
    return Number.isNaN(atMs) ? clock.nowMs() : atMs;
  } catch {
    return clock.nowMs();
  }
}
