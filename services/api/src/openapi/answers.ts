import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { JSON_TYPES, YAML_TYPES } from '../http/body-parser.ts';
import { ref } from './schema-parts.ts';
import type { SchemaPart } from './schema-parts.ts';

type Content = { readonly [mediaType: string]: SchemaPart };

/** One success answer of an operation; `json` names a component. */
export type Answer = { readonly description: string; readonly json?: string; readonly example?: unknown; readonly content?: Content };

export type OperationSpec = {
  readonly id: string;
  readonly summary: string;
  readonly answers: { readonly [status: number]: Answer };
  /** statuses answered with a problem document; 400, 401, 403, 421 and 500 are added to every operation */
  readonly problems?: readonly number[];
  readonly body?: { readonly json: string; readonly required: boolean; readonly example?: unknown; readonly content?: Content };
  /** further headers and query parameters that it reads */
  readonly headers?: { readonly [name: string]: string };
  readonly query?: { readonly [name: string]: { readonly description: string; readonly schema: SchemaPart } };
};

const EVERYWHERE = [400, 401, 403, 421, 500] as const;

const PROBLEM_TITLES: { readonly [status: number]: string } = {
  400: 'The request is wrong; every problem is listed',
  401: 'This server asks for a token, and none or another one came',
  403: 'Refused: by policy, or because it comes from another origin',
  404: 'There is no such thing',
  406: 'None of the accepted media types is offered',
  409: 'Its present state does not allow this',
  410: 'Its values were erased',
  413: 'Larger than this server accepts',
  415: 'The body is neither JSON nor YAML',
  421: 'The Host header names another server',
  422: 'The Idempotency-Key was used for another command',
  500: 'A bug, or damaged data; named by its code',
  503: 'Not now; come back after Retry-After',
};

/** Forms of request headers; what is not named may be any text. */
const HEADER_SCHEMAS: { readonly [name: string]: SchemaPart } = {
  'Idempotency-Key': { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
  'Maestro-Position': { type: 'string', pattern: '^[\\x21-\\x7e]{1,512}$' },
  'Last-Event-ID': { type: 'string', pattern: '^[0-9]{1,15}$' },
};

/** Declares an operation with all its answers; the document is made from nothing else. */
export function Operation(spec: OperationSpec): MethodDecorator {
  const failures = [...new Set([...EVERYWHERE, ...(spec.problems ?? [])])].sort((a, b) => a - b);
  const { headers = {}, query = {}, body } = spec;
  return applyDecorators(
    ApiOperation({ operationId: spec.id, summary: spec.summary, ...(body === undefined ? {} : { requestBody: { required: body.required, content: bodyContent(body) } as never }) }),
    ...Object.entries(spec.answers).map(([status, answer]) => ApiResponse({ status: Number(status), description: answer.description, ...contentOf(answer) } as never)),
    ...failures.map((status) => ApiResponse({ status, description: PROBLEM_TITLES[status] ?? 'Refused', content: { 'application/problem+json': { schema: ref('Problem') } } } as never)),
    ...Object.entries(headers).map(([name, description]) => ApiHeader({ name, description, required: false, schema: HEADER_SCHEMAS[name] ?? { type: 'string' } } as never)),
    ...Object.entries(query).map(([name, { description, schema }]) => ApiQuery({ name, description, required: false, schema } as never)),
  );
}

function contentOf({ json, example, content }: Answer): object {
  const shown = example === undefined ? {} : { example };
  if (json !== undefined) return { content: { 'application/json': { schema: ref(json), ...shown }, ...mediaOf(content) } };
  return content === undefined ? {} : { content: mediaOf(content) };
}

function mediaOf(content: Content = {}): object {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
}

function bodyContent({ json, example, content }: NonNullable<OperationSpec['body']>): object {
  const shown = example === undefined ? {} : { example };
  return { ...Object.fromEntries([JSON_TYPES[0], YAML_TYPES[0]].map((type) => [type, { schema: ref(json), ...shown }])), ...mediaOf(content) };
}

/** What an operation with an entity tag reads and answers. */
export const TAG_HEADERS = { 'If-None-Match': 'entity tags that the caller holds' } as const;
export const NOT_MODIFIED = { 304: { description: 'The caller holds it' } } as const;

/** What every command reads besides its body. */
export const COMMAND_HEADERS = {
  'Idempotency-Key': '1 to 128 visible ASCII characters; the same key and body on the same route is the same command',
  traceparent: 'W3C trace context that a traced server goes on with; anything else is ignored',
} as const;
