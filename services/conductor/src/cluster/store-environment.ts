import type { Durability } from '@maestro/adapter-jetstream';
import type { Environment } from '@maestro/contracts';

/** What a run is recorded to have been stored on. `risks`: codes of what the operator accepted. */
export type StoreEnvironment = Pick<Environment, 'store' | 'storeVersion' | 'durability'> & { readonly risks: readonly string[] };

/** Words of each engine for the environment of a run. */
export const storeEnvironment = {
  jetstream: (durability: Durability, version: string): StoreEnvironment => ({
    store: 'jetstream',
    storeVersion: version,
    durability: durability.kind === 'synced' ? `sync_interval always, ${durability.replicas} replicas` : `weak, ${durability.replicas} replicas: ${durability.reasons.join('; ')}`.slice(0, 256),
    risks: durability.kind === 'synced' ? [] : ['DURABILITY_WEAK'],
  }),
  eventstoredb: (): StoreEnvironment => ({ store: 'eventstoredb', storeVersion: 'unknown', durability: 'as the cluster acknowledges: a majority of its nodes', risks: [] }),
} as const;
