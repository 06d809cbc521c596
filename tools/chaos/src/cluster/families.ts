import { BROKER_FAULTS } from './broker-faults.ts';
import type { SiteOptions } from './cluster-site.ts';
import { DISK_FAULTS } from './disk-faults.ts';
import { EVENT_STORE_FAULTS } from './event-store-faults.ts';
import { LINK_SCENARIOS } from './link-faults.ts';
import { LOAD_FAULTS } from './load-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import type { Scenario } from './scenario.ts';
import { NATS_CLUSTER_FAULTS, SERVER_FAULTS } from './server-faults.ts';
import { DEPLOYMENT_FAULTS } from './two-deployments.ts';

/** Scenarios that share one cluster, in their order. */
export type Family = { readonly name: string; readonly site: Pick<SiteOptions, 'store' | 'scale' | 'esdbNodes' | 'natsServers' | 'hasSmallDisks'>; readonly scenarios: readonly Scenario[] };

/** As few processes as leave one of each role that is divided when another is gone: two cores start them in seconds. */
const SMALL = { api: 2, command: 2, policy: 1, runner: 2, projector: 2, receipt: 2 } as const;

/** One of each: what harms servers harms them all. */
const LEAST = { api: 1, command: 1, policy: 1, runner: 1, projector: 1, receipt: 1 } as const;

export const FAMILIES: readonly Family[] = [
  {
    name: 'events in EventStoreDB',
    site: { store: 'eventstoredb', scale: SMALL, esdbNodes: 3 },
    scenarios: [...PROCESS_FAULTS, ...SERVER_FAULTS, ...EVENT_STORE_FAULTS, ...LINK_SCENARIOS, ...BROKER_FAULTS, ...LOAD_FAULTS, ...DEPLOYMENT_FAULTS],
  },
  {
    name: 'events in JetStream, three servers',
    site: { store: 'jetstream', scale: LEAST, natsServers: 3, hasSmallDisks: true },
    scenarios: [...NATS_CLUSTER_FAULTS, ...DISK_FAULTS],
  },
];
