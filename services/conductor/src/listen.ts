import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Fault } from '@maestro/ports';
import type { FaultCode } from '@maestro/ports';
import type { Config } from './config.ts';

type Address = Pick<Config, 'host' | 'port'>;

/** Serves; answers the address that programs of this machine reach it at. Faults: PORT_IN_USE, PORT_DENIED, ADDRESS_UNAVAILABLE. */
export async function listen(app: Pick<NestFastifyApplication, 'listen' | 'getHttpServer'>, { host, port }: Address): Promise<string> {
  try {
    await app.listen(port, host);
  } catch (error) {
    throw listenFault(error, { host, port });
  }
  const address = app.getHttpServer().address() as { readonly port: number };
  return `http://${reachable(host)}:${address.port}`;
}

/** Why an address cannot be listened on; an error of another kind as it is. */
export function listenFault(error: unknown, address: Address): unknown {
  return refusalOf(error, address) ?? error;
}

function refusalOf(error: unknown, { host, port }: Address): Fault | undefined {
  const refused = (code: FaultCode, detail: string): Fault => new Fault(code, detail, { cause: error });
  switch ((error as { readonly code?: unknown }).code) {
    case 'EADDRINUSE':
      return refused('PORT_IN_USE', `port ${port} of ${host} is taken: choose another --port, or --port 0 for any free one`);
    case 'EACCES':
      return refused('PORT_DENIED', `this user may not bind port ${port} of ${host}: choose one of 1024 or more`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return refused('ADDRESS_UNAVAILABLE', `no interface of this machine has the address ${host}: choose another --host`);
    default:
      return undefined;
  }
}

/** Bound to all addresses, it is reached at loopback. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  const name = host === '::' ? '::1' : host;
  return name.includes(':') ? `[${name}]` : name;
}
