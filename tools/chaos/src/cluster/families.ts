import { BROKER_FAULTS } from './broker-faults.ts';
import type { SiteOptions } from './cluster-site.ts';
import { DISK_FAULTS } from './disk-faults.ts';
import { EVENT_STORE_FAULTS } from './event-store-faults.ts';
import { LINK_SCENARIOS } from './link-faults.ts';
import { LOAD_FAULTS } from './load-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import type { Round, Scenario } from './scenario.ts';
import { NATS_CLUSTER_FAULTS, SERVER_FAULTS } from './server-faults.ts';
import { DEPLOYMENT_FAULTS } from './two-deployments.ts';

/** Rounds that share one cluster, in their order. */
export type Family = { readonly name: string; readonly site: Pick<SiteOptions, 'store' | 'scale' | 'esdbNodes' | 'natsServers' | 'hasSmallDisks'>; readonly rounds: readonly Round[] };

/** As few processes as leave one of each role that is divided when another is gone: two cores start them in seconds. */
const SMALL = { api: 2, command: 2, policy: 1, runner: 2, projector: 2, receipt: 2 } as const;

/** One of each: what harms servers harms them all. */
const LEAST = { api: 1, command: 1, policy: 1, runner: 1, projector: 1, receipt: 1 } as const;

const ROWS: readonly Scenario[] = [...PROCESS_FAULTS, ...SERVER_FAULTS, ...EVENT_STORE_FAULTS, ...LINK_SCENARIOS, ...BROKER_FAULTS, ...LOAD_FAULTS, ...DEPLOYMENT_FAULTS, ...NATS_CLUSTER_FAULTS, ...DISK_FAULTS];

const inTurn = (...names: readonly string[]): Round => ({ how: 'in-turn', rows: names.map(rowOf) });
const atOnce = (...names: readonly string[]): Round => ({ how: 'at-once', rows: names.map(rowOf) });

export const FAMILIES: readonly Family[] = [
  {
    name: 'events in EventStoreDB',
    site: { store: 'eventstoredb', scale: SMALL, esdbNodes: 3 },
    // what reads all events anew comes early, while there are few; what makes most of them comes late
    rounds: [
      inTurn('owner-stopped', 'kill-owner', 'kill-nats', 'kill-postgres', 'lose-read-database', 'delete-work-streams', 'echo'),
      inTurn('esdb-leader-change', 'esdb-hang', 'esdb-lost-reply', 'links', 'clock-off'),
      atOnce('runner-stopped', 'poison', 's3-down'),
      inTurn('kill-role', 'rolling-restart'),
      inTurn('backlog', 'two-deployments'),
    ],
  },
  {
    name: 'events in JetStream, three servers, small disks',
    site: { store: 'jetstream', scale: LEAST, natsServers: 3, hasSmallDisks: true },
    rounds: [inTurn('kill-nats-leader', 'full-postgres', 'full-nats')],
  },
];

/** Names of all rows, in their order. */
export const ROW_NAMES: readonly string[] = FAMILIES.flatMap(({ rounds }) => rounds.flatMap(({ rows }) => rows.map(({ name }) => name)));

/** Only these rows, each judged alone; undefined: the table lacks one of them. */
export function familiesOf(names: readonly string[]): readonly Family[] | undefined {
  if (!names.every((name) => ROW_NAMES.includes(name))) return undefined;
  const alone = (family: Family): Family => ({ ...family, rounds: family.rounds.flatMap(({ rows }) => rows.filter(({ name }) => names.includes(name)).map((row) => ({ how: 'in-turn', rows: [row] }) as const)) });
  return FAMILIES.map(alone).filter(({ rounds }) => rounds.length > 0);
}

function rowOf(name: string): Scenario {
  const row = ROWS.find((one) => one.name === name);
  if (row === undefined) throw new Error(`the table of faults has no row ${name}`);
  return row;
}
