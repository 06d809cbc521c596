import { Query } from '@nestjs/cqrs';
import type { ExecutionId } from '@maestro/domain';
import type { Clock, EventStore } from '@maestro/ports';
import { graphOf, readEventLines, readEventPage, readExecution } from '@maestro/runtime';
import type { EventPage, ExecutionGraph, ExecutionView, Moment } from '@maestro/runtime';
import { linksOf } from '../commands/start-execution.ts';
import type { ExecutionLinks } from '../commands/start-execution.ts';
import { found, noExecution } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';
import { problem } from '../problem/problem-error.ts';

export type ShownExecution = Omit<ExecutionView, 'kind'> & { readonly links: ExecutionLinks };

/** `moment`: the run as it was then; null: as it is now. */
export class GetExecution extends Query<ShownExecution> {
  readonly id: ExecutionId;
  readonly moment: Moment | null;
  constructor(id: ExecutionId, moment: Moment | null) {
    super();
    this.id = id;
    this.moment = moment;
  }
}

export class GetGraph extends Query<ExecutionGraph> {
  readonly id: ExecutionId;
  readonly moment: Moment | null;
  constructor(id: ExecutionId, moment: Moment | null) {
    super();
    this.id = id;
    this.moment = moment;
  }
}

/** The stored bytes of the events, a line each, from a revision to the newest that there is. */
export class GetEventLines extends Query<AsyncGenerator<Uint8Array>> {
  readonly id: ExecutionId;
  readonly from: number;
  constructor(id: ExecutionId, from: number) {
    super();
    this.id = id;
    this.from = from;
  }
}

export type ShownHistory = { readonly executionId: string } & Omit<EventPage, 'kind'>;

export class GetEvents extends Query<ShownHistory> {
  readonly id: ExecutionId;
  readonly from: number;
  readonly limit: number;
  constructor(id: ExecutionId, from: number, limit: number) {
    super();
    this.id = id;
    this.from = from;
    this.limit = limit;
  }
}

export const executionQueryHandlers = [
  queryHandler(GetExecution, ['store', 'clock'], async ({ id, moment }: GetExecution, parts): Promise<ShownExecution> => {
    const { kind: _, ...view } = await executionAt(parts, id, moment);
    return { ...view, links: linksOf(id) };
  }),
  queryHandler(GetGraph, ['store', 'clock'], async ({ id, moment }: GetGraph, parts): Promise<ExecutionGraph> => graphOf(await executionAt(parts, id, moment))),
  queryHandler(GetEventLines, ['store'], async ({ id, from }: GetEventLines, { store }): Promise<AsyncGenerator<Uint8Array>> => {
    const lines = await readEventLines(store, id, from);
    if (lines === undefined) throw noExecution();
    return lines;
  }),
  queryHandler(GetEvents, ['store'], async ({ id, from, limit }: GetEvents, { store }): Promise<ShownHistory> => {
    const { kind: _, ...page } = found(await readEventPage(store, id, { from, limit }), noExecution);
    return { executionId: id, ...page };
  }),
];

/** A run now, or as it was; what was before its first event, and what has not come yet, is not known (STATE_NOT_KNOWN). */
async function executionAt({ store, clock }: { readonly store: EventStore; readonly clock: Clock }, id: ExecutionId, moment: Moment | null): Promise<ExecutionView> {
  if (moment?.kind === 'time' && moment.atMs > clock.nowMs()) throw problem('STATE_NOT_KNOWN', 'the time that `at` names has not come yet');
  const view = found(await readExecution(store, id, moment), noExecution);
  if (view.kind === 'not-then') throw problem('STATE_NOT_KNOWN', `there is no state of this run then: ${view.detail}`);
  return view;
}
