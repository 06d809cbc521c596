import { MemoryProcessState, systemEntropy } from '@maestro/adapter-memory';
import { NatsCommandGateway, followAnnouncements } from '@maestro/adapter-jetstream';
import { withAnnouncedPackages } from '@maestro/adapter-workerpool';
import type { TaskPackagesOptions } from '@maestro/adapter-workerpool';
import type { Clock, CommandGateway, Entropy, EventStore, Log, PolicyEngine, TaskPackages, Tracer } from '@maestro/ports';
import { measureAppends, openSupervision, subjectOfCommand } from '@maestro/runtime';
import type { Membership, PriceBook, Supervision } from '@maestro/runtime';
import type { Config } from '../config.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import type { MetricsPage } from '../metrics.ts';
import { openShippedPackages, openShippedPolicies, shippedPrices } from '../open-shipped.ts';
import { openTracing } from '../tracing.ts';
import type { Engines } from './open-engines.ts';

export const TENANT = 'default';

/** What the roles of one process of a cluster share: engines, what comes with the program, and how they tell how they do. */
export type ClusterParts = {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly engines: Engines;
  readonly policies: PolicyEngine;
  readonly packages: TaskPackages;
  readonly prices: PriceBook;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly metrics: MetricsPage;
  readonly log: Log;
  readonly supervision: Supervision;
  /** to the owners of partitions, wherever they are; undefined: no role of this process sends commands */
  readonly gateway: CommandGateway | undefined;
  /** undefined: no role of this process takes part in a division */
  readonly membership: Membership | undefined;
  /** undefined: nothing is traced */
  readonly tracer: Tracer | undefined;
  close(): Promise<void>;
};

type Given = Pick<ClusterParts, 'config' | 'cluster' | 'engines' | 'clock' | 'metrics' | 'log'> & { readonly modules: TaskPackagesOptions['modules'] };

export async function clusterParts(given: Given): Promise<ClusterParts> {
  const { config, cluster, engines, clock, metrics, log } = given;
  const policies = await openShippedPolicies();
  const { packages, announcements } = await offeredPackages(given);
  // roles without a database set nothing aside, and have nowhere to write it
  const supervision = await openSupervision({ state: engines.postgres?.state ?? new MemoryProcessState(), clock, metrics, log });
  const tracer = await openTracing(config, log);
  const link = engines.nats?.link;
  const gateway = link === undefined ? undefined : new NatsCommandGateway(link, { partitions: cluster.partitions, streamOf: (envelope) => subjectOfCommand(envelope).stream });
  const leases = engines.postgres?.leases;
  const membership = leases === undefined ? undefined : { leases, owner: cluster.name, clock, log, supervision, isFit: () => link?.watch.isUp ?? true };
  return {
    ...given,
    policies,
    packages,
    prices: shippedPrices(),
    entropy: systemEntropy,
    supervision,
    gateway,
    membership,
    tracer,
    async close() {
      await announcements?.stop();
      gateway?.close();
      await packages.close();
      await policies.close();
      await tracer?.close();
    },
  };
}

/** Whoever checks or plans manifests knows what external workers announced; a runner runs what is built in. */
async function offeredPackages({ config, cluster, engines, log, modules }: Given): Promise<{ readonly packages: TaskPackages; readonly announcements?: { stop(): Promise<void> } }> {
  const shipped = openShippedPackages(config, () => cluster.publicUrl, modules);
  const link = engines.nats?.link;
  if (link === undefined || !cluster.roles.some((role) => role === 'api' || role === 'command')) return { packages: shipped };
  const packages = withAnnouncedPackages(shipped);
  return { packages, announcements: await followAnnouncements(link, packages, log) };
}

/** The event store, its appends measured. */
export function storeOf({ engines, clock, metrics }: ClusterParts): EventStore {
  return measureAppends(the(engines.store, 'event store').store, { clock, metrics });
}

/** What the role table says that a role has. */
export function the<T>(part: T | undefined, what: string): T {
  if (part === undefined) throw new Error(`the role table gives this process no ${what}`);
  return part;
}
