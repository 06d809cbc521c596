import type { Cursor } from './event-store.ts';
import type { ListFilter, ListSort } from './list-rules.ts';
import type { Rows, TableName } from './rows.ts';

export type Upserts = { readonly [T in TableName]?: readonly Rows[T][] };

/** What a list is narrowed to and in which order; everything given must match. Rows without a value to sort by are left out. */
export type ListQuery<T extends TableName = TableName> = {
  readonly where?: { readonly [F in ListFilter<T>]?: string | boolean };
  /** texts that `LISTS[table].tagsOf` gives a row; all of them must be there */
  readonly tags?: readonly string[];
  /** how the id begins */
  readonly prefix?: string | null;
  /** RFC 3339 in UTC with milliseconds, on the table's time; `from` is inclusive, `to` is not */
  readonly from?: string | null;
  readonly to?: string | null;
  /** the table's time unless given */
  readonly sort?: ListSort<T>;
  /** newest or greatest first unless `asc` */
  readonly order?: 'desc' | 'asc';
  /** `next` of the page before, of a list with the same filters and the same order */
  readonly after?: string | null;
  /** 1…200 */
  readonly limit: number;
};
export type ListPage<Row> = { readonly rows: readonly Row[]; /** opaque; null: the end */ readonly next: string | null };

/** `served`: what lists and look-ups answer from. `filling`: new tables beside them, which nobody sees. */
export type Side = 'served' | 'filling';

/** One step of folding: rows, and up to where they reach. */
export type FoldedBatch = {
  readonly cursor: Cursor;
  /** events that were folded in it */
  readonly events: number;
  readonly upserts: Upserts;
  /** where the checkpoint has to stand; another place is the fault STATE_MOVED, and nothing is written. Absent: anywhere */
  readonly expected?: Cursor | null;
};

export type SideStatus = {
  /** of the rules that made the rows; null: nothing was folded, or by nobody knows which */
  readonly projection: number | null;
  readonly position: Cursor | null;
  /** events folded since these tables were empty; null: not counted from the start */
  readonly events: number | null;
};

export type ReadModelsStatus = { readonly served: SideStatus; readonly filling: SideStatus | null; /** asked for and not swapped in yet */ readonly rebuildRequested: boolean };

/**
 * Query models: folded from events, can be thrown away and made again. Public data only.
 * R1. `apply` is one transaction of rows and checkpoint, on either side.
 * R2. `swap` is one transaction: who lists sees all of the old rows or all of the new ones.
 * R3. What is filled survives a restart; it is served only by `swap`.
 * Faults: STORE_CLOSED, STORE_READ_ONLY, STORE_NEWER, CURSOR_INVALID (a page cursor that is not of this list), STATE_MOVED.
 */
export interface ReadModels {
  get<T extends TableName>(table: T, ids: readonly string[], side?: Side): Promise<ReadonlyMap<string, Rows[T]>>;
  list<T extends TableName>(table: T, query: ListQuery<T>): Promise<ListPage<Rows[T]>>;
  /** Upserts by id, then moves the checkpoint. On a side that has no tables any more: the fault STATE_MOVED. */
  apply(batch: FoldedBatch, side?: Side): Promise<void>;
  /** what was folded in; null: nothing yet */
  position(side?: Side): Promise<Cursor | null>;
  status(): Promise<ReadModelsStatus>;
  /** Empties everything on both sides; what is folded next follows these rules. */
  reset(projection: number): Promise<void>;
  /** Empty tables to fill; those of the same rules that were being filled are kept as they are. */
  beginRebuild(projection: number): Promise<void>;
  /**
   * Serves what was filled, drops what was served, and answers the request for it. Without anything filled: a bug.
   * `expected`: where the served tables have to stand. Another place, or nothing filled any more, is the fault STATE_MOVED then.
   */
  swap(expected?: Cursor | null): Promise<void>;
  /** Asks whoever folds for new tables, in this process or another one; kept until they are swapped in. */
  requestRebuild(): Promise<void>;
  /** True as soon as one is asked for, at once where one is; false when the signal fires. */
  rebuildRequested(signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}
