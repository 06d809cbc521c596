import { connect, nkeyAuthenticator, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { Fault } from '@maestro/ports';
import { ConnectionWatch } from './connection-watch.ts';
import { natsNames, type NatsNames, type NatsSettings } from './nats-settings.ts';

/** Oldest nats-server that this release runs on: before 2.15.2, replicas with `sync_interval: always` are slow and batch guards wrong. */
export const NATS_VERSION_MIN = '2.15.2';

/** One connection of a process, shared by the adapters that it gave it to. */
export type NatsLink = {
  readonly connection: NatsConnection;
  readonly names: NatsNames;
  readonly watch: ConnectionWatch;
  /** of the server that was reached first */
  readonly serverVersion: string;
  /** replies to this user go below it */
  readonly inboxPrefix: string;
  /** Sends what is buffered and closes; idempotent. */
  close(): Promise<void>;
};

/**
 * Connects, and comes back for ever after a loss (one connection per process is enough).
 * Faults: NATS_UNAVAILABLE (retryable: nobody answers yet), NATS_DENIED (the user or the certificate is refused), NATS_TOO_OLD.
 */
export async function openNatsConnection(settings: NatsSettings): Promise<NatsLink> {
  const names = natsNames(settings.prefix);
  const connection = await reach(settings);
  const serverVersion = connection.info?.version ?? '';
  if (!isAtLeast(serverVersion, NATS_VERSION_MIN)) {
    const at = connection.getServer();
    await connection.close();
    throw new Fault('NATS_TOO_OLD', `the NATS server at ${at} is version ${serverVersion || '(none)'}; needed is ${NATS_VERSION_MIN} or newer: upgrade it`);
  }
  const inboxPrefix = settings.inboxPrefix ?? '_INBOX';
  return { connection, names, watch: new ConnectionWatch(connection), serverVersion, inboxPrefix, close: () => release(connection) };
}

async function reach(settings: NatsSettings): Promise<NatsConnection> {
  // an address may hold a password by mistake; the client does not use it
  const where = settings.servers.map((server) => server.replace(/^([a-z]+:\/\/)?[^/]*@/, '$1')).join(', ');
  try {
    return await connect(optionsOf(settings));
  } catch (error) {
    if (isRefusal(error)) {
      throw new Fault('NATS_DENIED', `NATS at ${where} refuses this user or certificate: check its nkey seed, TLS files and the server's accounts`, {
        cause: error,
      });
    }
    throw new Fault('NATS_UNAVAILABLE', `no NATS server answers at ${where}: start it, or correct the address`, { retryable: true, cause: error });
  }
}

function optionsOf(s: NatsSettings): ConnectionOptions {
  const seed = s.nkeySeed;
  return {
    servers: [...s.servers],
    name: s.name ?? 'maestro',
    timeout: s.connectTimeoutMs ?? 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: s.reconnectWaitMs ?? 250,
    reconnectJitter: 100,
    pingInterval: s.pingIntervalMs ?? 5_000,
    maxPingOut: 2,
    // an administrator may change users while we run: it is no reason to stop for ever
    ignoreAuthErrorAbort: true,
    inboxPrefix: s.inboxPrefix ?? '_INBOX',
    ...(seed !== undefined && { authenticator: nkeyAuthenticator(() => Buffer.from(typeof seed === 'function' ? seed() : seed)) }),
    ...(s.tls !== undefined && { tls: { ...s.tls } }),
  };
}

const TLS_REFUSALS = /certificate|self.signed|SSL|TLS/i;

/** The user is unknown, or TLS found no trust: another try with the same files ends the same way. */
function isRefusal(error: unknown): boolean {
  const { name, message } = (error ?? {}) as { name?: string; message?: string };
  return name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError' || TLS_REFUSALS.test(message ?? '');
}

/** Semantic versions by their three numbers; what follows (`-preview.1`) is not looked at. */
function isAtLeast(version: string, min: string): boolean {
  const numbers = (text: string): number[] => (/^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? ['', '-1', '-1', '-1']).slice(1).map(Number);
  const [have, want] = [numbers(version), numbers(min)];
  const at = have.findIndex((n, i) => n !== want[i]);
  return at === -1 || (have[at] ?? -1) > (want[at] ?? 0);
}

async function release(connection: NatsConnection): Promise<void> {
  if (connection.isClosed()) return;
  // a drain while the connection is down would wait for the server
  await connection.close();
}
