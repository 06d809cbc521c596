import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOUBLE_PROGRAM } from '@maestro/adapter-eventstoredb/double';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import type { MemberPlan } from './member.ts';
import type { ServerBinaries } from './server-binaries.ts';

/** Servers of a local cluster, planned, and what its roles are told of them. */
export type PlannedServers = {
  readonly members: readonly MemberPlan[];
  readonly natsUrl: string;
  readonly natsMonitor: string;
  readonly postgresUrl: string;
  readonly s3: { readonly endpoint: string; readonly accessKey: string; readonly secretKey: string };
  /** null: NATS holds the events */
  readonly esdb: string | null;
};

export type ServerSetting = {
  readonly folder: string;
  readonly binaries: ServerBinaries;
  /** six free ones */
  readonly ports: readonly number[];
  readonly store: 'eventstoredb' | 'jetstream';
  /** a real EventStoreDB; undefined: the double of the tests */
  readonly esdbUrl: string | undefined;
};

/** reports of tasks may be large; the server's default is 1 MB */
const NATS_PAYLOAD_MAX = '8MB';
const PG_USER = 'maestro';

/** Prepares folders and configurations; starts nothing but `initdb`. */
export function planServers(setting: ServerSetting): PlannedServers {
  const { folder, ports, store, esdbUrl } = setting;
  const [natsPort = 0, monitorPort = 0, pgPort = 0, s3Port = 0, esdbPort = 0, controlPort = 0] = ports;
  const s3 = { accessKey: 'local-cluster', secretKey: keptSecret(join(folder, 'secrets', 's3-secret-key')) };
  const needsDouble = store === 'eventstoredb' && esdbUrl === undefined;
  const members = [
    planNats(setting, natsPort, monitorPort),
    planPostgres(setting, pgPort),
    planVersitygw(setting, s3Port, s3),
    ...(needsDouble ? [planDouble(setting, esdbPort, controlPort)] : []),
  ];
  return {
    members,
    natsUrl: `nats://127.0.0.1:${natsPort}`,
    natsMonitor: `http://127.0.0.1:${monitorPort}`,
    postgresUrl: `postgres://${PG_USER}@127.0.0.1:${pgPort}/postgres`,
    s3: { endpoint: `http://127.0.0.1:${s3Port}`, ...s3 },
    esdb: store === 'jetstream' ? null : (esdbUrl ?? `esdb://127.0.0.1:${esdbPort}?tls=false`),
  };
}

function server(setting: ServerSetting, name: string, more: Pick<MemberPlan, 'command' | 'args' | 'ready'> & Partial<MemberPlan>): MemberPlan {
  const { folder } = setting;
  return { name, kind: 'server', environment: {}, cwd: folder, user: null, log: join(folder, 'logs', `${name}.log`), endBy: 'SIGTERM', url: null, ...more };
}

function planNats(setting: ServerSetting, port: number, monitorPort: number): MemberPlan {
  const { folder, binaries } = setting;
  const conf = join(folder, 'nats.conf');
  const jetstream = `jetstream { store_dir: ${JSON.stringify(join(folder, 'nats'))}, sync_interval: always }`;
  writeFileSync(conf, `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitorPort}"\nserver_name: nats\nmax_payload: ${NATS_PAYLOAD_MAX}\n${jetstream}\n`);
  return server(setting, 'nats', { command: binaries.natsServer, args: ['-c', conf], ready: { url: `http://127.0.0.1:${monitorPort}/healthz` }, url: `nats://127.0.0.1:${port}` });
}

/** It refuses to run as root: then it runs as the user `postgres`, or `nobody`. */
function planPostgres(setting: ServerSetting, port: number): MemberPlan {
  const { folder, binaries } = setting;
  const data = join(folder, 'postgres');
  const user = process.getuid?.() === 0 ? ownerOfServers() : null;
  const as = user ?? {};
  if (!existsSync(join(data, 'postgresql.conf'))) {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    if (user !== null) chownSync(data, user.uid, user.gid);
    const how = ['-D', data, '-U', PG_USER, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'];
    try {
      execFileSync(join(binaries.postgres, 'initdb'), how, { ...as, cwd: '/', stdio: 'pipe' });
    } catch (error) {
      const { stderr = '' } = error as { readonly stderr?: Buffer | string };
      throw new CliError(EXIT.unexpected, 'CLUSTER_START_FAILED', `initdb could not make ${data}: ${String(stderr).trim()}`, ['choose a folder that other users may pass through, with --folder'], error);
    }
  }
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200' };
  const args = ['-D', data, '-p', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  return server(setting, 'postgres', { command: join(binaries.postgres, 'postgres'), args, cwd: '/', user, endBy: 'SIGINT', ready: { port }, url: `postgres://127.0.0.1:${port}` });
}

function planVersitygw(setting: ServerSetting, port: number, { accessKey, secretKey }: { readonly accessKey: string; readonly secretKey: string }): MemberPlan {
  const { folder, binaries } = setting;
  const [objects, versions] = [join(folder, 's3', 'objects'), join(folder, 's3', 'versions')];
  for (const path of [objects, versions]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return server(setting, 's3', {
    command: binaries.versitygw,
    args: ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet', '--keep-alive', 'posix', '--versioning-dir', versions, objects],
    environment: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    ready: { url: `http://127.0.0.1:${port}/health` },
    url: `http://127.0.0.1:${port}`,
  });
}

function planDouble(setting: ServerSetting, port: number, controlPort: number): MemberPlan {
  const program = fileURLToPath(DOUBLE_PROGRAM);
  const args = [...(program.endsWith('.ts') ? ['--conditions=source'] : []), program, '--port', String(port), '--control', String(controlPort), '--log', join(setting.folder, 'esdb.log')];
  return server(setting, 'esdb', { command: process.execPath, args, ready: { port }, url: `http://127.0.0.1:${controlPort}` });
}

/** Made once, readable by its owner only. */
export function keptSecret(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

function ownerOfServers(): { readonly uid: number; readonly gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => users.find(([user]) => user === name)).find((user) => user !== undefined);
  if (found === undefined) throw new CliError(EXIT.usage, 'CLUSTER_START_FAILED', 'Postgres refuses to run as root, and there is no user "postgres" or "nobody"', ['run it as another user']);
  return { uid: Number(found[2]), gid: Number(found[3]) };
}
