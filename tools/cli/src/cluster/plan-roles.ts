import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { INSTALLED } from '../install-paths.ts';
import type { MemberPlan } from './member.ts';
import { keptSecret } from './plan-servers.ts';
import type { PlannedServers } from './plan-servers.ts';

/** How many processes of each role a cluster has. */
export type Scale = { readonly [role: string]: number };

/** Enough of each that any one may go: what the tests of a cluster assume. */
export const DEFAULT_SCALE: Scale = { api: 2, command: 3, policy: 2, runner: 4, projector: 2, receipt: 2 };

export const BUCKET = 'evidence';

type RoleSetting = { readonly folder: string; readonly scale: Scale; readonly servers: PlannedServers; /** two for each process */ readonly ports: readonly number[]; readonly workspace: string };

/** Writes `cluster.yaml` and the secrets that it names; one plan per process. */
export function planRoles({ folder, scale, servers, ports, workspace }: RoleSetting): readonly MemberPlan[] {
  const config = join(folder, 'cluster.yaml');
  const secret = (name: string, text: string): string => {
    const path = join(folder, 'secrets', name);
    writeFileSync(path, `${text}\n`, { mode: 0o600 });
    return path;
  };
  keptSecret(join(folder, 'secrets', 'work-key'));
  const [publicPort] = ports;
  writeFileSync(config, stringify({
    profile: 'cluster',
    workspace,
    publicUrl: `http://127.0.0.1:${publicPort}`,
    allowOrigin: [],
    nats: { servers: [servers.natsUrl], monitors: [servers.natsMonitor] },
    store: { engine: servers.esdb === null ? 'jetstream' : 'eventstoredb' },
    ...(servers.esdb === null ? {} : { eventstoredb: { connectionFile: secret('esdb-connection', servers.esdb) } }),
    postgres: { urlFile: secret('postgres-url', servers.postgresUrl), poolMax: 6 },
    s3: {
      endpoint: servers.s3.endpoint,
      bucket: BUCKET,
      pathStyle: true,
      accessKeyFile: secret('s3-access-key', servers.s3.accessKey),
      secretKeyFile: join(folder, 'secrets', 's3-secret-key'),
      retentionDays: 1,
    },
    keys: { folder: join(folder, 'keys'), wrappingFile: join(folder, 'secrets', 'wrapping-keys'), workFile: join(folder, 'secrets', 'work-key') },
  }));
  const names = Object.entries(scale).flatMap(([role, count]) => Array.from({ length: count }, (_, i) => ({ role, name: `${role}-${i + 1}` })));
  return names.map(({ role, name }, i) => {
    const [port = 0, opsPort = 0] = ports.slice(2 * i, 2 * i + 2);
    return {
      name,
      kind: 'role',
      command: process.execPath,
      args: [INSTALLED.conductor, '--config', config, '--role', role, '--name', name, '--port', String(port), '--ops-port', String(opsPort)],
      environment: { NODE_COMPILE_CACHE: INSTALLED.compileCache },
      cwd: folder,
      user: null,
      log: join(folder, 'logs', `${name}.log`),
      ready: { url: `http://127.0.0.1:${opsPort}/readyz` },
      endBy: 'SIGTERM',
      url: role === 'api' ? `http://127.0.0.1:${port}` : `http://127.0.0.1:${opsPort}`,
    };
  });
}
