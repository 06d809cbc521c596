import { FolderEvidenceStore, FolderKeyVault, openSigningKeys } from '@maestro/adapter-filesystem';
import type { SigningKeys } from '@maestro/adapter-filesystem';
import { MemoryWorkQueue, systemClock, systemEntropy } from '@maestro/adapter-memory';
import { createSigner } from '@maestro/adapter-sigstore';
import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import type { TaskPackagesOptions } from '@maestro/adapter-workerpool';
import type { Clock, Entropy, EventStore, EvidenceStore, KeyVault, Log, PolicyEngine, ProcessState, ReadModels, Signer, TaskPackages, Tracer, WorkQueue } from '@maestro/ports';
import { MovedEvidence } from '@maestro/runtime';
import type { PriceBook } from '@maestro/runtime';
import type { Config } from './config.ts';
import type { DataFolder } from './data-folder.ts';
import { openDerivedState } from './derived-state.ts';
import { openTracing } from './tracing.ts';
import { openShippedPackages, openShippedPolicies, shippedPrices } from './open-shipped.ts';
import { SHIPPED_PACKAGES } from './shipped-packages.ts';

/** Every port of the embedded profile, opened on one data folder. */
export type Ports = {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly store: EventStore;
  readonly queue: WorkQueue;
  readonly state: ProcessState;
  readonly views: ReadModels;
  readonly evidence: EvidenceStore;
  readonly vault: KeyVault;
  readonly policies: PolicyEngine;
  readonly packages: TaskPackages;
  readonly signer: Signer;
  readonly signingKeys: SigningKeys;
  readonly prices: PriceBook;
  /** undefined: nothing is traced */
  readonly tracer: Tracer | undefined;
  close(): Promise<void>;
};

type Closable = { close(): Promise<void> };

/**
 * Opens the ports, the event store first: its lock is what keeps a second process out of the folder.
 * A fault on the way closes what was opened and is passed on.
 */
export async function openPorts(
  config: Config,
  folder: DataFolder,
  ownOrigin: () => string | null,
  log: Log,
  modules: TaskPackagesOptions['modules'] = SHIPPED_PACKAGES,
): Promise<Ports> {
  const opened: Closable[] = [];
  const keep = async <T extends Closable>(opening: T | Promise<T>): Promise<T> => {
    const port = await opening;
    opened.push(port);
    return port;
  };
  const close = async (): Promise<void> => {
    for (const port of opened.splice(0).reverse()) await port.close();
  };
  const tracer = await openTracing(config, log);
  if (tracer !== undefined) opened.push(tracer);
  try {
    const store = await keep(openSqliteEventStore({ path: folder.events }));
    const { state, views } = await openDerivedState(folder, store, log);
    opened.push(state, views);
    const signingKeys = openSigningKeys(folder.keys, systemClock);
    return {
      clock: systemClock,
      entropy: systemEntropy,
      store,
      state,
      views,
      evidence: new MovedEvidence(await keep(FolderEvidenceStore.open(folder.evidence))),
      vault: await keep(FolderKeyVault.open(folder.dataKeys)),
      policies: await keep(openShippedPolicies()),
      packages: await keep(openShippedPackages(config, ownOrigin, modules)),
      queue: await keep(new MemoryWorkQueue({ clock: systemClock, entropy: systemEntropy })),
      signer: createSigner({ privateKeyPem: signingKeys.signingKeyPem }),
      signingKeys,
      prices: shippedPrices(),
      tracer,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
