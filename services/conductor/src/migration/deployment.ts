import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { FolderEvidenceStore, FolderKeyVault } from '@maestro/adapter-filesystem';
import { systemClock } from '@maestro/adapter-memory';
import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import { Fault } from '@maestro/ports';
import type { EventStore, EvidenceStore, KeyTransfer, KeyVault, Leases, Log, ReadModels } from '@maestro/ports';
import { LEASE_TTL_MS, MovedEvidence } from '@maestro/runtime';
import { syncFolder } from '../backup/copied-files.ts';
import { Dependencies } from '../cluster/dependencies.ts';
import { openEngines } from '../cluster/open-engines.ts';
import type { Engines } from '../cluster/open-engines.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { openDataFolder, pathsOf, refusing } from '../data-folder.ts';
import type { DataFolder } from '../data-folder.ts';
import { isCursorOf } from '../derived-state.ts';
import { namingHolder } from '../presence.ts';

/** Everything of a deployment that cannot be made again, whatever engines hold it. */
export type Deployment = {
  /** for messages */
  readonly name: string;
  readonly store: EventStore;
  readonly evidence: EvidenceStore;
  readonly vault: KeyVault & KeyTransfer;
  /** folder of the signing keys */
  readonly keys: string;
  /** null: a cluster, which keeps no record of accepted losses */
  readonly folder: DataFolder | null;
  close(): Promise<void>;
};

/** milliseconds; servers that do not answer until then are told by name */
const OPEN_WITHIN_MS = 60_000;

/** Opens a data folder that nobody else holds. Faults: STORE_IN_USE, and those of its parts. */
export async function openFolderDeployment(dir: string): Promise<Deployment> {
  const folder = pathsOf(dir);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    for (const one of opened.splice(0).reverse()) await one.close();
  };
  try {
    const store = keep(await openSqliteEventStore({ path: folder.events }));
    const evidence = new MovedEvidence(keep(await FolderEvidenceStore.open(folder.evidence)));
    const vault = keep(await FolderKeyVault.open(folder.dataKeys));
    return { name: dir, store, evidence, vault, keys: folder.keys, folder, close };
  } catch (error) {
    await close();
    throw namingHolder(folder, error);
  }
}

/** A folder to import into: new, empty, or a data folder. No start takes it until `endImport`. Fault DATA_FOLDER_INVALID: it holds other files. */
export function prepareTargetFolder(dir: string): void {
  const names = refusing(dir, () => (existsSync(dir) ? readdirSync(dir) : []));
  if (names.includes('importing')) return;
  if (names.length > 0 && !names.includes('version') && !names.includes('events.db')) {
    throw new Fault('DATA_FOLDER_INVALID', `${dir} holds other files, which are left alone; choose another folder with --data`);
  }
  openDataFolder(dir);
}

/** Marks a folder as one that no start may take, before anything is imported into it. */
export function beginImport({ importing }: DataFolder): void {
  writeFileSync(importing, 'an import goes on here, or has to be run again\n', { mode: 0o600, flush: true });
}

/** Durable; idempotent. */
export async function endImport({ dir, importing }: DataFolder): Promise<void> {
  rmSync(importing, { force: true });
  await syncFolder(dir);
}

/** `leases` and `views`: who runs, and what was folded. */
export type ClusterDeployment = Deployment & { readonly leases: Leases; readonly views: ReadModels };

type Around = { readonly log: Log; readonly signal: AbortSignal };

/** Opens the engines of a cluster that keep what cannot be made again. Faults: STORE_UNAVAILABLE names those that do not answer. */
export async function openClusterDeployment(cluster: ClusterConfig, { log, signal }: Around): Promise<ClusterDeployment> {
  const late = AbortSignal.timeout(OPEN_WITHIN_MS);
  const dependencies = new Dependencies({ clock: systemClock, log, signal: AbortSignal.any([signal, late]) });
  let engines: Engines;
  try {
    engines = await openEngines({ cluster, dependencies, clock: systemClock, log, engines: new Set(['store', 'postgres', 'evidence', 'vault']) });
  } catch (error) {
    if (signal.aborted || !late.aborted) throw error;
    const waiting = (await dependencies.rows()).filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
    throw new Fault('STORE_UNAVAILABLE', `not all engines of the cluster answered within ${OPEN_WITHIN_MS / 1_000} s: ${waiting.join('; ')}`, { cause: error });
  }
  const { store, postgres, evidence, vault } = engines;
  if (store === undefined || postgres === undefined || evidence === undefined || vault === undefined) throw new Error('an engine that was asked for was not opened');
  return { name: `the cluster with prefix ${cluster.prefix}`, store: store.store, evidence, vault, keys: cluster.keys.folder, folder: null, leases: postgres.leases, views: postgres.views, close: () => engines.close() };
}

/** Groups of roles that hold leases: those that write. */
const GROUPS = ['command', 'receipt', 'projector'];
const OWNER = 'maestro-import';
const LOOKS = 6;

/** Waits until the leases of processes that were killed have expired. Fault DEPLOYMENT_IN_USE: some live. */
export async function refuseRunning(leases: Leases): Promise<void> {
  for (let look = 1; ; look += 1) {
    const running: string[] = [];
    for (const name of GROUPS) {
      const group = { group: name, owner: OWNER, names: [], ttlMs: 1_000 };
      const { members } = await leases.beat(group);
      await leases.leave(group);
      if (members > 1) running.push(`${members - 1} with role ${name}`);
    }
    if (running.length === 0) return;
    if (look === LOOKS) throw new Fault('DEPLOYMENT_IN_USE', `processes of this cluster run (${running.join(', ')}); end all of its roles, import, then start them`);
    await new Promise<void>((resolve) => void systemClock.after(LEASE_TTL_MS / (LOOKS - 2), resolve));
  }
}

/** Fault DEPLOYMENT_NOT_EMPTY: the database has read models of another history, as where only the event store is new. */
export async function refuseForeignViews({ name, store, views }: ClusterDeployment): Promise<void> {
  if (await isCursorOf(store, await views.position())) return;
  throw new Fault('DEPLOYMENT_NOT_EMPTY', `the database of ${name} holds read models of another history; use an empty database`);
}
