import type { Environment } from '@maestro/contracts';
import type { PolicySetRef } from '@maestro/ports';
import { buildDigest, releaseVersion } from './build-info.ts';
import type { Config } from './config.ts';

/** What depends on the engines that a process runs on. */
export type EngineEnvironment = Pick<Environment, 'profile' | 'store' | 'storeVersion' | 'durability' | 'queue'>;

/** One process without servers. */
export const EMBEDDED: EngineEnvironment = {
  profile: 'embedded',
  store: 'sqlite',
  storeVersion: process.versions['sqlite'] ?? 'unknown',
  durability: 'wal, synchronous=full, head mark within 100 ms',
  queue: 'memory',
};

/** What every run of this process is recorded to have run on. `risks`: codes of what the operator accepted. */
export function environmentOf({ region }: Pick<Config, 'region'>, policySet: PolicySetRef, risks: readonly string[], engines: EngineEnvironment = EMBEDDED): Environment {
  return { maestro: releaseVersion(), build: buildDigest(), node: process.version, ...engines, policyEngine: policySet.engine, region, acceptedRisks: [...risks] };
}
