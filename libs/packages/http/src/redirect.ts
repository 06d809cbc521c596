import { TaskError } from '@maestro/worker';

/** One request on the way to an answer. */
export type Hop = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
};

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const SEE_OTHER = 303;
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD'];

/**
 * What follows an answer; null: it is the last one. A GET or HEAD goes where it is sent. Anything else is never sent
 * again to another place: only 303, which says that it was carried out, is followed, by a GET without body.
 * Headers of the caller stay behind when the origin changes, for they may be credentials of the first one.
 * Throws TaskError HTTP_REDIRECTS.
 */
export function redirected(from: Hop, status: number, location: string | null): Hop | null {
  if (!REDIRECTS.includes(status) || location === null) return null;
  const isSafe = SAFE_METHODS.includes(from.method);
  if (!isSafe && status !== SEE_OTHER)
    throw new TaskError('HTTP_REDIRECTS', `${from.url.origin} redirects a ${from.method}, which is not sent again elsewhere; use the final URL`);
  if (!URL.canParse(location, from.url.href)) throw new TaskError('HTTP_REDIRECTS', `${from.url.origin} redirects to an invalid URL`);
  const url = new URL(location, from.url.href);
  const headers = url.origin === from.url.origin ? (isSafe ? from.headers : withoutBody(from.headers)) : {};
  return { method: isSafe ? from.method : 'GET', url, headers, body: null };
}

function withoutBody(headers: Hop['headers']): Hop['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(content-|idempotency-key$)/i.test(name)));
}
