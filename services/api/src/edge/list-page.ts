import type { Clock, Cursor, EventStore, ListQuery, ReadModels, Rows, TableName } from '@maestro/ports';
import { awaitPosition, viewPosition } from '@maestro/runtime';
import { problem } from '../problem/problem-error.ts';

/** One page of a list; `position`, `upToDate` and `lagMs` say how far the read model was. */
export type ListAnswer<Row> = {
  readonly items: readonly Row[];
  /** pass it as `after`; null: the end */
  readonly next: string | null;
  readonly position: Cursor | null;
  readonly upToDate: boolean;
  readonly lagMs: number;
};

/** What a caller may ask of every list. `position`: wait until the read model has it. */
export type ListAsked = {
  readonly after: string | null;
  readonly limit: number;
  readonly position: Cursor | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly order: 'desc' | 'asc';
};

/** What only this list is asked; null stands for what was not given. */
export type ListFilters<T extends TableName> = Omit<ListQuery<T>, 'where' | 'after' | 'limit' | 'from' | 'to' | 'order'> & {
  readonly where: { readonly [F in keyof NonNullable<ListQuery<T>['where']>]: string | boolean | null };
};

type Parts = { readonly store: EventStore; readonly views: ReadModels; readonly clock: Clock; readonly settings: { readonly positionWaitMs: number } };

/** Reads a page of the read model, after it has what the caller wrote (READ_MODEL_BEHIND where that takes too long). */
export async function listPage<T extends TableName>(parts: Parts, table: T, { position: awaited, ...asked }: ListAsked, { where, ...filters }: ListFilters<T>): Promise<ListAnswer<Rows[T]>> {
  const { store, views, clock, settings } = parts;
  if (awaited !== null && !(await awaitPosition(store, views, clock, awaited, settings.positionWaitMs))) {
    throw problem('READ_MODEL_BEHIND', 'the list does not hold this position yet: ask again, or without a position');
  }
  const position = await viewPosition(store, views, clock);
  const given = Object.fromEntries(Object.entries(where).filter(([, value]) => value !== null)) as NonNullable<ListQuery<T>['where']>;
  const { rows, next } = await views.list(table, { ...asked, ...filters, where: given });
  return { items: rows, next, ...position };
}
