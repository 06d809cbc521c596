import { LISTS, listValue } from '@maestro/ports';
import type { ListFilter, ListSort, Rows, TableName } from '@maestro/ports';
import { sealedRow } from './proved-row.ts';
import type { Value } from './steps.ts';
import type { TypedColumn } from './views-dialect.ts';

/** What a table of one generation holds beside `id` and `row`: every member that lists filter, sort or bound in time by. */
export type StoredRow = { readonly id: string; readonly row: string; readonly [column: string]: Value };

type Pairs = { readonly [T in TableName]?: readonly (readonly (ListFilter<T> | ListSort<T>)[])[] };

/** Pairs that people ask for together and that narrow badly one by one; each is followed by the time and the id. */
const PAIRS: Pairs = {
  execution: [
    ['workflowId', 'status'],
    ['actor', 'status'],
  ],
  decision: [
    ['workflowId', 'allow'],
    ['stage', 'allow'],
  ],
  audit: [['action', 'actor']],
};

/** Filtered by this, lists may be in any of their orders. */
const SORTED_IN_ALL_WAYS: ReadonlySet<string> = new Set(['workflowId']);

/**
 * Tables whose rows carry tags, which are kept in a table of their own, together with what lists filter and sort by;
 * and by what a list of one tag is narrowed or sorted often enough for an index. A second column is only covered by it.
 */
const TAGGED: Pairs = {
  execution: [['workflowId', 'status'], ['status'], ['finishedAt'], ['costMicroUsd']],
  workflow: [],
  decision: [['workflowId', 'allow'], ['allow']],
};

export function isTagged(table: TableName): boolean {
  return TAGGED[table] !== undefined;
}

/**
 * Columns of every index on the tags of a table; where it does not say so, the id follows by itself, as part of their key.
 * Every column is in one of them: so a check of the file compares it, and no damage to it leaves rows out of lists.
 */
export function tagIndexesOf(table: TableName): readonly (readonly string[])[] {
  const { sorts, time }: { sorts: readonly string[]; time: string } = LISTS[table];
  const columns: readonly (readonly string[])[] = TAGGED[table] ?? [];
  const asked = columns.map(([column = '', ...covered]) => (sorts.includes(column) ? ['tag', column] : ['tag', column, time, 'id', ...covered]));
  const rest = columnsOf(table).filter((column) => column !== time && !asked.some((index) => index.includes(column)));
  return rest.length === 0 ? asked : [...asked, ['tag', time, 'id', ...rest]];
}

export function columnsOf(table: TableName): readonly string[] {
  return [...new Set<string>([...LISTS[table].filters, ...LISTS[table].sorts])];
}

/** What a column holds. */
export function typedColumn(name: string): TypedColumn {
  return { name, type: name === 'costMicroUsd' ? 'integer' : 'text' };
}

/** Columns that a later event of the same row may change. */
export function changingColumnsOf(table: TableName): readonly string[] {
  return [...LISTS[table].changing, 'row'];
}

/** The time of a row can change, and with it the place of its tags. */
export function isMoving(table: TableName): boolean {
  return (LISTS[table].changing as readonly string[]).includes(LISTS[table].time);
}

/** Columns of every index, in order; each list that can be asked has one that gives its order. */
export function indexesOf(table: TableName): readonly (readonly string[])[] {
  const { sorts, filters, time }: { sorts: readonly string[]; filters: readonly string[]; time: string } = LISTS[table];
  const pairs: readonly (readonly string[])[] = PAIRS[table] ?? [];
  return [
    ...sorts.map((sort) => [sort, 'id']),
    ...filters.flatMap((filter) => (SORTED_IN_ALL_WAYS.has(filter) ? sorts : [time]).map((sort) => [filter, sort, 'id'])),
    ...pairs.map((pair) => [...pair, time, 'id']),
  ];
}

export function storedRow<T extends TableName>(table: T, row: Rows[T]): StoredRow {
  const { filters, sorts }: { filters: readonly string[]; sorts: readonly string[] } = LISTS[table];
  const members = row as unknown as { readonly [member: string]: unknown };
  const values = columnsOf(table).map((column): [string, Value] => {
    const value = members[column] ?? null;
    return [column, sorts.includes(column) && !filters.includes(column) ? (value as Value) : listValue(value)];
  });
  return { id: row.id, ...Object.fromEntries(values), row: sealedRow(table, JSON.stringify(row)) };
}
