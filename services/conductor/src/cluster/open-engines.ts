import { readPublicKeys, readSigningKeys } from '@maestro/adapter-filesystem';
import type { PublicKeys, SigningKeys } from '@maestro/adapter-filesystem';
import { JetStreamWakeUps, JetStreamWorkQueue, WORK_STREAM_DEFAULTS, openJetStreamEventStore, openNatsConnection, reportsByMonitor } from '@maestro/adapter-jetstream';
import type { NatsLink } from '@maestro/adapter-jetstream';
import type { PostgresDatabase } from '@maestro/adapter-postgres';
import type { S3EvidenceStore } from '@maestro/adapter-s3';
import type { Clock, EventStore, EvidenceStore, KeyTransfer, KeyVault, Leases, Log, ProcessState, ReadModels, WakeUps, WorkQueue } from '@maestro/ports';
import { MovedEvidence } from '@maestro/runtime';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { enginesOf } from '../roles/role-table.ts';
import type { EngineName } from '../roles/role-table.ts';
import type { Dependencies } from './dependencies.ts';
import { storeEnvironment } from './store-environment.ts';
import type { StoreEnvironment } from './store-environment.ts';

export type OpenedStore = { readonly store: EventStore; readonly environment: StoreEnvironment };
export type OpenedPostgres = { readonly database: PostgresDatabase; readonly state: ProcessState; readonly views: ReadModels; readonly leases: Leases };

/** What this process may touch, opened; undefined: none of its roles has it in its row of the role table. */
export type Engines = {
  /** `wakeUps`: of the command role */
  readonly nats: { readonly link: NatsLink; readonly queue: WorkQueue; readonly wakeUps: WakeUps | undefined } | undefined;
  readonly store: OpenedStore | undefined;
  readonly postgres: OpenedPostgres | undefined;
  readonly evidence: EvidenceStore | undefined;
  /** roles take it as a `KeyVault`: none of them sees keys */
  readonly vault: (KeyVault & KeyTransfer) | undefined;
  readonly signingKeys: SigningKeys | undefined;
  readonly publicKeys: PublicKeys | undefined;
  /** the last that was opened first; idempotent */
  close(): Promise<void>;
};

type Around = {
  readonly cluster: ClusterConfig;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Log;
  /** default: those of its roles */
  readonly engines?: ReadonlySet<EngineName>;
};
type Closable = { close(): Promise<void> };

/**
 * Opens what the roles of this process may touch, and loads the clients of no other engine; each as soon as it answers, in any order. Rejects where the process is
 * asked to end before all are there; what was opened is closed then.
 */
export async function openEngines(around: Around): Promise<Engines> {
  const opened: Closable[] = [];
  const keep = <T extends Closable>(one: T): T => {
    opened.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    for (const one of opened.splice(0).reverse()) await one.close().catch((error: unknown) => around.log.log('warn', 'a dependency could not be closed', { error }));
  };
  const { cluster, dependencies } = around;
  const engines = around.engines ?? enginesOf(cluster.roles);
  const when = <T>(engine: EngineName, open: () => Promise<T>): Promise<T> | undefined => (engines.has(engine) ? open() : undefined);
  // one connection to NATS for all that needs it, be it the event store alone
  const needsLink = engines.has('nats') || (engines.has('store') && cluster.store.engine === 'jetstream');
  const link = needsLink ? dependencies.open('nats', async () => keep(await connectNats(cluster)), async ({ watch, serverVersion }) => isUp(watch.isUp, `nats-server ${serverVersion}`)) : undefined;
  const postgres = when('postgres', () => openPostgresPorts(around, keep));
  const keys = keysOf(around, engines);
  const parts = [
    when('nats', async () => openWork(around, await required(link), keep)),
    when('store', () => openStore(around, link, keep)),
    postgres,
    when('evidence', () => dependencies.open('evidence', async () => new MovedEvidence(keep(await openEvidence(cluster))))),
    when('vault', async () => openVault(around, await required(postgres), keep)),
    keys,
  ] as const;
  try {
    const [nats, store, database, evidence, vault, { signingKeys, publicKeys }] = await Promise.all(parts);
    return { nats, store, postgres: database, evidence, vault, signingKeys, publicKeys, close };
  } catch (error) {
    await Promise.allSettled([link, ...parts]);
    await close();
    throw error;
  }
}

async function required<T>(opening: Promise<T> | undefined): Promise<T> {
  if (opening === undefined) throw new Error('the role table lets a role use what it does not let it open');
  return opening;
}

function isUp(yes: boolean, detail: string): string {
  if (!yes) throw new Error('the connection is lost; it comes back by itself');
  return detail;
}

function connectNats({ nats, prefix, name }: ClusterConfig): Promise<NatsLink> {
  const { servers, seed, caFile, certFile, keyFile, inboxPrefix } = nats;
  const tls = { ...(caFile !== null && { caFile }), ...(certFile !== null && { certFile }), ...(keyFile !== null && { keyFile }) };
  return openNatsConnection({ servers, prefix, name, inboxPrefix, ...(seed !== null && { nkeySeed: seed.reveal() }), ...(Object.keys(tls).length > 0 && { tls }) });
}

