import type { ListAsked } from '../edge/list-page.ts';
import type { SchemaPart } from '../openapi/schema-parts.ts';
import { headerOf } from '../http/exchange.ts';
import type { HttpRequest } from '../http/exchange.ts';
import { TIME } from '../http/moment.ts';
import { problem } from '../problem/problem-error.ts';
import { oneOf, optional, readFields, text, wholeNumber } from '../http/request-fields.ts';
import type { Fields, Reader } from '../http/request-fields.ts';

export const PAGE_ROWS_MAX = 200;
const PAGE_ROWS = 50;
const LABELS_MAX = 10;
const ORDERS = ['desc', 'asc'] as const;

const CURSOR = /^[\x21-\x7e]{1,512}$/;
const LABEL = /^[^:]{1,128}:.{0,128}$/u;
const cursor = text('an opaque cursor', CURSOR);
const label = text('a label as in key:value', LABEL);

/** A time of RFC 3339; answered as rows carry it. */
const instant: Reader<string> = (given) => {
  const atMs = typeof given === 'string' && TIME.test(given) ? Date.parse(given) : NaN;
  if (!Number.isNaN(atMs)) return new Date(atMs).toISOString();
  throw 'expected a time as in 2026-01-05T10:00:00.000Z';
};

/** A parameter that may come several times. */
export const labels: Reader<readonly string[]> = (given) => {
  const all: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
  if (all.length > LABELS_MAX) throw `expected at most ${LABELS_MAX} labels`;
  return all.map(label);
};

export const flag: Reader<boolean> = (given) => oneOf(['true', 'false'])(given) === 'true';

const common: Fields<ListAsked> = {
  after: optional(cursor, null),
  limit: optional(wholeNumber(1, PAGE_ROWS_MAX), PAGE_ROWS),
  position: optional(cursor, null),
  from: optional(instant, null),
  to: optional(instant, null),
  order: optional(oneOf(ORDERS), 'desc'),
};

/** What every list reads from its query, and what only this one does. The header `Maestro-Position` stands for `position`. */
export function readListQuery<T extends object>(request: HttpRequest, own: Fields<T>): { readonly asked: ListAsked; readonly own: T } {
  const read = readFields<ListAsked & T>(request.query, { ...common, ...own } as Fields<ListAsked & T>, 'query');
  const { after, limit, position, from, to, order, ...rest } = read;
  const header = headerOf(request, 'maestro-position');
  if (header !== undefined && !CURSOR.test(header)) throw problem('REQUEST_INVALID', 'Maestro-Position is the position that an answer gave');
  return { asked: { after, limit, position: position ?? header ?? null, from, to, order }, own: rest as unknown as T };
}

export type QueryPart = { readonly [name: string]: { readonly description: string; readonly schema: SchemaPart } };

const time: SchemaPart = { type: 'string', format: 'date-time', pattern: TIME.source };

/** The common part as the document shows it. */
export const LIST_QUERY: QueryPart = {
  after: { description: '`next` of the page before, of the same list', schema: { type: 'string', pattern: CURSOR.source } },
  limit: { description: 'rows at most', schema: { type: 'integer', minimum: 1, maximum: PAGE_ROWS_MAX, default: PAGE_ROWS } },
  position: { description: 'wait until the list holds what was written up to here', schema: { type: 'string', pattern: CURSOR.source } },
  from: { description: 'not before this time of RFC 3339 (its + written %2B)', schema: time },
  to: { description: 'before this time', schema: time },
  order: { description: 'newest or greatest first, or last', schema: { type: 'string', enum: ORDERS, default: 'desc' } },
};

export const LABEL_QUERY: QueryPart = {
  label: { description: '`key:value`; all that are given must be there', schema: { type: 'array', items: { type: 'string', pattern: LABEL.source }, maxItems: LABELS_MAX } },
};

export const LIST_HEADERS = { 'Maestro-Position': 'as the query parameter `position`' } as const;
