import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { isPublicAddress } from './public-address.ts';

/** How long a connection may take to stand. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Raised inside the connector; the request maps it to HTTP_TARGET_FORBIDDEN. */
export const ADDRESS_FORBIDDEN = 'MAESTRO_ADDRESS_FORBIDDEN';

/** Resolves a name to all of its addresses, as `dns.lookup` with `all: true`. */
export type ResolveAll = (
  hostname: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * An agent that connects to public addresses only. Two guards, both at dial time, so that a name cannot change between
 * check and use: `lookup` is never called for IP literals, and the connector never sees what a name resolved to.
 * A name with any address that is not public is refused: which one is dialled would be chance. The caller closes it.
 */
export function guardedAgent(resolveAll: ResolveAll = systemLookup): Agent {
  const dial = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup(resolveAll) });
  return new Agent({
    connect: (options, done) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && !isPublicAddress(host)) return done(addressForbidden(), null);
      dial(options, done);
    },
  });
}

/** An agent for origins that the deployment has opened: any address. The caller closes it. */
export function openAgent(): Agent {
  return new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
}

/** A `lookup` for sockets that refuses names which lead to other than public addresses. */
export function guardedLookup(resolveAll: ResolveAll): LookupFunction {
  return (hostname, options, done) => {
    resolveAll(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address)))
        return done(addressForbidden(), []);
      if (options.all === true) return done(null, addresses);
      done(null, first.address, first.family);
    });
  };
}

function addressForbidden(): NodeJS.ErrnoException {
  return Object.assign(new Error('the host leads to an address that is not public'), { code: ADDRESS_FORBIDDEN });
}
