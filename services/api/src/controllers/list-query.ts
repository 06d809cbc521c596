import type { ListAsked } from '../edge/list-page.ts';
import type { SchemaPart } from '../openapi/schema-parts.ts';
import { headerOf } from '../http/exchange.ts';
import type { HttpRequest } from '../http/exchange.ts';
import { problem } from '../problem/problem-error.ts';
import { optional, readFields, text, wholeNumber } from '../http/request-fields.ts';
import type { Fields } from '../http/request-fields.ts';

export const PAGE_ROWS_MAX = 200;
const PAGE_ROWS = 50;

const CURSOR = /^[\x21-\x7e]{1,512}$/;
const cursor = text('an opaque cursor', CURSOR);
const common: Fields<ListAsked> = {
  after: optional(cursor, null),
  limit: optional(wholeNumber(1, PAGE_ROWS_MAX), PAGE_ROWS),
  position: optional(cursor, null),
};

/** What every list reads from its query, and what only this one does. The header `Maestro-Position` stands for `position`. */
export function readListQuery<T extends object>(request: HttpRequest, own: Fields<T>): ListAsked & T {
  const asked = readFields<ListAsked & T>(request.query, { ...common, ...own } as Fields<ListAsked & T>, 'query');
  const header = headerOf(request, 'maestro-position');
  if (asked.position !== null || header === undefined) return asked;
  if (!CURSOR.test(header)) throw problem('REQUEST_INVALID', 'Maestro-Position is the position that an answer gave');
  return { ...asked, position: header };
}

const CURSOR_SCHEMA: SchemaPart = { type: 'string', pattern: CURSOR.source };

/** The common part as the document shows it. */
export const LIST_QUERY: { readonly [name: string]: { readonly description: string; readonly schema: SchemaPart } } = {
  after: { description: '`next` of the page before', schema: CURSOR_SCHEMA },
  limit: { description: 'rows at most', schema: { type: 'integer', minimum: 1, maximum: PAGE_ROWS_MAX, default: PAGE_ROWS } },
  position: { description: 'wait until the list holds what was written up to here', schema: CURSOR_SCHEMA },
};

export const LIST_HEADERS = { 'Maestro-Position': 'as the query parameter `position`' } as const;
