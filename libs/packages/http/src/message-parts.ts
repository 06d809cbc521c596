import type { Json } from '@maestro/domain';
import { TaskError } from '@maestro/worker';
import type { HttpAnswer } from './http-exchange.ts';

/** Most bytes of a body, and the most that a task may return. */
export const BODY_MAX_BYTES = 1_048_576;

/** They would change the framing, the route or the connection of the request. */
const HEADERS_REFUSED: readonly string[] = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'keep-alive',
  'http2-settings',
];
const HEADERS_REFUSED_PREFIX = 'proxy-';

/** JSON Schema of the headers that a task sets: no name or value can end a line. */
export const HEADERS_SCHEMA = {
  type: 'object',
  maxProperties: 50,
  propertyNames: { pattern: '^[A-Za-z0-9-]{1,100}$' },
  additionalProperties: { type: 'string', maxLength: 8192, pattern: '^[\\t\\x20-\\x7e]*$' },
} as const;

/** Throws TaskError HTTP_HEADER_FORBIDDEN for a header that a task may not set, or sets twice. */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const refused = names.find((name) => HEADERS_REFUSED.includes(name) || name.startsWith(HEADERS_REFUSED_PREFIX));
  if (refused !== undefined) throw new TaskError('HTTP_HEADER_FORBIDDEN', `the header "${refused}" cannot be set by a task`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new TaskError('HTTP_HEADER_FORBIDDEN', `the header "${twice}" is given twice; give it once`);
}

/** True for a status that was asked for; by default 2xx. */
export function isExpected(status: number, expectStatus: readonly number[] | undefined): boolean {
  return expectStatus?.includes(status) ?? (status >= 200 && status < 300);
}

/** HTTP_STATUS. */
export function unexpectedStatus(status: number, expectStatus: readonly number[] | undefined, retryable: boolean): TaskError {
  return new TaskError('HTTP_STATUS', `expected status ${expectStatus?.join(' or ') ?? '2xx'}, got ${status}`, { retryable });
}

/** Bytes of an answer as text, or as the JSON value; throws TaskError HTTP_BODY_INVALID. */
export function decodeBody(body: HttpAnswer['body'], as: 'json' | 'text'): Json {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return as === 'json' ? (JSON.parse(text) as Json) : text;
  } catch {
    // The parser's message quotes the answer: it is not passed on.
    throw new TaskError('HTTP_BODY_INVALID', `the answer is not ${as === 'json' ? 'JSON' : 'text'} in UTF-8`);
  }
}
