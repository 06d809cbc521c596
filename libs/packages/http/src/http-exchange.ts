import type { PackageContext } from '@maestro/worker';
import { TaskError } from '@maestro/worker';
import type { Agent, Response } from 'undici';
import { fetch } from 'undici';
import type { ResolveAll } from './guarded-agent.ts';
import { ADDRESS_FORBIDDEN, guardedAgent, openAgent } from './guarded-agent.ts';
import { redirected } from './redirect.ts';
import type { Hop } from './redirect.ts';
import type { AllowedOrigin, TargetKind } from './target-policy.ts';
import { allowedOriginsOf, forbidden, judgeTarget } from './target-policy.ts';

const REDIRECTS_MAX = 5;
/** of one task, redirects and body included */
export const REQUEST_MAX_MS = 30_000;
/** ended a little before the attempt itself, so that the failure has a code */
const SHARE_OF_ATTEMPT = 0.9;

export type HttpRequest = {
  readonly method: string;
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** of the answer, decoded */
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** sending it twice does no harm, so that a failure in between may be tried again */
  readonly repeatable: boolean;
  /** given back as they come, also where they redirect */
  readonly expectStatus: readonly number[];
};

/** The whole answer, redirects followed; `body` is decoded content, at most `maxBytes`. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly body: Buffer;
};

/**
 * Sends one request. Every hop is judged anew; see `redirected` for what follows a redirect.
 * Throws TaskError HTTP_URL_INVALID, HTTP_TARGET_FORBIDDEN, HTTP_REDIRECTS, HTTP_TOO_LARGE, HTTP_TIMEOUT and
 * HTTP_CONNECT. The last two are retryable where the request is repeatable, or nothing of it was sent.
 */
export async function exchange(o: HttpRequest, context: PackageContext, resolveAll?: ResolveAll): Promise<HttpAnswer> {
  const start = parse(o.address);
  const limit = AbortSignal.timeout(Math.max(1, Math.min(REQUEST_MAX_MS, o.timeoutMs, context.timeoutMs * SHARE_OF_ATTEMPT)));
  const signal = AbortSignal.any([context.signal, limit]);
  const agents: Record<TargetKind, Agent> = { public: guardedAgent(resolveAll), allowed: openAgent() };
  try {
    const means = { signal, agents, allow: allowedOriginsOf(context.settings) };
    const response = await follow({ method: o.method, url: start, headers: o.headers, body: o.body }, o.expectStatus, means);
    return { status: response.status, headers: response.headers, body: await readBody(response, o.maxBytes) };
  } catch (error) {
    context.signal.throwIfAborted();
    throw coded(error, start, { timedOut: limit.aborted, repeatable: o.repeatable });
  } finally {
    // Not close(): that would wait for a peer that never ends its answer.
    await Promise.all([agents.public.destroy(), agents.allowed.destroy()]);
  }
}

type Means = {
  readonly signal: AbortSignal;
  readonly agents: Record<TargetKind, Agent>;
  readonly allow: readonly AllowedOrigin[];
};

async function follow(first: Hop, expectStatus: readonly number[], means: Means): Promise<Response> {
  let hop = first;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops += 1) {
    const { url, method, headers, body } = hop;
    const dispatcher = means.agents[judgeTarget(url, method, means.allow)];
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal: means.signal, dispatcher }).catch(
      (error: unknown) => {
        throw hops === 0 ? error : Object.assign(error as object, { [AFTER_REDIRECT]: true });
      },
    );
    const next = expectStatus.includes(response.status) ? null : redirected(hop, response.status, response.headers.get('location'));
    if (next === null) return response;
    await response.body?.cancel();
    hop = next;
  }
  throw new TaskError('HTTP_REDIRECTS', `${first.url.origin} redirects more than ${REDIRECTS_MAX} times`);
}

function parse(address: string): URL {
  if (!URL.canParse(address)) throw new TaskError('HTTP_URL_INVALID', 'url must be an absolute http or https URL');
  return new URL(address);
}

// Counts decoded bytes, so that a small compressed answer cannot unfold without bound.
async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    sizeBytes += bytes.byteLength;
    if (sizeBytes > maxBytes)
      throw new TaskError('HTTP_TOO_LARGE', `the answer is larger than ${maxBytes} bytes; raise maxBytes or ask for less`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Marks a failure of a later hop: by then the first server has had the request. */
const AFTER_REDIRECT = Symbol('after a redirect');
const TIMEOUTS: readonly string[] = [
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
];
/** No connection stood, so no byte of the request has left. */
const NOT_SENT: readonly string[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

function coded(error: unknown, url: URL, o: { readonly timedOut: boolean; readonly repeatable: boolean }): unknown {
  const { name, cause, code: ownCode, ...marks } = error as { name?: string; cause?: { code?: unknown }; code?: unknown };
  if (name === 'TaskError') return error;
  const code = String(cause?.code ?? ownCode ?? name);
  if (code === ADDRESS_FORBIDDEN)
    return forbidden(url, 'it, or where it redirects, leads to an address that is not public; see http.allowOrigins');
  const retryable = o.repeatable || (NOT_SENT.includes(code) && !(AFTER_REDIRECT in marks));
  const doubt = retryable ? '' : '; whether it was carried out is not known';
  if (o.timedOut || TIMEOUTS.includes(code))
    return new TaskError('HTTP_TIMEOUT', `${url.origin} did not answer in time${doubt}`, { retryable });
  return new TaskError('HTTP_CONNECT', `no complete answer from ${url.origin}: ${code}${doubt}`, { retryable });
}
