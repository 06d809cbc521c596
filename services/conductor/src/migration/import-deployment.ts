import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSigningKeys } from '@maestro/adapter-filesystem';
import { Fault, isFault } from '@maestro/ports';
import type { EvidenceItem, KeyTransfer, Log, MovedKey } from '@maestro/ports';
import { movedKey } from '@maestro/runtime';
import { readAcceptedLosses, writeAcceptedLosses } from '../backup/accepted-losses.ts';
import type { AcceptedLoss } from '../backup/accepted-losses.ts';
import type { Config } from '../config.ts';
import { checkExport } from './check-export.ts';
import type { CheckedExport } from './check-export.ts';
import { readDataKeyLines } from './data-key-lines.ts';
import { beginImport, endImport, openClusterDeployment, openFolderDeployment, prepareTargetFolder, refuseForeignViews, refuseRunning } from './deployment.ts';
import type { Deployment } from './deployment.ts';
import { readEvidenceItem, readEvidenceLines } from './evidence-items.ts';
import type { EvidenceLine } from './evidence-items.ts';
import { EXPORT_FILES } from './export-manifest.ts';
import type { ExportManifest, MigrationProgress } from './export-manifest.ts';
import { appendEvents, countPresent, proveEvents, refuseAborted } from './import-events.ts';
import { adoptSigningFiles } from './signing-files.ts';

export type ImportRequest = {
  /** folder that an export wrote */
  readonly from: string;
  readonly config: Config;
  /** RFC 3339, UTC */
  readonly now: string;
  readonly onProgress: MigrationProgress;
  readonly log: Log;
  readonly signal: AbortSignal;
};

export type ImportReport = Pick<ExportManifest, 'createdAt' | 'events' | 'receipts' | 'evidence' | 'dataKeys' | 'signingKeyId'> & {
  readonly deployment: string;
  readonly isCluster: boolean;
  /** events that were there before, of an import that was interrupted or done */
  readonly alreadyThere: number;
  /** folder of the signing keys */
  readonly keys: string;
  /** where other signing keys that lay there lie now; null: there were none */
  readonly keysSetAside: string | null;
  /** losses that were accepted where the export was made; a cluster keeps no record of them */
  readonly acceptedLosses: number;
};

/** Pieces of evidence that are on their way at once. */
const EVIDENCE_AT_ONCE = 8;
const KEYS_AT_ONCE = 5_000;

/**
 * Gives an empty deployment the history of another one, on whatever engines.
 * I1. Every byte of the export is checked before anything is written.
 * I2. What events name comes before them: evidence, data keys, signing keys, then events in their order, as the commits that
 *     they were. So whatever is there after an interruption is the beginning of the same history.
 * I3. The same import again goes on where it was. A deployment that holds any other event is refused, and so is one in use.
 * I4. At the end all of it is read back.
 * Faults: EXPORT_INVALID, EXPORT_DAMAGED, DEPLOYMENT_NOT_EMPTY, DEPLOYMENT_IN_USE, STORE_IN_USE, KEY_EXISTS, EVENT_TOO_LARGE.
 */
export async function importDeployment({ from, config, now, onProgress, log, signal }: ImportRequest): Promise<ImportReport> {
  const checked = await checkExport(from, onProgress);
  const deployment = await openTarget(config, log, signal);
  try {
    const { limits } = deployment.store;
    if (checked.largestEventBytes > limits.eventBytesMax) {
      throw new Fault('EVENT_TOO_LARGE', `an event of ${checked.largestEventBytes} bytes is in the export; ${deployment.name} takes at most ${limits.eventBytesMax}: raise the limit of its server`);
    }
    const alreadyThere = await countPresent(deployment.store, checked, deployment.name);
    if (deployment.folder !== null) beginImport(deployment.folder);
    await putEvidence(deployment, checked, onProgress, signal);
    for await (const keys of inGroups(readDataKeyLines(from), KEYS_AT_ONCE)) await deployment.vault.adopt(keys);
    const keysSetAside = await adoptSigningFiles(join(from, 'keys'), deployment.keys, now);
    const acceptedLosses = adoptLosses(deployment, from);
    await appendEvents(deployment.store, checked, alreadyThere, onProgress, signal);
    await prove(deployment, checked, onProgress);
    if (deployment.folder !== null) await endImport(deployment.folder);
    const { createdAt, events, receipts, evidence, dataKeys, signingKeyId } = checked.manifest;
    return { createdAt, events, receipts, evidence, dataKeys, signingKeyId, deployment: deployment.name, isCluster: config.cluster !== null, alreadyThere, keys: deployment.keys, keysSetAside, acceptedLosses };
  } finally {
    await deployment.close();
  }
}

