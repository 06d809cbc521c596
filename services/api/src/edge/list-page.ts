import type { Clock, Cursor, EventStore, ListQuery, ReadModels, Rows, TableName } from '@maestro/ports';
import { awaitPosition, viewPosition } from '@maestro/runtime';
import { problem } from '../problem/problem-error.ts';

/** One page of a list; `position` and `upToDate` say how far the read model was. */
export type ListAnswer<Row> = {
  readonly items: readonly Row[];
  /** pass it as `after`; null: the end */
  readonly next: string | null;
  readonly position: Cursor | null;
  readonly upToDate: boolean;
};

/** What a caller may ask of every list. `position`: wait until the read model has it. */
export type ListAsked = { readonly after: string | null; readonly limit: number; readonly position: Cursor | null };

type Parts = { readonly store: EventStore; readonly views: ReadModels; readonly clock: Clock; readonly settings: { readonly positionWaitMs: number } };

/** Reads a page of the read model, after it has what the caller wrote (READ_MODEL_BEHIND where that takes too long). */
export async function listPage<T extends TableName>(
  { store, views, clock, settings }: Parts,
  table: T,
  asked: ListAsked,
  where: NonNullable<ListQuery['where']>,
): Promise<ListAnswer<Rows[T]>> {
  if (asked.position !== null && !(await awaitPosition(store, views, clock, asked.position, settings.positionWaitMs))) {
    throw problem('READ_MODEL_BEHIND', 'the list does not hold this position yet: ask again, or without a position');
  }
  const position = await viewPosition(store, views);
  const { rows, next } = await views.list(table, { where, after: asked.after, limit: asked.limit });
  return { items: rows, next, ...position };
}
