import { createHash } from 'node:crypto';
import type { Json } from '@maestro/domain';
import type { PackageContext, TaskPackage } from '@maestro/worker';
import { TaskError, definePackage } from '@maestro/worker';
import type { ResolveAll } from './guarded-agent.ts';
import type { HttpAnswer } from './request.ts';
import { httpGet } from './request.ts';

/** also the most that a task may return */
const MAX_BYTES_LIMIT = 1_048_576;
/** of the answer, given back when present */
const HEADERS_KEPT = ['content-type', 'etag', 'last-modified', 'cache-control'] as const;
/** would change the framing, the route or the connection of the request */
const HEADERS_REFUSED = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'expect',
  'keep-alive',
];

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
  const { url: address, headers = {}, maxBytes = MAX_BYTES_LIMIT, expectStatus, as = 'text' } = input;
  const refused = Object.keys(headers).find((name) => HEADERS_REFUSED.includes(name.toLowerCase()));
  if (refused !== undefined) throw new TaskError('HTTP_HEADER_FORBIDDEN', `the header "${refused}" cannot be set by a task`);
  const answer = await httpGet({ address, headers, maxBytes }, context, resolveAll);
  context.log(`GET ${new URL(address).origin}: ${answer.status}, ${answer.body.byteLength} bytes`);
  if (!(expectStatus?.includes(answer.status) ?? (answer.status >= 200 && answer.status < 300)))
    throw unexpected(answer.status, expectStatus);
  return {
    status: answer.status,
    headers: kept(answer),
    body: decode(answer.body, as),
    digest: `sha256:${createHash('sha256').update(answer.body).digest('hex')}`,
    sizeBytes: answer.body.byteLength,
  };
}

function unexpected(status: number, expected: readonly number[] | undefined): TaskError {
  const retryable = status === 408 || status === 425 || status === 429 || status >= 500;
  return new TaskError('HTTP_STATUS', `expected status ${expected?.join(' or ') ?? '2xx'}, got ${status}`, { retryable });
}

function kept({ headers }: HttpAnswer): Record<string, string> {
  return Object.fromEntries(HEADERS_KEPT.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) as string]] : [])));
}

function decode(body: Buffer, as: 'json' | 'text'): Json {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return as === 'json' ? (JSON.parse(text) as Json) : text;
  } catch {
    // The parser's message quotes the answer: it is not passed on.
    throw new TaskError('HTTP_BODY_INVALID', `the answer is not ${as === 'json' ? 'JSON' : 'text'} in UTF-8`);
  }
}

const inputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: { type: 'string', minLength: 1, maxLength: 8192 },
    headers: {
      type: 'object',
      maxProperties: 50,
      propertyNames: { pattern: '^[A-Za-z0-9-]{1,100}$' },
      additionalProperties: { type: 'string', maxLength: 8192, pattern: '^[\\t\\x20-\\x7e]*$' },
    },
    maxBytes: { type: 'integer', minimum: 1, maximum: MAX_BYTES_LIMIT, default: MAX_BYTES_LIMIT },
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
