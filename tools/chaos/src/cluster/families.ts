import type { SiteOptions } from './cluster-site.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import type { Scenario } from './scenario.ts';

/** Scenarios that share one cluster, in their order. */
export type Family = { readonly name: string; readonly site: Pick<SiteOptions, 'store' | 'scale' | 'adapt'>; readonly scenarios: readonly Scenario[] };

/** As few processes as leave one of each role that is divided when another is gone: two cores start them in seconds. */
const SMALL = { api: 2, command: 2, policy: 1, runner: 2, projector: 2, receipt: 2 } as const;

export const FAMILIES: readonly Family[] = [
  { name: 'events in EventStoreDB', site: { store: 'eventstoredb', scale: SMALL }, scenarios: PROCESS_FAULTS },
];
