import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { becomesReady, endOfLog, isAlive, isReady, readRecord, startCluster, startMember, stopCluster, writeRecord } from '@maestro/cli/cluster';
import type { Member, MemberPlan, PlannedServers, Scale } from '@maestro/cli/cluster';
import { Link } from './link.ts';

export const SERVERS = ['nats', 'postgres', 's3', 'esdb'] as const;
export type ServerName = (typeof SERVERS)[number];

export type SiteOptions = {
  readonly store: 'eventstoredb' | 'jetstream';
  readonly scale: Scale;
  /** further flags of every role */
  readonly flags: readonly string[];
  /** one line of progress */
  readonly tell: (line: string) => void;
  /** changes plans after links were put in */
  readonly adapt?: (plan: MemberPlan, servers: PlannedServers) => Promise<MemberPlan>;
};

const READY_MAX_MS = 90_000;
const GONE_MAX_MS = 20_000;

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

  private constructor(folder: string, store: SiteOptions['store']) {
    this.folder = folder;
    this.store = store;
  }

  /** What was started is ended where the rest cannot be. */
  static async start(o: SiteOptions): Promise<ClusterSite> {
    const site = new ClusterSite(mkdtempSync(join(tmpdir(), 'maestro-chaos-cluster-')), o.store);
    try {
      const adapt = async (plan: MemberPlan, servers: PlannedServers): Promise<MemberPlan> => {
        site.#servers = servers;
        const linked = plan.kind === 'role' ? await site.#linked(plan, servers, o.flags) : plan;
        return o.adapt === undefined ? linked : o.adapt(linked, servers);
      };
      const environment = process.env;
      const record = await startCluster({ folder: site.folder, scale: o.scale, store: o.store, workspace: site.folder, environment, tell: o.tell, adapt });
      for (const member of record.members) site.#members.set(member.name, member);
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
    this.#members.set(name, startMember(change(this.member(name))));
    const record = readRecord(this.folder);
    if (record !== undefined) writeRecord(this.folder, { ...record, members: [...this.#members.values()] });
  }

  /** Starts it until it stays: a server may find what its dead predecessor has not yet let go. Throws with the end of its log. */
  async startReady(name: string): Promise<void> {
    const untilMs = performance.now() + READY_MAX_MS;
    for (this.start(name); !(await becomesReady(this.member(name), untilMs - performance.now())); this.start(name)) {
      if (performance.now() > untilMs || isAlive(this.member(name))) throw new Error(`${name} is not ready; its log ends with\n${endOfLog(this.member(name))}`);
      await delay(200);
    }
  }

  /** Every process is there and ready; what has ended by itself is started again, as a supervisor would. */
  async allReady(): Promise<void> {
    for (const member of this.#members.values()) {
      if (!isAlive(member)) this.start(member.name);
      if (!(await becomesReady(this.member(member.name), READY_MAX_MS))) throw new Error(`${member.name} is not ready; its log ends with\n${endOfLog(member)}`);
    }
  }

  async stop(): Promise<void> {
    await stopCluster(this.folder, { isDeleted: true, tell: () => undefined });
    await Promise.all([...this.links.values()].map((link) => link.close()));
  }

  async #linked(plan: MemberPlan, servers: PlannedServers, flags: readonly string[]): Promise<MemberPlan> {
    const through = async (server: ServerName, url: string): Promise<string> => {
      const link = await Link.open(Number(/:(\d+)(?!.*:\d)/.exec(url)?.[1]));
      this.links.set(`${plan.name} ${server}`, link);
      return url.replace(/:\d+(?!.*:\d)/, `:${link.port}`);
    };
    const isSingleEsdb = servers.esdb !== null && !servers.esdb.includes(',');
    return {
      ...plan,
      args: [...plan.args, '--nats-servers', await through('nats', servers.natsUrl), '--s3-endpoint', await through('s3', servers.s3.endpoint), '--log-level', 'warn', ...flags],
      environment: {
        ...plan.environment,
        MAESTRO_POSTGRES_URL: await through('postgres', servers.postgresUrl),
        ...(isSingleEsdb && { MAESTRO_EVENTSTOREDB_CONNECTION: await through('esdb', servers.esdb ?? '') }),
      },
    };
  }
}
