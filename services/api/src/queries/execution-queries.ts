import { Query } from '@nestjs/cqrs';
import type { ExecutionId, ExecutionRow } from '@maestro/domain';
import { readEventPage, readExecution } from '@maestro/runtime';
import type { EventPage, ExecutionView } from '@maestro/runtime';
import { linksOf } from '../commands/start-execution.ts';
import type { ExecutionLinks } from '../commands/start-execution.ts';
import { found, noExecution } from '../edge/found.ts';
import { listPage } from '../edge/list-page.ts';
import type { ListAnswer, ListAsked } from '../edge/list-page.ts';
import { queryHandler } from '../edge/message-handler.ts';

export type ExecutionFilter = { readonly workflow: string | null; readonly status: string | null };

export class ListExecutions extends Query<ListAnswer<ExecutionRow>> {
  readonly asked: ListAsked;
  readonly filter: ExecutionFilter;
  constructor(asked: ListAsked, filter: ExecutionFilter) {
    super();
    this.asked = asked;
    this.filter = filter;
  }
}

export type ShownExecution = Omit<ExecutionView, 'kind'> & { readonly links: ExecutionLinks };

export class GetExecution extends Query<ShownExecution> {
  readonly id: ExecutionId;
  constructor(id: ExecutionId) {
    super();
    this.id = id;
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
  queryHandler(ListExecutions, ['store', 'views', 'clock', 'settings'], ({ asked, filter }: ListExecutions, parts) => {
    const where = { ...(filter.workflow === null ? {} : { workflowId: filter.workflow }), ...(filter.status === null ? {} : { status: filter.status }) };
    return listPage(parts, 'execution', asked, where);
  }),
  queryHandler(GetExecution, ['store'], async ({ id }: GetExecution, { store }): Promise<ShownExecution> => {
    const { kind: _, ...view } = found(await readExecution(store, id), noExecution);
    return { ...view, links: linksOf(id) };
  }),
  queryHandler(GetEvents, ['store'], async ({ id, from, limit }: GetEvents, { store }): Promise<ShownHistory> => {
    const { kind: _, ...page } = found(await readEventPage(store, id, { from, limit }), noExecution);
    return { executionId: id, ...page };
  }),
];
