import { Query } from '@nestjs/cqrs';
import type { ReadModelsStatus, Rows, TableName } from '@maestro/ports';
import { forbiddenPage } from '../edge/forbidden-page.ts';
import type { ForbiddenRow } from '../edge/forbidden-page.ts';
import { listPage } from '../edge/list-page.ts';
import type { ListAnswer, ListAsked, ListFilters } from '../edge/list-page.ts';
import { queryHandler } from '../edge/message-handler.ts';

/** One page of any list. */
export class ListRows<T extends TableName = TableName> extends Query<ListAnswer<Rows[T]>> {
  readonly table: T;
  readonly asked: ListAsked;
  readonly filters: ListFilters<T>;
  constructor(table: T, asked: ListAsked, filters: ListFilters<T>) {
    super();
    this.table = table;
    this.asked = asked;
    this.filters = filters;
  }
}

/** Commands that their sender may not send, as entries of the audit trail. */
export class ListForbidden extends Query<ListAnswer<ForbiddenRow>> {
  readonly asked: ListAsked;
  readonly filters: { readonly actor: string | null; readonly subject: string | null };
  constructor(asked: ListAsked, filters: { readonly actor: string | null; readonly subject: string | null }) {
    super();
    this.asked = asked;
    this.filters = filters;
  }
}

/** What the read models are made of, and what is being made beside them. */
export class GetReadModels extends Query<ReadModelsStatus> {}

/** Asks for new read models; answers what is there when the request is kept. */
export class RebuildReadModels extends Query<ReadModelsStatus> {}

export const listQueryHandlers = [
  queryHandler(ListRows, ['store', 'views', 'clock', 'settings'], ({ table, asked, filters }: ListRows, parts) => listPage(parts, table, asked, filters)),
  queryHandler(ListForbidden, ['store', 'views', 'clock', 'commands'], ({ asked, filters }: ListForbidden, parts) => forbiddenPage(parts, asked, filters)),
  queryHandler(GetReadModels, ['views'], (_query: GetReadModels, { views }) => views.status()),
  queryHandler(RebuildReadModels, ['views'], async (_query: RebuildReadModels, { views }) => {
    await views.requestRebuild();
    return views.status();
  }),
];
