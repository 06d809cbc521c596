import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readSigningKeys } from '@maestro/adapter-filesystem';
import { Fault, isFault } from '@maestro/ports';
import type { Cursor, DataKeyId, EvidenceRef, Log, StoredEvent } from '@maestro/ports';
import { namedByEvent } from '@maestro/runtime';
import { manifestBytes } from '../backup/backup-manifest.ts';
import type { BackupFile } from '../backup/backup-manifest.ts';
import { closeToOthers, copyDurably, describeFile, filesBelow, makeFolderBeside, syncFolder, syncFolders } from '../backup/copied-files.ts';
import { createBackup, pinnedBundles } from '../backup/create-backup.ts';
import { releaseVersion } from '../build-info.ts';
import type { Config } from '../config.ts';
import { refusing } from '../data-folder.ts';
import { dataKeyLine } from './data-key-lines.ts';
import { openClusterDeployment, openFolderDeployment } from './deployment.ts';
import type { Deployment } from './deployment.ts';
import { ChainProof, eventLine } from './event-lines.ts';
import { EvidenceFilesWriter } from './evidence-items.ts';
import { EXPORT_FILES, EXPORT_MANIFEST, EXPORT_SCHEMA } from './export-manifest.ts';
import type { ExportManifest, MigrationProgress } from './export-manifest.ts';
import { JsonLinesFile } from './json-lines.ts';
import { signingFiles } from './signing-files.ts';

export type ExportRequest = {
  readonly config: Config;
  /** absolute path of a new or empty folder */
  readonly out: string;
  /** RFC 3339, UTC */
  readonly now: string;
  readonly onProgress: MigrationProgress;
  readonly log: Log;
  readonly signal: AbortSignal;
};

export type ExportReport = Omit<ExportManifest, 'files' | 'schema'> & { readonly folder: string; readonly deployment: string; readonly fileCount: number; readonly sizeBytes: number };

/**
 * Writes a whole deployment in a form that knows no engine, whole or not at all, whether its processes run or not.
 * E1. Of a data folder a backup is made and exported, so that its conductor goes on. Of a cluster the events up to the head at
 *     the start are read; what they name was durable before them.
 * E2. Every hash and chain is proved, every piece of evidence read with its digest, and every data key that events name.
 * E3. `export.json` is written last, and all is durable before the folder gets its name.
 * Faults: DATA_FOLDER_INVALID, STORE_UNAVAILABLE, STORE_DAMAGED, EVIDENCE_MISSING, EVIDENCE_DAMAGED, KEY_MISSING, KEY_DAMAGED.
 */
