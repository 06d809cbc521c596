import type { ClientLoad } from '../client-load.ts';
import type { ApiClients } from './api-clients.ts';
import type { ClusterSite } from './cluster-site.ts';

/** How often something has to take effect. */
export type Floor = { readonly ci: number; readonly full: number };

export type Surroundings = {
  readonly site: ClusterSite;
  readonly load: ClientLoad;
  readonly clients: ApiClients;
  /** of the load: runs at once, and how its keys begin */
  readonly inFlight: number;
  readonly keyPrefix: string;
  /** of the service outside that tasks ask */
  readonly origin: string;
  /** further loads on the same deployment, which are judged with it */
  readonly also: ClientLoad[];
  /** draws of this scenario: the same for the same seed */
  readonly random: () => number;
  /** what the floor asks for */
  readonly count: number;
  readonly isFull: boolean;
  /** one line of progress */
  readonly tell: (line: string) => void;
};

/** One row of the table of faults. */
export type Scenario = {
  readonly name: string;
  /** for people, as the scoreboard says it */
  readonly fault: string;
  readonly floor: Floor;
  /** Harms, and heals again. Answers how often the fault took effect; throws where a promise of its own was broken. */
  readonly harm: (around: Surroundings) => Promise<number>;
};

/** Rows under one load, which are judged together: `in-turn`, or `at-once` where each mostly waits and harms something else. */
export type Round = { readonly how: 'in-turn' | 'at-once'; readonly rows: readonly Scenario[] };
