import type { Json, JsonObject } from '@maestro/domain';
import { TaskError } from '@maestro/worker';

/** An origin that the deployment opens, although its address may be private. */
export type AllowedOrigin = {
  /** exactly as `URL.origin` writes it: scheme, host, and port unless it is the default */
  readonly origin: string;
  /** only paths below it; default: all */
  readonly pathPrefix?: string;
  /** default: all */
  readonly methods?: readonly string[];
};

/** `allowed`: any address; `public`: the address must be checked when it is dialled. */
export type TargetKind = 'allowed' | 'public';

/**
 * Judges where a URL leads, before anything is dialled; called again for every redirect.
 * Throws TaskError HTTP_TARGET_FORBIDDEN for schemes other than http(s), credentials in the URL, and paths outside
 * the prefix of an allowed origin.
 */
export function judgeTarget(url: URL, method: string, allowOrigins: readonly AllowedOrigin[]): TargetKind {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw forbidden(url, 'only http and https are reached');
  if (url.username !== '' || url.password !== '') throw forbidden(url, 'credentials do not belong in a URL');
  const entries = allowOrigins.filter((entry) => entry.origin === url.origin);
  if (entries.length === 0) return 'public';
  if (entries.some((entry) => covers(entry, url, method))) return 'allowed';
  throw forbidden(
    url,
    `this deployment allows only some paths or methods of it (${entries.map((e) => e.pathPrefix ?? '/').join(', ')})`,
  );
}

/** `settings.http.allowOrigins`; a malformed entry is a fault of the deployment: HTTP_SETTINGS_INVALID. */
export function allowedOriginsOf(settings: JsonObject): readonly AllowedOrigin[] {
  const http = settings['http'];
  const list = isObject(http) ? (http['allowOrigins'] ?? []) : [];
  if (!Array.isArray(list) || !list.every(isAllowedOrigin)) {
    throw new TaskError(
      'HTTP_SETTINGS_INVALID',
      'http.allowOrigins must be a list of {origin, pathPrefix?, methods?}, origin as in https://host:port',
    );
  }
  return list as unknown as readonly AllowedOrigin[];
}

/** HTTP_TARGET_FORBIDDEN. The text holds the origin only: paths and queries may hold secrets. */
export function forbidden(url: URL, reason: string): TaskError {
  const place = url.origin === 'null' ? url.protocol : url.origin;
  return new TaskError('HTTP_TARGET_FORBIDDEN', `${place} is not reached: ${reason}`);
}

function covers(entry: AllowedOrigin, url: URL, method: string): boolean {
  if (entry.methods !== undefined && !entry.methods.includes(method)) return false;
  if (entry.pathPrefix === undefined) return true;
  // URL has resolved dot segments; an escaped slash or dot may still be resolved by the server behind the prefix.
  return url.pathname.startsWith(entry.pathPrefix) && !/%(2f|5c|2e|00)/i.test(url.pathname);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAllowedOrigin(value: Json): boolean {
  if (!isObject(value)) return false;
  const { origin, pathPrefix = '/', methods = [] } = value;
  return (
    typeof origin === 'string' &&
    URL.canParse(origin) &&
    new URL(origin).origin === origin &&
    typeof pathPrefix === 'string' &&
    pathPrefix.startsWith('/') &&
    Array.isArray(methods) &&
    methods.every((method) => typeof method === 'string')
  );
}