async function openTarget({ cluster, dataDir }: Config, log: Log, signal: AbortSignal): Promise<Deployment> {
  if (cluster === null) {
    prepareTargetFolder(dataDir);
    return openFolderDeployment(dataDir);
  }
  const deployment = await openClusterDeployment(cluster, { log, signal });
  try {
    await refuseRunning(deployment.leases);
    await refuseForeignViews(deployment);
    return deployment;
  } catch (error) {
    await deployment.close();
    throw error;
  }
}

/** Each item alone, under a key that its digest makes: found by it, whatever place events name. */
async function putEvidence({ evidence }: Deployment, { folder, manifest }: CheckedExport, onProgress: MigrationProgress, signal: AbortSignal): Promise<void> {
  let done = 0;
  const put = async (line: EvidenceLine): Promise<void> => {
    const item: EvidenceItem = { key: movedKey(line.digest), bytes: await readEvidenceItem(folder, line), ...(line.retainUntil !== null && { retainUntil: line.retainUntil }) };
    const ref = await evidence.put(item);
    if (line.held) await evidence.hold(ref, true);
    done += 1;
    onProgress('importing evidence', done, manifest.evidence.items);
  };
  for await (const lines of inGroups(readEvidenceLines(folder), EVIDENCE_AT_ONCE)) {
    refuseAborted(signal);
    await Promise.all(lines.map(put));
  }
}

/** Losses that the target knows stay; those of the export come to them. */
function adoptLosses({ folder }: Deployment, from: string): number {
  const path = join(from, EXPORT_FILES.acceptedLosses);
  if (!existsSync(path)) return 0;
  const { losses } = JSON.parse(readFileSync(path, 'utf8')) as { readonly losses: readonly AcceptedLoss[] };
  if (folder !== null) {
    const known = readAcceptedLosses(folder);
    writeAcceptedLosses(folder, [...known, ...losses.filter(({ acceptedAt }) => !known.some((one) => one.acceptedAt === acceptedAt))]);
  }
  return losses.length;
}

/** Everything, as whoever serves it will read it. */
async function prove(deployment: Deployment, checked: CheckedExport, onProgress: MigrationProgress): Promise<void> {
  const { folder, manifest } = checked;
  let done = 0;
  for await (const lines of inGroups(readEvidenceLines(folder), EVIDENCE_AT_ONCE)) {
    await Promise.all(lines.map(({ digest }) => deployment.evidence.get({ digest, location: 'elsewhere' })));
    done += lines.length;
    onProgress('reading evidence back', done, manifest.evidence.items);
  }
  for await (const moved of readDataKeyLines(folder)) await proveKey(deployment.vault, moved);
  readSigningKeys(deployment.keys);
  await proveEvents(deployment.store, checked, onProgress);
}

async function proveKey(vault: KeyTransfer, { keyId, key }: MovedKey): Promise<void> {
  const found = await vault.reveal(keyId).catch((error: unknown) => {
    // destroyed there, or here since an earlier import
    if (isFault(error, 'KEY_DESTROYED')) return null;
    throw error;
  });
  if (found !== null && (key === null || !Buffer.from(found).equals(key))) throw new Fault('KEY_DAMAGED', `data key ${keyId} did not come back as it was imported`);
}

async function* inGroups<T>(items: AsyncIterable<T>, countMax: number): AsyncGenerator<readonly T[]> {
  let group: T[] = [];
  for await (const item of items) {
    if (group.push(item) < countMax) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
