import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSigningKeys } from '@maestro/adapter-filesystem';
import { makeLockedBucket, parseS3Settings } from '@maestro/adapter-s3';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { readRecord, writeRecord } from './cluster-record.ts';
import type { ClusterRecord } from './cluster-record.ts';
import { freePorts } from './free-ports.ts';
import { becomesReady, endMember, endOfLog, isAlive, isReady, startMember } from './member.ts';
import type { Member, MemberPlan } from './member.ts';
import { BUCKET, planRoles } from './plan-roles.ts';
import type { Scale } from './plan-roles.ts';
import { planServers } from './plan-servers.ts';
import type { PlannedServers } from './plan-servers.ts';
import { findServerBinaries } from './server-binaries.ts';

export type ClusterSetting = {
  readonly folder: string;
  readonly scale: Scale;
  readonly store: 'eventstoredb' | 'jetstream';
  /** the only folder that tasks may read and write */
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** one line of progress */
  readonly tell: (line: string) => void;
  /** changes how a member of a new cluster is started, now and later; for tests that stand between members */
  readonly adapt?: (plan: MemberPlan, servers: PlannedServers) => Promise<MemberPlan>;
};

export type MemberStatus = Pick<Member, 'name' | 'kind' | 'pid' | 'url' | 'log'> & { readonly isAlive: boolean; readonly isReady: boolean };

const SERVER_READY_MS = 60_000;
/** many Node processes start on few cores */
const ROLE_READY_MS = 120_000;
/** processes that start at once: more would only wait for the processor */
const STARTING_MAX = 4;
const ROLE_GRACE_MS = 12_000;
const SERVER_GRACE_MS = 15_000;
const SERVER_PORTS = 6;

/**
 * Starts a cluster in a folder, or what of it does not run any more, on the ports and data that it had. Resolves when all
 * are ready. CliErrors: CLUSTER_BINARY_MISSING, CLUSTER_START_FAILED; what was started goes on, so that it can be looked at.
 */
export async function startCluster(setting: ClusterSetting): Promise<ClusterRecord> {
  const { folder, tell, adapt = async (plan: MemberPlan) => plan } = setting;
  const known = readRecord(folder);
  if (known !== undefined) {
    tell(`${folder} has a cluster; what of it does not run is started`);
    await startMissing(folder, known.members, tell);
    return readRecord(folder) ?? known;
  }
  const binaries = findServerBinaries(setting.environment);
  makeFolders(folder);
  const esdbUrl = setting.environment['MAESTRO_ESDB_URL'] || undefined;
  tell('preparing folders, keys and Postgres …');
  const servers = planServers({ folder, binaries, ports: await freePorts(SERVER_PORTS), store: setting.store, esdbUrl });
  const adapted = (plans: readonly MemberPlan[]): Promise<readonly MemberPlan[]> => Promise.all(plans.map((plan) => adapt(plan, servers)));
  const planned = (plan: MemberPlan): Member => notStarted(plan, setting.environment);
  openSigningKeys(join(folder, 'keys'), { nowMs: () => Date.now() });
  const record = { version: 1, store: setting.store, members: [] } as const;
  writeRecord(folder, record);
  const started = await startMissing(folder, (await adapted(servers.members)).map(planned), tell);
  await makeBucket(servers);
  const processCount = Object.values(setting.scale).reduce((sum, count) => sum + count, 0);
  const roles = planRoles({ folder, scale: setting.scale, servers, ports: await freePorts(2 * processCount), workspace: setting.workspace });
  await startMissing(folder, [...started, ...(await adapted(roles)).map(planned)], tell);
  return readRecord(folder) ?? record;
}

/** Ends everything by its recorded process id, or only some `kinds`: roles first, then servers. The data stays unless it is to be deleted. */
export async function stopCluster(folder: string, o: { readonly isDeleted: boolean; readonly kinds?: readonly Member['kind'][]; readonly tell: (line: string) => void }): Promise<number> {
  const record = readRecord(folder);
  if (record === undefined) return 0;
  let count = 0;
  for (const [kind, graceMs] of [['role', ROLE_GRACE_MS], ['server', SERVER_GRACE_MS]] as const) {
    if (o.kinds !== undefined && !o.kinds.includes(kind)) continue;
    const alive = record.members.filter((member) => member.kind === kind && isAlive(member));
    if (alive.length > 0) o.tell(`ending ${alive.map(({ name }) => name).join(', ')} …`);
    await Promise.all(alive.map((member) => endMember(member, graceMs)));
    count += alive.length;
  }
  if (o.isDeleted) rmSync(folder, { recursive: true, force: true });
  return count;
}

/** Undefined: there is no cluster in this folder. */
export async function clusterStatus(folder: string): Promise<readonly MemberStatus[] | undefined> {
  const record = readRecord(folder);
  return record && Promise.all(record.members.map(async (member) => ({ name: member.name, kind: member.kind, pid: member.pid, url: member.url, log: member.log, isAlive: isAlive(member), isReady: isAlive(member) && (await isReady(member)) })));
}

/** Of this process's own environment a member gets where programs are found, and whose home it is. */
function notStarted(plan: MemberPlan, { PATH = '', HOME = '/' }: ClusterSetting['environment']): Member {
  return { ...plan, environment: { PATH, HOME, ...plan.environment }, pid: 0, startTicks: null };
}

/** Servers before roles, some at a time; each is recorded as soon as it has a process id. */
async function startMissing(folder: string, members: readonly Member[], tell: (line: string) => void): Promise<readonly Member[]> {
  const all = [...members];
  const { store } = readRecord(folder) as ClusterRecord;
  for (const kind of ['server', 'role'] as const) {
    const missing = all.flatMap((member, i) => (member.kind === kind && !isAlive(member) ? [i] : []));
    while (missing.length > 0) {
      const batch = missing.splice(0, STARTING_MAX);
      for (const i of batch) {
        all[i] = startMember(all[i] as Member);
        writeRecord(folder, { version: 1, store, members: all });
      }
      await Promise.all(batch.map((i) => ready(all[i] as Member, kind, tell)));
    }
  }
  return all;
}

async function ready(member: Member, kind: Member['kind'], tell: (line: string) => void): Promise<void> {
  if (!(await becomesReady(member, kind === 'role' ? ROLE_READY_MS : SERVER_READY_MS))) {
    const how = isAlive(member) ? 'is not ready in time' : 'ended by itself';
    throw new CliError(EXIT.noConductor, 'CLUSTER_START_FAILED', `${member.name} ${how}; its log ends with:\n${endOfLog(member)}`, [`look at ${member.log}`, 'end what was started: ./maestro cluster down']);
  }
  tell(`${member.name} is ready (pid ${member.pid}${member.url === null ? '' : `, ${member.url}`})`);
}

function makeFolders(folder: string): void {
  // Postgres may have to run as another user, who has to pass through
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  chmodSync(folder, 0o711);
  for (const name of ['logs', 'secrets']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
}

async function makeBucket({ s3 }: PlannedServers): Promise<void> {
  const parsed = parseS3Settings({ endpoint: s3.endpoint, region: 'us-east-1', bucket: BUCKET, forcePathStyle: true, credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey } });
  if ('problems' in parsed) throw new Error(parsed.problems.join('; '));
  await makeLockedBucket(parsed.settings);
}