async function openWork({ cluster, dependencies, clock }: Around, link: NatsLink, keep: <T extends Closable>(one: T) => T): Promise<NonNullable<Engines['nats']>> {
  // who publishes makes the streams; runners and policy may not
  const provisions = cluster.roles.includes('command');
  const open = (): Promise<WorkQueue> => JetStreamWorkQueue.open({ link, clock, provisions, replicas: cluster.nats.replicas, classes: [...WORK_STREAM_DEFAULTS.classes, ...cluster.nats.workers] });
  const queue = await dependencies.open('work-queue', async () => keep(await open()), provisions ? async (opened) => `${(await opened.depth('task')).waiting} tasks waiting` : undefined);
  const wakeUps = provisions ? await dependencies.open('wake-ups', () => JetStreamWakeUps.open(link, { replicas: cluster.nats.replicas })) : undefined;
  return { link, queue, wakeUps };
}

async function openStore(around: Around, link: Promise<NatsLink> | undefined, keep: <T extends Closable>(one: T) => T): Promise<OpenedStore> {
  const { cluster, dependencies } = around;
  const probe = async ({ store }: OpenedStore): Promise<string> => `head ${(await store.head()) ?? 'empty'}`;
  if (cluster.store.engine === 'jetstream') {
    const nats = await required(link);
    const { replicas, monitors } = cluster.nats;
    const { acceptWeakDurability } = cluster.store;
    return dependencies.open(
      'event-store',
      async () => {
        const store = keep(await openJetStreamEventStore({ link: nats, replicas, acceptWeakDurability, ...(monitors.length > 0 && { syncReporter: reportsByMonitor(monitors) }) }));
        return { store, environment: storeEnvironment.jetstream(store.durability, nats.serverVersion) };
      },
      probe,
    );
  }
  const connectionString = cluster.eventstoredb.connection?.reveal() ?? '';
  const { openEventStoreDb } = await import('@maestro/adapter-eventstoredb');
  return dependencies.open('event-store', async () => ({ store: keep(await openEventStoreDb({ connectionString, namespace: cluster.prefix })), environment: storeEnvironment.eventstoredb() }), probe);
}

async function openPostgresPorts({ cluster, dependencies, log }: Around, keep: <T extends Closable>(one: T) => T): Promise<OpenedPostgres> {
  const connectionString = cluster.postgres.url?.reveal() ?? '';
  const { openPostgres, openPostgresLeases, openPostgresProcessState, openPostgresReadModels } = await import('@maestro/adapter-postgres');
  const open = async (): Promise<OpenedPostgres> => {
    const database = await openPostgres({ connectionString, connectionsMax: cluster.postgres.poolMax, applicationName: `maestro ${cluster.name}`, log });
    try {
      const [state, views, leases] = [await openPostgresProcessState(database), await openPostgresReadModels(database, { log }), await openPostgresLeases(database)];
      keep(database);
      keep(state);
      keep(views);
      return { database, state, views, leases };
    } catch (error) {
      await database.close();
      throw error;
    }
  };
  return dependencies.open('postgres', open, async ({ views }) => `read models at ${(await views.position()) ?? 'start'}`);
}

async function openEvidence({ s3, prefix }: ClusterConfig): Promise<S3EvidenceStore> {
  const { endpoint, region, bucket, pathStyle, accessKey, secretKey, retentionDays } = s3;
  const credentials = accessKey === null || secretKey === null ? null : { accessKeyId: accessKey.reveal(), secretAccessKey: secretKey.reveal() };
  const { S3EvidenceStore, parseS3Settings } = await import('@maestro/adapter-s3');
  const parsed = parseS3Settings({ endpoint, region, bucket: bucket ?? '', forcePathStyle: pathStyle, prefix: `${prefix}/`, retentionDays, credentials });
  if ('problems' in parsed) throw new Error(`s3: ${parsed.problems.join('; ')}`);
  return S3EvidenceStore.open(parsed.settings);
}

async function openVault({ cluster, dependencies, log }: Around, { database }: OpenedPostgres, keep: <T extends Closable>(one: T) => T): Promise<KeyVault & KeyTransfer> {
  const { openPostgresKeyVault, openWrapKeyFile } = await import('@maestro/adapter-postgres');
  const path = cluster.keys.wrappingFile ?? '';
  return dependencies.open('key-vault', async () => keep(await openPostgresKeyVault(database, openWrapKeyFile(path), { log })));
}

async function keysOf({ cluster, dependencies }: Around, engines: ReadonlySet<EngineName>): Promise<Pick<Engines, 'signingKeys' | 'publicKeys'>> {
  const { folder } = cluster.keys;
  const signingKeys = engines.has('signing-key') ? await dependencies.open('signing-key', async () => readSigningKeys(folder)) : undefined;
  const publicKeys = signingKeys ?? (engines.has('key-registry') ? await dependencies.open('key-registry', async () => readPublicKeys(folder)) : undefined);
  return { signingKeys, publicKeys };
}
