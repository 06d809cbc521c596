import { sha256 } from '@maestro/receipt';
import { isKnownTag } from './exchange.ts';
import type { HttpReply, HttpRequest } from './exchange.ts';

/**
 * JSON with an entity tag: 304 without a body where the caller holds it. `state` names what the answer was made from,
 * `release` what made it: another release may show the same state otherwise.
 */
export function sendTagged(request: HttpRequest, reply: HttpReply, value: unknown, { state, release }: { readonly state: string; readonly release: string }): void {
  answer(request, reply, `"${release}.${state}"`, 'private, no-cache', () => {
    reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(value));
  });
}

export type TaggedBytes = {
  readonly bytes: Uint8Array;
  /** 64 hex: SHA-256 of the bytes, where it is known already */
  readonly digest?: string;
  readonly type: string;
  /** Cache-Control */
  readonly cache: string;
};

/** Exact bytes, tagged with their digest. */
export function sendTaggedBytes(request: HttpRequest, reply: HttpReply, { bytes, digest = sha256(bytes), type, cache }: TaggedBytes): void {
  answer(request, reply, `"sha256:${digest}"`, cache, () => {
    reply.header('content-type', type).send(Buffer.from(bytes));
  });
}

function answer(request: HttpRequest, reply: HttpReply, etag: string, cache: string, sendWhole: () => void): void {
  reply.header('ETag', etag).header('Cache-Control', cache);
  if (isKnownTag(request, etag)) {
    reply.code(304).send('');
    return;
  }
  reply.code(200);
  sendWhole();
}
