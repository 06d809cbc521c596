import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FolderEvidenceStore, FolderKeyVault, openSigningKeys } from '@maestro/adapter-filesystem';
import { MemoryWorkQueue, systemClock, systemEntropy } from '@maestro/adapter-memory';
import { openOpaPolicyEngine } from '@maestro/adapter-opa';
import { createSigner } from '@maestro/adapter-sigstore';
import { openSqliteEventStore, openSqliteProcessState, openSqliteReadModels } from '@maestro/adapter-sqlite';
import { openTaskPackages } from '@maestro/adapter-workerpool';
import type { Environment } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import * as core from '@maestro/package-core';
import { priceBookOf } from '@maestro/runtime';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export type EnginePorts = Awaited<ReturnType<typeof openEnginePorts>>;

/** The ports of the embedded profile on one folder, with the settings that a conductor gives them. `close` in any case. */
export async function openEnginePorts(dir: string) {
  const store = await openSqliteEventStore({ path: join(dir, 'events.db') });
  const signingKeys = openSigningKeys(join(dir, 'keys'), systemClock);
  const ports = {
    clock: systemClock,
    entropy: systemEntropy,
    store,
    state: await openSqliteProcessState({ path: join(dir, 'state.db') }),
    views: await openSqliteReadModels({ path: join(dir, 'views.db') }),
    evidence: await FolderEvidenceStore.open(join(dir, 'evidence')),
    vault: await FolderKeyVault.open(join(dir, 'keys', 'vault')),
    policies: await openOpaPolicyEngine({ bundlesDir: join(root, 'policy', 'bundles') }),
    packages: openTaskPackages({ modules: [core] }),
    queue: new MemoryWorkQueue({ clock: systemClock, entropy: systemEntropy }),
    signer: createSigner({ privateKeyPem: signingKeys.signingKeyPem }),
    prices: priceBookOf(JSON.parse(readFileSync(join(root, 'policy', 'prices.json'), 'utf8')) as Json),
  };
  const close = async (): Promise<void> => {
    for (const port of [ports.queue, ports.packages, ports.policies, ports.vault, ports.evidence, ports.views, ports.state, store]) await port.close();
  };
  return { ...ports, close };
}

/** What the runs of a benchmark are recorded to have run on. */
export function benchEnvironment(policyEngine: string): Environment {
  return {
    maestro: 'bench',
    build: `sha256:${'0'.repeat(64)}`,
    node: process.version,
    profile: 'embedded',
    store: 'sqlite',
    storeVersion: process.versions['sqlite'] ?? 'unknown',
    durability: 'wal, synchronous=full, head mark within 100 ms',
    queue: 'memory',
    policyEngine,
    region: null,
    acceptedRisks: [],
  };
}
