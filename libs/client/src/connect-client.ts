import { readFileSync } from 'node:fs';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import type { ConnectionOptions } from '@nats-io/transport-node';
import { MaestroClient } from './maestro-client.ts';

/** Where NATS is, and who the caller is there. */
export type ClientOptions = {
  /** `host:port`; any servers of one cluster */
  readonly servers: string | readonly string[];
  /** user of NATS: begins every subject that this client publishes to, and names its inbox; 1 to 64 of `A-Z a-z 0-9 - _` */
  readonly user: string;
  /** file with the seed of the user's nkey, read at each connection; absent: the server asks for none */
  readonly nkeySeedFile?: string;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** of the deployment; default `mc` */
  readonly prefix?: string;
};

const USER = /^[A-Za-z0-9_-]{1,64}$/;

/** Connects, and comes back for ever after a loss. Throws a RangeError for a user that is none, and what the NATS client throws. */
export async function connectClient(o: ClientOptions): Promise<MaestroClient> {
  if (!USER.test(o.user)) throw new RangeError(`the user "${o.user}" is not 1 to 64 of A-Z a-z 0-9 - _`);
  const { nkeySeedFile: seedFile, tls } = o;
  const options: ConnectionOptions = {
    servers: typeof o.servers === 'string' ? o.servers : [...o.servers],
    name: `maestro-client ${o.user}`,
    inboxPrefix: `_INBOX_${o.user}`,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    ...(seedFile === undefined ? {} : { authenticator: nkeyAuthenticator(() => Buffer.from(readFileSync(seedFile, 'utf8').trim())) }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  };
  return new MaestroClient(await connect(options), o.user, o.prefix ?? 'mc');
}
