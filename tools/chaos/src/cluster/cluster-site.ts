import { chownSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { becomesReady, endMember, endOfLog, isAlive, isReady, readRecord, startCluster, startMember, stopCluster, writeRecord } from '@maestro/cli/cluster';
import type { Member, MemberPlan, PlannedServers, Scale } from '@maestro/cli/cluster';
import { serverEnvironment } from './config.ts';
import { Link } from './link.ts';
import { sql } from './psql.ts';
import { SmallDisks } from './small-disks.ts';
import { FURTHER, ThreeNatsServers } from './three-nats-servers.ts';

export const SERVERS = ['nats', 'postgres', 's3', 'esdb'] as const;
export type ServerName = (typeof SERVERS)[number];

export type SiteOptions = {
  readonly store: 'eventstoredb' | 'jetstream';
  /** of the double; more than one, and its clients find the leader themselves, past any link */
  readonly esdbNodes?: number;
  readonly scale: Scale;
  /** further flags of every role */
  readonly flags: readonly string[];
  /** one line of progress */
  readonly tell: (line: string) => void;
  /** one NATS server, or three that keep three copies */
  readonly natsServers?: 1 | 3;
  /** NATS, and the tables of Postgres, each on a small disk of its own; default false */
  readonly hasSmallDisks?: boolean;
};

/** Of tables and indexes of Postgres; its log is elsewhere. The disk of a NATS server has the name of that server. */
export const TABLES_DISK = 'tables';
const TABLES_FOLDER = 'postgres';
const READY_MAX_MS = 90_000;
const GONE_MAX_MS = 20_000;
/** Nodes of the double listen side by side; nobody else draws from here. */
const NODE_PORT_MIN = 32_000;
const NODE_PORT_COUNT = 700;

/**
 * A local cluster that can be harmed.
 * S1. Between each role process and each server stands a link of its own; processes of others find servers without one.
 * S2. Whoever is killed is started again on the same ports and data, by the same plan.
 * S3. `stop` ends every process by its recorded id and removes the folder.
 */
export class ClusterSite {
  readonly folder: string;
  readonly store: SiteOptions['store'];
  readonly #members = new Map<string, Member>();
  /** by `<role process> <server>` */
  readonly links = new Map<string, Link>();
  #servers: PlannedServers | undefined;
  #disks: SmallDisks | undefined;
  #tablesMoved: Promise<void> | undefined;
  #isStopping = false;

  private constructor(folder: string, store: SiteOptions['store']) {
    this.folder = folder;
    this.store = store;
  }

  /** What was started is ended where the rest cannot be. */
  static async start(o: SiteOptions): Promise<ClusterSite> {
    const basePort = NODE_PORT_MIN + Math.floor(Math.random() * NODE_PORT_COUNT);
    const site = new ClusterSite(mkdtempSync(join(tmpdir(), 'maestro-chaos-cluster-')), o.store);
    try {
      const three = o.natsServers === 3 ? new ThreeNatsServers() : undefined;
      if (o.hasSmallDisks === true) site.#disks = await SmallDisks.open(site.folder, ['nats', ...(three === undefined ? [] : FURTHER), TABLES_DISK]);
      const placed = (plan: MemberPlan): MemberPlan => site.#disks?.within(plan) ?? plan;
      const adapt = async (plan: MemberPlan, servers: PlannedServers): Promise<MemberPlan> => {
        if (plan.name === 'nats') for (const companion of (await three?.companions(plan)) ?? []) site.#members.set(companion.name, startMember(placed(companion)));
        const nodes = o.esdbNodes ?? 1;
        site.#servers = nodes === 1 ? servers : { ...servers, esdb: severalNodes(basePort, nodes) };
        if (plan.name === 'esdb' && nodes > 1) return { ...plan, args: [...plan.args, '--nodes', String(nodes), '--port', String(basePort)], ready: { port: basePort } };
        if (plan.name === 'nats' || plan.name === 'postgres') return placed(site.#ownsTables(plan));
        if (plan.kind === 'server') return plan;
        await (site.#tablesMoved ??= site.#moveTables());
        return site.#linked(plan, site.servers, [...o.flags, ...(three?.flags(servers) ?? [])]);
      };
      const record = await startCluster({ folder: site.folder, scale: o.scale, store: o.store, workspace: site.folder, environment: serverEnvironment, tell: o.tell, adapt });
      for (const member of record.members) site.#members.set(member.name, member);
      site.#record();
      return site;
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  /** As roles without a link find them. */
  get servers(): PlannedServers {
    if (this.#servers === undefined) throw new Error('the cluster has not started');
    return this.#servers;
  }

  get disks(): SmallDisks {
    if (this.#disks === undefined) throw new Error('this cluster has no small disks');
    return this.#disks;
  }

  get apiUrls(): readonly string[] {
    return this.rolesOf('api').map((name) => this.member(name).url ?? '');
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`the cluster has no ${name}`);
    return member;
  }

  /** Names of the processes of a role; of all roles where none is named. */
  rolesOf(role?: string): readonly string[] {
    return [...this.#members.values()].filter(({ kind, name }) => kind === 'role' && (role === undefined || name.startsWith(`${role}-`))).map(({ name }) => name);
  }

  async readyRoles(): Promise<readonly string[]> {
    const ready = await Promise.all(this.rolesOf().map(async (name) => ((await this.isReady(name)) ? [name] : [])));
    return ready.flat();
  }

  async isReady(name: string): Promise<boolean> {
    return isAlive(this.member(name)) && isReady(this.member(name));
  }

  signal(name: string, signal: NodeJS.Signals): void {
    process.kill(this.member(name).pid, signal);
  }

  /** SIGKILL; answers when it is gone. */
  async kill(name: string): Promise<void> {
    this.signal(name, 'SIGKILL');
    await this.gone(name);
  }

  async gone(name: string, withinMs = GONE_MAX_MS): Promise<void> {
    const untilMs = performance.now() + withinMs;
    while (isAlive(this.member(name))) {
      if (performance.now() > untilMs) throw new Error(`${name} is not gone after ${withinMs} ms`);
      await delay(20);
    }
  }

  /** Starts what was ended, perhaps otherwise; does not wait until it is ready. */
  start(name: string, change: (plan: Member) => MemberPlan = (plan) => plan): void {
    this.add(change(this.member(name)));
  }

  /** Starts one more, or one that has ended anew; one that lives would never be ended by anybody. */
  add(plan: MemberPlan): void {
    const before = this.#members.get(plan.name);
    if (this.#isStopping) throw new Error(`the cluster ends, and ${plan.name} is not started any more`);
    if (before !== undefined && isAlive(before)) throw new Error(`${plan.name} is alive, and cannot be started once more`);
    this.#members.set(plan.name, startMember(plan));
    this.#record();
  }

  /** Starts it until it stays: a server may find what its dead predecessor has not yet let go. Throws with the end of its log. */
  async startReady(name: string, change?: (plan: Member) => MemberPlan): Promise<void> {
    const untilMs = performance.now() + READY_MAX_MS;
    for (this.start(name, change); !(await becomesReady(this.member(name), untilMs - performance.now())); this.start(name)) {
      if (performance.now() > untilMs || isAlive(this.member(name))) throw new Error(`${name} is not ready; its log ends with\n${endOfLog(this.member(name))}`);
      await delay(200);
    }
  }

  /** Every process is there and ready; what has ended by itself is started again, as a supervisor would. */
  async allReady(): Promise<void> {
    for (const member of this.#members.values()) {
      if (!isAlive(member)) this.start(member.name);
      await this.ready(member.name);
    }
  }

  async ready(name: string): Promise<void> {
    if (!(await becomesReady(this.member(name), READY_MAX_MS))) throw new Error(`${name} is not ready; its log ends with\n${endOfLog(this.member(name))}`);
  }

  /** Ends one for good. */
  async remove(name: string): Promise<void> {
    await endMember(this.member(name), GONE_MAX_MS);
    this.#members.delete(name);
    this.#record();
  }

  /** What is started meanwhile, as by a row that was interrupted, would be ended by nobody. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    // those that the record does not have: the rest could not be started
    const recorded = new Set(readRecord(this.folder)?.members.map(({ pid }) => pid));
    await Promise.all([...this.#members.values()].filter(({ pid }) => !recorded.has(pid)).map((member) => endMember(member, 0)));
    await stopCluster(this.folder, { isDeleted: true, tell: () => undefined });
    this.#disks?.close();
    await Promise.all([...this.links.values()].map((link) => link.close()));
  }

  /** Where `stop` finds them, and whoever looks after this process died. */
  #record(): void {
    const record = readRecord(this.folder);
    if (record !== undefined) writeRecord(this.folder, { ...record, members: [...this.#members.values()] });
  }

  /** A folder on its disk, of the user as whom Postgres runs. */
  #ownsTables(plan: MemberPlan): MemberPlan {
    if (this.#disks === undefined || plan.name !== 'postgres') return plan;
    const folder = join(this.#disks.path(TABLES_DISK), TABLES_FOLDER);
    mkdirSync(folder, { mode: 0o700 });
    if (plan.user !== null) chownSync(folder, plan.user.uid, plan.user.gid);
    return plan;
  }

  /** All that is made from now on stands on the small disk. */
  async #moveTables(): Promise<void> {
    if (this.#disks === undefined) return;
    await sql(this.servers.postgresUrl, `CREATE TABLESPACE small LOCATION '${join(this.folder, TABLES_DISK, TABLES_FOLDER)}'`);
    await sql(this.servers.postgresUrl, 'ALTER DATABASE postgres SET default_tablespace = small');
  }

  async #linked(plan: MemberPlan, servers: PlannedServers, flags: readonly string[]): Promise<MemberPlan> {
    const through = async (server: ServerName, url: string): Promise<string> => {
      const link = await Link.open(Number(/:(\d+)(?!.*:\d)/.exec(url)?.[1]));
      this.links.set(`${plan.name} ${server}`, link);
      return url.replace(/:\d+(?!.*:\d)/, `:${link.port}`);
    };
    const { esdb } = servers;
    return {
      ...plan,
      args: [...plan.args, '--nats-servers', await through('nats', servers.natsUrl), '--s3-endpoint', await through('s3', servers.s3.endpoint), '--log-level', 'warn', ...flags],
      environment: {
        ...plan.environment,
        MAESTRO_POSTGRES_URL: await through('postgres', servers.postgresUrl),
        ...(esdb !== null && { MAESTRO_EVENTSTOREDB_CONNECTION: esdb.includes(',') ? esdb : await through('esdb', esdb) }),
      },
    };
  }
}

function severalNodes(basePort: number, nodes: number): string {
  return `esdb://${Array.from({ length: nodes }, (_, i) => `127.0.0.1:${basePort + i}`).join(',')}?tls=false`;
}
