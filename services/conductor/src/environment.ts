import type { Environment } from '@maestro/contracts';
import type { PolicySetRef } from '@maestro/ports';
import { buildDigest, releaseVersion } from './build-info.ts';
import type { Config } from './config.ts';

/** What every run of this process is recorded to have run on. `risks`: codes of what the operator accepted. */
export function environmentOf(config: Config, policySet: PolicySetRef, risks: readonly string[]): Environment {
  return {
    maestro: releaseVersion(),
    build: buildDigest(),
    node: process.version,
    profile: 'embedded',
    store: 'sqlite',
    storeVersion: process.versions['sqlite'] ?? 'unknown',
    durability: 'wal, synchronous=full, head mark within 100 ms',
    queue: 'memory',
    policyEngine: policySet.engine,
    region: config.region,
    acceptedRisks: [...risks],
  };
}
