import type { Json } from '@maestro/domain';
import type { PackageContext, TaskPackage } from '@maestro/worker';
import { TaskError, definePackage } from '@maestro/worker';
import type { ResolveAll } from './guarded-agent.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { REQUEST_MAX_MS, exchange } from './http-exchange.ts';
import { BODY_MAX_BYTES, checkHeaders, decodeBody, isExpected, unexpectedStatus } from './message-parts.ts';
import { inputSchema, outputSchema } from './request-schemas.ts';

const HEADERS_MAX = 100;
const HEADER_MAX_LENGTH = 8192;
/** Credentials of the server's, or about the connection: never given back. */
const HEADERS_DROPPED = /^(set-cookie|www-authenticate|authentication-info|connection|keep-alive|transfer-encoding|trailer|upgrade|proxy-.*)$/;
/** Twice is as good as once, by HTTP's own definition. */
const IDEMPOTENT_METHODS: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];
/** The server says that it did nothing and that another time will do. */
const NOT_CARRIED_OUT: readonly number[] = [408, 425, 429, 503];

type RequestInput = {
  readonly url: string;
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
  readonly json?: Json;
  readonly text?: string;
  readonly idempotent?: boolean;
  readonly expectStatus?: readonly number[];
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly as?: 'json' | 'text';
};
type RequestOutput = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
};

async function run(input: RequestInput, context: PackageContext, resolveAll: ResolveAll | undefined): Promise<RequestOutput> {
  const { method = 'GET', expectStatus, as = 'text', maxBytes = BODY_MAX_BYTES, timeoutMs = REQUEST_MAX_MS } = input;
  const repeatable = input.idempotent ?? IDEMPOTENT_METHODS.includes(method);
  const address = withQuery(input);
  const sent = { method, address, headers: headersOf(input, method, context), body: bodyOf(input, method) };
  const answer = await exchange({ ...sent, maxBytes, timeoutMs, repeatable, expectStatus: expectStatus ?? [] }, context, resolveAll);
  context.log(`${method} ${new URL(address).origin}: ${answer.status}, ${answer.body.byteLength} bytes`);
  if (!isExpected(answer.status, expectStatus))
    throw unexpectedStatus(answer.status, expectStatus, NOT_CARRIED_OUT.includes(answer.status) || (answer.status >= 500 && repeatable));
  const body = as === 'json' && answer.body.byteLength === 0 ? null : decodeBody(answer.body, as);
  return { status: answer.status, headers: shown(answer), body };
}

function withQuery({ url, query = {} }: RequestInput): string {
  if (!URL.canParse(url)) throw new TaskError('HTTP_URL_INVALID', 'url must be an absolute http or https URL');
  const address = new URL(url);
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) address.searchParams.append(name, String(each));
  }
  return address.href;
}

function bodyOf({ json, text }: RequestInput, method: string): string | null {
  const body = json === undefined ? (text ?? null) : JSON.stringify(json);
  if (body === null) return null;
  if (method === 'GET' || method === 'HEAD') throw new TaskError('HTTP_BODY_FORBIDDEN', `a ${method} has no body; choose another method`);
  if (Buffer.byteLength(body) > BODY_MAX_BYTES) throw new TaskError('HTTP_BODY_FORBIDDEN', `the body is larger than ${BODY_MAX_BYTES} bytes`);
  return body;
}

/**
 * The caller's headers, the type of the body, and for methods that are not idempotent by themselves the key that is the
 * same for every attempt and resume of the task: a server that honours it carries the request out once.
 */
function headersOf({ headers = {}, json, text }: RequestInput, method: string, context: PackageContext): Record<string, string> {
  checkHeaders(headers);
  const has = (name: string): boolean => Object.keys(headers).some((each) => each.toLowerCase() === name);
  const type = json !== undefined ? 'application/json' : text !== undefined ? 'text/plain; charset=utf-8' : null;
  return {
    ...(type === null || has('content-type') ? {} : { 'content-type': type }),
    ...(IDEMPOTENT_METHODS.includes(method) || has('idempotency-key') ? {} : { 'idempotency-key': context.idempotencyKey }),
    ...headers,
  };
}

function shown({ headers }: HttpAnswer): Record<string, string> {
  const kept = [...headers].filter(([name]) => !HEADERS_DROPPED.test(name)).slice(0, HEADERS_MAX);
  return Object.fromEntries(kept.map(([name, value]) => [name, value.slice(0, HEADER_MAX_LENGTH)]));
}

/** `pkg:http/request` over the given name resolution (default: the system's). */
export function defineRequest(resolveAll?: ResolveAll): TaskPackage {
  return definePackage<RequestInput, RequestOutput>({
    name: 'pkg:http/request',
    version: '1.0.0',
    description: 'Sends a request by any method. Reaches public addresses and the origins that the deployment allows, and nothing else.',
    inputSchema,
    outputSchema,
    expectedDurationMs: 300,
    run: (input, context) => run(input, context, resolveAll),
  });
}
