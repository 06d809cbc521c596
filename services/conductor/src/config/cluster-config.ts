import { hostname } from 'node:os';
import { ROLES, enginesOf } from '../roles/role-table.ts';
import type { EngineName, RoleName } from '../roles/role-table.ts';
import type { SecretText } from './secret-text.ts';

/** What a process of a cluster is told beside what every conductor is. Null: not said. */
export type ClusterConfig = {
  readonly roles: readonly RoleName[];
  /** of this process: in leases, events and logs */
  readonly name: string;
  /** for health and metrics; 0: any free one */
  readonly opsPort: number;
  readonly prefix: string;
  readonly partitions: number;
  readonly publicUrl: string | null;
  readonly accessToken: SecretText | null;
  readonly nats: {
    readonly servers: readonly string[];
    readonly seed: SecretText | null;
    readonly caFile: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
    readonly inboxPrefix: string;
    readonly replicas: 1 | 3 | 5;
    readonly callers: readonly string[];
    readonly workers: readonly string[];
    readonly monitors: readonly string[];
  };
  readonly store: { readonly engine: 'eventstoredb' | 'jetstream'; readonly acceptWeakDurability: boolean };
  readonly eventstoredb: { readonly connection: SecretText | null };
  readonly postgres: { readonly url: SecretText | null; readonly poolMax: number };
  readonly s3: {
    readonly endpoint: string | null;
    readonly region: string;
    readonly bucket: string | null;
    readonly pathStyle: boolean;
    readonly accessKey: SecretText | null;
    readonly secretKey: SecretText | null;
    readonly retentionDays: number;
  };
  readonly keys: { readonly folder: string; readonly wrappingFile: string | null; readonly work: SecretText | null };
};

/** From values by setting, each of which is what its setting may be. */
export function clusterConfigOf(values: Readonly<Record<string, unknown>>): ClusterConfig {
  const top = {
    roles: Object.freeze(rolesOf(values['role'] as readonly RoleName[])),
    name: (values['name'] as string | null) ?? `${hostname()}-${process.pid}`,
    opsPort: values['opsPort'],
    prefix: values['prefix'],
    partitions: values['partitions'],
    publicUrl: values['publicUrl'],
    accessToken: values['accessTokenFile'],
  };
  const sections = Object.entries(values).filter(([name]) => name.includes('.'));
  const of = (section: string): object =>
    Object.freeze(Object.fromEntries(sections.filter(([name]) => name.startsWith(`${section}.`)).map(([name, value]) => [fieldOf(name.slice(section.length + 1)), value])));
  const names = ['nats', 'store', 'eventstoredb', 'postgres', 's3', 'keys'] as const;
  return Object.freeze({ ...top, ...Object.fromEntries(names.map((name) => [name, of(name)])) }) as unknown as ClusterConfig;
}

/** A secret's setting names the file; what is kept is the secret. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(['seedFile', 'connectionFile', 'urlFile', 'accessKeyFile', 'secretKeyFile', 'workFile']);
function fieldOf(name: string): string {
  return SECRET_FIELDS.has(name) ? name.replace(/File$/, '') : name;
}

/** Secrets of engines; `keys.workFile` and the access token belong to one role each. */
const SECRETS_OF: { readonly [E in EngineName]?: readonly string[] } = {
  nats: ['nats.seedFile'],
  store: ['eventstoredb.connectionFile'],
  postgres: ['postgres.urlFile'],
  evidence: ['s3.accessKeyFile', 's3.secretKeyFile'],
};

/** Secrets that a process with these roles may read; one file can name the secrets of all, each mounted where it is needed. */
export function secretsOf(roles: readonly RoleName[], storeEngine: ClusterConfig['store']['engine']): ReadonlySet<string> {
  const ofRoles = [...(roles.includes('command') ? ['keys.workFile'] : []), ...(roles.includes('api') ? ['accessTokenFile'] : [])];
  const engines = enginesOf(roles);
  // who reads events that NATS holds connects to it, whatever else its roles do there
  const ofStore = engines.has('store') && storeEngine === 'jetstream' ? ['nats.seedFile'] : [];
  return new Set([...ofRoles, ...ofStore, ...[...engines].flatMap((engine) => SECRETS_OF[engine] ?? [])]);
}

/** Roles by what a process was told; none named: all. */
export function rolesOf(named: readonly unknown[]): readonly RoleName[] {
  return ROLES.filter((role) => named.length === 0 || named.includes(role));
}

/** as the makers of work tokens ask */
const WORK_KEY_BYTES_MIN = 32;

type Need = readonly [isMissing: boolean, setting: string];

/** What the roles of this process need and nobody said, and what cannot go together. */
export function clusterFaults(cluster: ClusterConfig, auth: 'none' | 'token'): readonly string[] {
  const { roles, nats, store, eventstoredb, postgres, s3, keys, prefix, accessToken } = cluster;
  const engines = enginesOf(roles);
  const needs: { readonly [E in EngineName]: readonly Need[] } = {
    nats: [[nats.servers.length === 0, 'nats.servers']],
    store: [
      [store.engine === 'eventstoredb' && eventstoredb.connection === null, 'eventstoredb.connectionFile'],
      [store.engine === 'jetstream' && nats.servers.length === 0, 'nats.servers'],
    ],
    postgres: [[postgres.url === null, 'postgres.urlFile']],
    evidence: [[s3.bucket === null, 's3.bucket']],
    vault: [[keys.wrappingFile === null, 'keys.wrappingFile'], [postgres.url === null, 'postgres.urlFile']],
    'signing-key': [],
    'key-registry': [],
  };
  const missing = new Set([...engines].flatMap((engine) => needs[engine].filter(([isMissing]) => isMissing).map(([, setting]) => setting)));
  const faults = [...missing].map((setting) => `${setting}: a process with role ${roles.join(', ')} in profile cluster needs it; see docs/configuration.md`);
  if (!/^[a-z][a-z0-9]{0,15}$/.test(prefix)) faults.push(`prefix: expected 1 to 16 lower-case letters or digits, a letter first, got ${prefix}`);
  if (roles.includes('command') && Buffer.byteLength(keys.work?.reveal() ?? '') < WORK_KEY_BYTES_MIN) faults.push(`keys.workFile: a process with role command in profile cluster needs ${WORK_KEY_BYTES_MIN} bytes or more there`);
  if (![1, 3, 5].includes(nats.replicas)) faults.push(`nats.replicas: expected 1, 3 or 5, got ${nats.replicas as number}`);
  if ((s3.accessKey === null) !== (s3.secretKey === null)) faults.push('s3.accessKeyFile, s3.secretKeyFile: one without the other');
  if ((nats.certFile === null) !== (nats.keyFile === null)) faults.push('nats.certFile, nats.keyFile: one without the other');
  if (roles.includes('api') && auth === 'token' && accessToken === null) faults.push('accessTokenFile: auth: token needs it in profile cluster: all api processes take the same token');
  return faults;
}
