import { problem } from '../problem/problem-error.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import type { ApiSettings } from '../settings.ts';
import { headerOf } from './exchange.ts';
import type { HttpRequest } from './exchange.ts';

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'] as const;

/** Says nothing that is worth a guard, and is asked by probes that know only an address. */
const UNGUARDED_PATH = '/healthz';

/**
 * Any web page can reach a local port, so every request must name us: `Host` against DNS rebinding, `Origin` (where a
 * browser sends one) against pages of others. Undefined: the request may pass.
 */
export function refuseStranger(request: HttpRequest, settings: ApiSettings): ProblemError | undefined {
  if (request.url === UNGUARDED_PATH) return undefined;
  const hosts = ownHosts(settings, request.socket.localPort ?? settings.port);
  const host = headerOf(request, 'host')?.toLowerCase();
  if (host === undefined || !hosts.has(host)) {
    return problem('HOST_NOT_ALLOWED', 'the Host header names another server: use the address that the server prints, or allow this name in its settings');
  }
  const origin = headerOf(request, 'origin')?.toLowerCase();
  if (origin === undefined || isOwnOrigin(origin, hosts)) return undefined;
  return problem('ORIGIN_NOT_ALLOWED', 'requests from pages of other origins are refused');
}

function ownHosts({ hostname, allowedHosts }: ApiSettings, port: number): ReadonlySet<string> {
  const own = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  const names = [...LOOPBACK_NAMES, own.toLowerCase()];
  const bare = port === 80 ? names : [];
  return new Set([...names.map((name) => `${name}:${port}`), ...bare, ...allowedHosts.map((host) => host.toLowerCase())]);
}

function isOwnOrigin(origin: string, hosts: ReadonlySet<string>): boolean {
  const [, host] = /^https?:\/\/(.+)$/.exec(origin) ?? [];
  return host !== undefined && hosts.has(host);
}
