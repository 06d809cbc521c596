import { isKnownTag } from './exchange.ts';
import type { HttpReply, HttpRequest } from './exchange.ts';

/**
 * JSON with an entity tag: 304 without a body where the caller holds it. `state` names what the answer was made from,
 * `release` what made it: another release may show the same state otherwise.
 */
export function sendTagged(request: HttpRequest, reply: HttpReply, value: unknown, { state, release }: { readonly state: string; readonly release: string }): void {
  const etag = `"${release}.${state}"`;
  reply.header('ETag', etag).header('Cache-Control', 'private, no-cache');
  if (isKnownTag(request, etag)) reply.code(304).send('');
  else reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(value));
}
