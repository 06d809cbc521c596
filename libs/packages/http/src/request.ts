import type { PackageContext } from '@maestro/worker';
import { TaskError } from '@maestro/worker';
import type { Agent, Response } from 'undici';
import { fetch } from 'undici';
import type { ResolveAll } from './guarded-agent.ts';
import { ADDRESS_FORBIDDEN, guardedAgent, openAgent } from './guarded-agent.ts';
import type { AllowedOrigin, TargetKind } from './target-policy.ts';
import { allowedOriginsOf, forbidden, judgeTarget } from './target-policy.ts';

const REDIRECTS_MAX = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const REQUEST_MAX_MS = 30_000;
/** ended a little before the attempt itself, so that the failure has a code */
const SHARE_OF_ATTEMPT = 0.9;

/** The whole answer, redirects followed; `body` is decoded content, at most `maxBytes`. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly body: Buffer;
};

/**
 * GETs `address`. Every hop is judged anew. Headers of the caller go to the first origin only.
 * Throws TaskError HTTP_URL_INVALID, HTTP_TARGET_FORBIDDEN, HTTP_REDIRECTS, HTTP_TOO_LARGE, HTTP_TIMEOUT (retryable),
 * HTTP_CONNECT (retryable).
 */
export async function httpGet(
  o: { readonly address: string; readonly headers: Readonly<Record<string, string>>; readonly maxBytes: number },
  context: PackageContext,
  resolveAll?: ResolveAll,
): Promise<HttpAnswer> {
  const start = parse(o.address);
  const limit = AbortSignal.timeout(Math.max(1, Math.min(REQUEST_MAX_MS, context.timeoutMs * SHARE_OF_ATTEMPT)));
  const signal = AbortSignal.any([context.signal, limit]);
  const agents: Record<TargetKind, Agent> = { public: guardedAgent(resolveAll), allowed: openAgent() };
  try {
    const response = await follow(start, o.headers, { signal, agents, allow: allowedOriginsOf(context.settings) });
    return { status: response.status, headers: response.headers, body: await readBody(response, o.maxBytes) };
  } catch (error) {
    context.signal.throwIfAborted();
    throw coded(error, start, limit.aborted);
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

async function follow(start: URL, headers: Readonly<Record<string, string>>, means: Means): Promise<Response> {
  let url = start;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops += 1) {
    const dispatcher = means.agents[judgeTarget(url, 'GET', means.allow)];
    const own = url.origin === start.origin ? headers : {};
    const response = await fetch(url, { headers: own, redirect: 'manual', signal: means.signal, dispatcher });
    const location = response.headers.get('location');
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(location, url.href)) throw new TaskError('HTTP_REDIRECTS', `${url.origin} redirects to an invalid URL`);
    url = new URL(location, url.href);
  }
  throw new TaskError('HTTP_REDIRECTS', `${start.origin} redirects more than ${REDIRECTS_MAX} times`);
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

const TIMEOUTS: readonly string[] = [
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
];

function coded(error: unknown, url: URL, timedOut: boolean): unknown {
  const { name, cause, code: ownCode } = error as { name?: string; cause?: { code?: unknown }; code?: unknown };
  if (name === 'TaskError') return error;
  const code = String(cause?.code ?? ownCode ?? name);
  if (code === ADDRESS_FORBIDDEN)
    return forbidden(url, 'it, or where it redirects, leads to an address that is not public; see http.allowOrigins');
  if (timedOut || TIMEOUTS.includes(code))
    return new TaskError('HTTP_TIMEOUT', `${url.origin} did not answer in time`, { retryable: true });
  return new TaskError('HTTP_CONNECT', `no complete answer from ${url.origin}: ${code}`, { retryable: true });
}
