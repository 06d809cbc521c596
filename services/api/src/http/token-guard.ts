import { createHash, timingSafeEqual } from 'node:crypto';
import { problem } from '../problem/problem-error.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import { headerOf } from './exchange.ts';
import type { HttpRequest } from './exchange.ts';

/** Probes know no secret, and hear nothing but `ok`. */
const OPEN_PATH = '/healthz';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/**
 * Closes every route but the health probe to whoever does not send the deployment's token (RFC 6750). Null: no token is
 * set. Undefined: the request may pass. Compared as digests in constant time: neither length nor prefix can be timed.
 */
export function refuseTokenless(request: Pick<HttpRequest, 'url' | 'headers'>, token: string | null): ProblemError | undefined {
  if (token === null || request.url === OPEN_PATH) return undefined;
  const header = headerOf(request, 'authorization');
  const given = BEARER.exec(header ?? '')?.[1];
  if (given !== undefined && timingSafeEqual(digestOf(given), digestOf(token))) return undefined;
  const hint = header === undefined ? 'Bearer realm="maestro"' : 'Bearer realm="maestro", error="invalid_token"';
  return problem('UNAUTHENTICATED', 'send Authorization: Bearer with the token of this server; the command line reads it from its data folder', { headers: { 'WWW-Authenticate': hint } });
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
