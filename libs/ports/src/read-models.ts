import type { CommandRow, ExecutionRow, WorkflowRow } from '@maestro/domain';
import type { Cursor } from './event-store.ts';

/** Rows by table; every row carries its own `id`. */
export type Rows = { readonly execution: ExecutionRow; readonly workflow: WorkflowRow; readonly command: CommandRow };
export type TableName = keyof Rows;

/** Newest first by `sortKey` of the table; `after` continues a page. */
export type ListQuery = {
  readonly where?: Readonly<Record<string, string>>;
  readonly after?: string | null;
  /** 1…200 */
  readonly limit: number;
};
export type ListPage<Row> = { readonly rows: readonly Row[]; /** opaque; null: the end */ readonly next: string | null };

/**
 * Query models: folded from events, can be thrown away and made again. `apply` is one transaction of rows and
 * checkpoint; public data only. Faults: STORE_CLOSED, STORE_READ_ONLY, STORE_NEWER, CURSOR_INVALID (a bad page cursor).
 */
export interface ReadModels {
  get<T extends TableName>(table: T, ids: readonly string[]): Promise<ReadonlyMap<string, Rows[T]>>;
  list<T extends TableName>(table: T, query: ListQuery): Promise<ListPage<Rows[T]>>;
  /** Upserts by id, then moves the checkpoint. */
  apply(cursor: Cursor, upserts: { readonly [T in TableName]?: readonly Rows[T][] }): Promise<void>;
  /** what was folded in; null: nothing yet */
  position(): Promise<Cursor | null>;
  close(): Promise<void>;
}