export async function createExport(request: ExportRequest): Promise<ExportReport> {
  const { out } = request;
  const partial = refusing(out, () => makeFolderBeside(out));
  try {
    const { deployment, release } = await openSource(request, partial);
    let manifest: ExportManifest;
    try {
      manifest = await fill(join(partial, 'export'), deployment, request);
    } finally {
      await release();
    }
    await rename(join(partial, 'export'), out);
    await syncFolder(dirname(out));
    const { files, schema: _, ...rest } = manifest;
    const name = request.config.cluster === null ? request.config.dataDir : deployment.name;
    return { ...rest, folder: out, deployment: name, fileCount: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function openSource({ config, now, onProgress, log, signal }: ExportRequest, partial: string): Promise<{ readonly deployment: Deployment; readonly release: () => Promise<void> }> {
  const { cluster, dataDir } = config;
  if (cluster !== null) {
    const deployment = await openClusterDeployment(cluster, { log, signal });
    return { deployment, release: () => deployment.close() };
  }
  const copy = join(partial, 'copy');
  await createBackup({ args: [`--data=${dataDir}`], environment: {}, cwd: dirname(dataDir), out: copy, now, onProgress: (done, total) => onProgress('copying', done, total) });
  const deployment = await openFolderDeployment(copy);
  return { deployment, release: () => deployment.close() };
}

async function fill(to: string, deployment: Deployment, { now, onProgress, signal }: ExportRequest): Promise<ExportManifest> {
  await mkdir(to, { mode: 0o700 });
  const { keyId: signingKeyId } = readSigningKeys(deployment.keys);
  for (const [path, from] of signingFiles(deployment.keys)) await copyDurably(from, join(to, 'keys', path), path);
  const named = await writeEvents(to, deployment, onProgress, signal);
  const dataKeys = await writeDataKeys(to, deployment, named.dataKeys);
  for (const [from, path] of await pinnedBundles(named.policySets)) await copyDurably(from, join(to, path), path);
  const losses = deployment.folder?.acceptedLosses;
  if (losses !== undefined && existsSync(losses)) await writeFile(join(to, EXPORT_FILES.acceptedLosses), await readFile(losses), { mode: 0o600 });
  const files: BackupFile[] = [];
  for (const path of await filesBelow(to)) {
    await closeToOthers(join(to, path));
    files.push(await describeFile(join(to, path), path));
  }
  const { events, receipts, evidence, policySets } = named;
  const manifest: ExportManifest = { schema: EXPORT_SCHEMA, createdAt: now, program: releaseVersion(), events, receipts, evidence, dataKeys, signingKeyId, policySets, files };
  writeFileSync(join(to, EXPORT_MANIFEST), manifestBytes(manifest), { mode: 0o600, flush: true });
  await syncFolders(to);
  return manifest;
}

type Named = Pick<ExportManifest, 'events' | 'receipts' | 'evidence' | 'policySets'> & { readonly dataKeys: ReadonlySet<DataKeyId> };

/** Events up to the head at the start, and the evidence that they name, each digest once. */
async function writeEvents(to: string, { store, evidence }: Deployment, onProgress: MigrationProgress, signal: AbortSignal): Promise<Named> {
  const lines = new JsonLinesFile(join(to, EXPORT_FILES.events));
  const items = new EvidenceFilesWriter(to);
  const chains = new ChainProof();
  const [digests, dataKeys, policySets] = [new Set<string>(), new Set<DataKeyId>(), new Set<string>()];
  const count = { events: 0, receipts: 0 };
  const keep = async (ref: EvidenceRef): Promise<void> => {
    if (digests.has(ref.digest)) return;
    digests.add(ref.digest);
    const bytes = await evidence.get(ref);
    const head = await evidence.head(ref);
    await items.add({ digest: ref.digest, held: head?.held ?? false, retainUntil: head?.retainUntil ?? null }, bytes);
  };
  for await (const event of eventsUpTo(store, await store.head(), signal)) {
    chains.add(event);
    await lines.write(eventLine(event));
    const named = namedByEvent(event);
    for (const ref of named.evidence) await keep(ref);
    for (const keyId of named.dataKeys) dataKeys.add(keyId);
    if (named.policySet !== undefined) policySets.add(named.policySet);
    count.events += 1;
    if (event.type === 'receipt.signed.v1') count.receipts += 1;
    onProgress('exporting events', count.events, null);
  }
  await lines.close();
  await items.close();
  return { ...count, evidence: { items: items.items, sizeBytes: items.sizeBytes }, policySets: [...policySets].sort(), dataKeys };
}

/** Every event from the start to a place, in order, page by page. */
export async function* eventsUpTo(store: Deployment['store'], head: Cursor | null, signal?: AbortSignal): AsyncGenerator<StoredEvent> {
  for (let after: Cursor | null = null; head !== null; ) {
    const page = await store.readAll({ after, limit: store.limits.pageEventsMax, ...(signal !== undefined && { signal }) });
    for (const event of page.events) {
      if (store.compare(event.cursor, head) > 0) return;
      yield event;
    }
    after = page.next;
    if (page.end || (after !== null && store.compare(after, head) >= 0)) return;
  }
}

async function writeDataKeys(to: string, { vault }: Deployment, keyIds: ReadonlySet<DataKeyId>): Promise<ExportManifest['dataKeys']> {
  const lines = new JsonLinesFile(join(to, EXPORT_FILES.dataKeys));
  const count = { live: 0, destroyed: 0 };
  for (const keyId of keyIds) {
    const key = await vault.reveal(keyId).catch((error: unknown) => {
      if (isFault(error, 'KEY_DESTROYED')) return null;
      if (isFault(error, 'KEY_MISSING')) throw new Fault('KEY_MISSING', `events name data key ${keyId}, which the vault does not have; restore the keys from a backup`, { cause: error });
      throw error;
    });
    await lines.write(dataKeyLine({ keyId, key }));
    count[key === null ? 'destroyed' : 'live'] += 1;
  }
  await lines.close();
  return count;
}
