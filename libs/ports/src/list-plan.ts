import { Fault } from './fault.ts';
import { LISTS } from './list-rules.ts';
import type { ListQuery } from './read-models.ts';
import type { Rows, TableName } from './rows.ts';

/** A place in a list: what the row sorts by, and its id for rows that sort alike. */
export type ListPlace = { readonly key: string | number; readonly id: string };

/** A list as an adapter carries it out. Values of `where` are text, as `listValue` makes it. */
export type ListPlan = {
  readonly sort: string;
  readonly descending: boolean;
  readonly where: readonly (readonly [field: string, value: string])[];
  readonly tags: readonly string[];
  readonly prefix: string | null;
  readonly time: string;
  readonly from: string | null;
  readonly to: string | null;
  /** rows strictly behind it; null: from the start */
  readonly after: ListPlace | null;
  readonly limit: number;
};

/** How a member of a row is compared with a filter. */
export function listValue(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Checks a query against the rules of its table. Fault: CURSOR_INVALID, where `after` is of another list, filter or order. */
export function listPlan<T extends TableName>(table: T, query: ListQuery<T>): ListPlan {
  const { time, sorts, filters }: { time: string; sorts: readonly string[]; filters: readonly string[] } = LISTS[table];
  const { sort = time, order = 'desc', tags = [], prefix = null, from = null, to = null, after = null, limit } = query;
  const where = Object.entries(query.where ?? {}).flatMap(([field, value]) => (value === undefined ? [] : [[field, String(value)] as const]));
  const unknown = where.map(([field]) => field).filter((field) => !filters.includes(field));
  if (unknown.length > 0 || !sorts.includes(sort)) throw new Error(`${table} has no list by ${[...unknown, sort].join(', ')}`);
  const plan = { sort, descending: order === 'desc', where: where.sort(([a], [b]) => (a < b ? -1 : 1)), tags: [...new Set(tags)].sort(), prefix, time, from, to, limit };
  return { ...plan, after: after === null ? null : placeOf(after, listMark(table, plan)) };
}

/** The cursor of the page after this row. */
export function nextCursor<T extends TableName>(table: T, plan: ListPlan, row: Rows[T]): string {
  const key = (row as unknown as { readonly [field: string]: string | number })[plan.sort];
  return toBase64Url(JSON.stringify([listMark(table, plan), key, row.id]));
}

function placeOf(after: string, mark: string): ListPlace {
  const [found, key, id] = parsed(after);
  if ((typeof key === 'string' || typeof key === 'number') && typeof id === 'string' && found === mark) return { key, id };
  throw new Fault('CURSOR_INVALID', 'the page cursor is not one that this list answered with these filters and this order: start again without it');
}

function parsed(after: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(fromBase64Url(after));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Names a list with its filters and order; against mistakes, not against somebody who makes cursors. 32-bit FNV-1a. */
function listMark(table: TableName, { sort, descending, where, tags, prefix, from, to }: Omit<ListPlan, 'after'>): string {
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify([table, sort, descending, where, tags, prefix, from, to])) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(36);
}

function toBase64Url(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): string {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
