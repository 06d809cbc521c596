import type { Readable } from 'node:stream';

/** What the edge reads of a request; Fastify's request has it. */
export type HttpRequest = {
  /** UUID of this request; correlates its answer, its log lines and the commands that it sent */
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly query: unknown;
  readonly params: unknown;
  readonly socket: { readonly localPort?: number | undefined };
  readonly raw: { once(event: 'close', listener: () => void): unknown };
};

/** What the edge sets on an answer; Fastify's reply has it. */
export type HttpReply = {
  code(status: number): HttpReply;
  header(name: string, value: string): HttpReply;
  send(payload: string | Uint8Array | Readable): HttpReply;
  readonly raw: { once(event: 'close', listener: () => void): unknown };
};

/** One header as text; a repeated one is joined by a comma, as HTTP says. */
export function headerOf(request: Pick<HttpRequest, 'headers'>, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** True where `If-None-Match` names this entity tag, weakly compared. */
export function isKnownTag(request: Pick<HttpRequest, 'headers'>, etag: string): boolean {
  const asked = headerOf(request, 'if-none-match');
  if (asked === undefined) return false;
  return asked.trim() === '*' || asked.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/** True where `Accept` lists this media type by name; wildcards do not count. */
export function asksFor(request: Pick<HttpRequest, 'headers'>, mediaType: string): boolean {
  const accepted = headerOf(request, 'accept') ?? '';
  return accepted.split(',').some((item) => item.split(';')[0]?.trim().toLowerCase() === mediaType);
}
