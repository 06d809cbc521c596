import { createHash } from 'node:crypto';
import type { Json } from '@maestro/domain';
import type { PackageContext, TaskPackage } from '@maestro/worker';
import { definePackage } from '@maestro/worker';
import type { ResolveAll } from './guarded-agent.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { REQUEST_MAX_MS, exchange } from './http-exchange.ts';
import { BODY_MAX_BYTES, HEADERS_SCHEMA, checkHeaders, decodeBody, isExpected, unexpectedStatus } from './message-parts.ts';

/** of the answer, given back when present */
const HEADERS_KEPT = ['content-type', 'etag', 'last-modified', 'cache-control'] as const;
/** beside 5xx: the server says that another time will do */
const RETRYABLE: readonly number[] = [408, 425, 429];

type GetInput = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
  readonly expectStatus?: readonly number[];
  readonly as?: 'json' | 'text';
};
type GetOutput = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  readonly digest: string;
  readonly sizeBytes: number;
};

async function run(input: GetInput, context: PackageContext, resolveAll: ResolveAll | undefined): Promise<GetOutput> {
  const { url: address, headers = {}, maxBytes = BODY_MAX_BYTES, expectStatus, as = 'text' } = input;
  checkHeaders(headers);
  const limits = { maxBytes, timeoutMs: REQUEST_MAX_MS, repeatable: true, expectStatus: [] };
  const answer = await exchange({ method: 'GET', address, headers, body: null, ...limits }, context, resolveAll);
  context.log(`GET ${new URL(address).origin}: ${answer.status}, ${answer.body.byteLength} bytes`);
  if (!isExpected(answer.status, expectStatus))
    throw unexpectedStatus(answer.status, expectStatus, RETRYABLE.includes(answer.status) || answer.status >= 500);
  return {
    status: answer.status,
    headers: kept(answer),
    body: decodeBody(answer.body, as),
    digest: `sha256:${createHash('sha256').update(answer.body).digest('hex')}`,
    sizeBytes: answer.body.byteLength,
  };
}

function kept({ headers }: HttpAnswer): Record<string, string> {
  return Object.fromEntries(HEADERS_KEPT.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) as string]] : [])));
}

const inputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: { type: 'string', minLength: 1, maxLength: 8192 },
    headers: HEADERS_SCHEMA,
    maxBytes: { type: 'integer', minimum: 1, maximum: BODY_MAX_BYTES, default: BODY_MAX_BYTES },
    expectStatus: { type: 'array', minItems: 1, maxItems: 20, items: { type: 'integer', minimum: 200, maximum: 599 } },
    as: { enum: ['text', 'json'], default: 'text' },
  },
} as const;

const outputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['status', 'headers', 'body', 'digest', 'sizeBytes'],
  properties: {
    status: { type: 'integer', 'x-public': true },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: { description: 'text, or the JSON value' },
    digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', 'x-public': true },
    sizeBytes: { type: 'integer', 'x-public': true },
  },
} as const;

/** `pkg:http/get` over the given name resolution (default: the system's). */
export function defineGet(resolveAll?: ResolveAll): TaskPackage {
  return definePackage<GetInput, GetOutput>({
    name: 'pkg:http/get',
    version: '1.0.0',
    description: 'Fetches a URL. Reaches public addresses and the origins that the deployment allows, and nothing else.',
    inputSchema,
    outputSchema,
    expectedDurationMs: 300,
    run: (input, context) => run(input, context, resolveAll),
  });
}
