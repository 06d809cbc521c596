import { Query } from '@nestjs/cqrs';
import { executionStream } from '@maestro/domain';
import type { ExecutionId } from '@maestro/domain';
import type { Clock, EventStore } from '@maestro/ports';
import { readEventPage, readExecution } from '@maestro/runtime';
import type { EventPage, ExecutionView, StreamTails } from '@maestro/runtime';
import { found, noExecution } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';

const EVENTS_MAX = 100;
/** Events of one answer together: with its frame it stays below the 1 MB that a NATS message may have. */
const EVENTS_BYTES_MAX = 512 * 1024;

/** A run as it is now, and its events after a revision. `more`: there are further ones by now. */
export type ExecutionProgress = Pick<ExecutionView, 'status' | 'verdict' | 'revision' | 'position'> & {
  readonly executionId: string;
  readonly events: EventPage['items'];
  readonly more: boolean;
};

/** `after`: revision that the asker has; null: none. Waits up to `waitMs` for the next event of a run that goes on. */
export class FollowExecution extends Query<ExecutionProgress> {
  readonly id: ExecutionId;
  readonly after: number | null;
  readonly waitMs: number;
  constructor(id: ExecutionId, after: number | null, waitMs: number) {
    super();
    this.id = id;
    this.after = after;
    this.waitMs = waitMs;
  }
}

export const followExecutionHandler = queryHandler(FollowExecution, ['store', 'tails', 'clock'], async ({ id, after, waitMs }: FollowExecution, { store, tails, clock }): Promise<ExecutionProgress> => {
  const from = after === null ? 0 : after + 1;
  const view = await viewOf(store, id);
  if (view.verdict !== null || view.revision >= from || waitMs === 0) return progressOf(store, id, from, view);
  await nextEvent(tails, clock, { id, from, waitMs });
  return progressOf(store, id, from, await viewOf(store, id));
});

async function viewOf(store: EventStore, id: ExecutionId): Promise<ExecutionView> {
  return found(await readExecution(store, id), noExecution);
}

async function nextEvent(tails: StreamTails, clock: Clock, { id, from, waitMs }: { readonly id: ExecutionId; readonly from: number; readonly waitMs: number }): Promise<void> {
  const abort = new AbortController();
  const disarm = clock.after(waitMs, () => abort.abort());
  for await (const _event of tails.follow(executionStream(id), BigInt(from), abort.signal)) break;
  disarm();
  abort.abort();
}

async function progressOf(store: EventStore, id: ExecutionId, from: number, { status, verdict, revision, position }: ExecutionView): Promise<ExecutionProgress> {
  const page = found(await readEventPage(store, id, { from, limit: EVENTS_MAX }), noExecution);
  const events: EventPage['items'][number][] = [];
  let bytes = 0;
  for (const shown of page.items) {
    bytes += Buffer.byteLength(JSON.stringify(shown.event));
    if (events.length > 0 && bytes > EVENTS_BYTES_MAX) break;
    events.push(shown);
  }
  const last = Number(events.at(-1)?.event['revision'] ?? from - 1);
  return { executionId: id, status, verdict, revision, position, events, more: last < revision };
}
