import { join } from 'node:path';
import { readSigningKeys } from '@maestro/adapter-filesystem';
import { Fault, isFault } from '@maestro/ports';
import type { MovedKey } from '@maestro/ports';
import { namedByEvent } from '@maestro/runtime';
import { describeFile } from '../backup/copied-files.ts';
import { readDataKeyLines } from './data-key-lines.ts';
import { ChainProof, readEventLines } from './event-lines.ts';
import { readEvidenceItem, readEvidenceLines } from './evidence-items.ts';
import { EXPORT_FILES, EXPORT_MANIFEST, readExportManifest } from './export-manifest.ts';
import type { ExportManifest, MigrationProgress } from './export-manifest.ts';

/** An export whose every byte was read, and is what it says. */
export type CheckedExport = { readonly folder: string; readonly manifest: ExportManifest; /** bytes of the largest event, sealed values included */ readonly largestEventBytes: number };

/**
 * Reads all of an export before anything of it is used: files against the manifest, then the hash and chain of every event,
 * then that everything which events name is in it, whole. Changes nothing. Faults: EXPORT_INVALID, EXPORT_DAMAGED (names file
 * and place), EVENT_FROM_NEWER_VERSION.
 */
export async function checkExport(folder: string, onProgress: MigrationProgress): Promise<CheckedExport> {
  const manifest = readExportManifest(folder);
  await checkFiles(folder, manifest, onProgress);
  const digests = new Set<string>();
  const keyIds = new Set<string>();
  await whole(folder, EXPORT_FILES.evidence, async () => {
    for await (const line of readEvidenceLines(folder)) {
      await readEvidenceItem(folder, line);
      digests.add(line.digest);
    }
  });
  await whole(folder, EXPORT_FILES.dataKeys, async () => {
    for await (const { keyId } of readDataKeyLines(folder) as AsyncIterable<MovedKey>) keyIds.add(keyId);
  });
  await whole(folder, 'keys', async () => void readSigningKeys(join(folder, 'keys')));
  const largestEventBytes = await whole(folder, EXPORT_FILES.events, () => checkEvents(folder, manifest, { digests, keyIds }, onProgress));
  return { folder, manifest, largestEventBytes };
}

async function checkFiles(folder: string, { files }: ExportManifest, onProgress: MigrationProgress): Promise<void> {
  const required = [EXPORT_FILES.events, EXPORT_FILES.evidence, EXPORT_FILES.dataKeys, 'keys/registry.json', 'keys/signing.pem', 'keys/root/root.pub'];
  const lacking = required.find((name) => !files.some(({ path }) => path === name));
  if (lacking !== undefined) throw new Fault('EXPORT_INVALID', `${join(folder, EXPORT_MANIFEST)} does not name ${lacking}: it is no export of a whole deployment`);
  for (const [done, { path, sizeBytes, sha256 }] of files.entries()) {
    const found = await describeFile(join(folder, path), path).catch((error: unknown) => {
      throw new Fault('EXPORT_DAMAGED', `${join(folder, path)} is missing or cannot be read; make the export again`, { cause: error });
    });
    if (found.sizeBytes !== sizeBytes || found.sha256 !== sha256) {
      throw new Fault('EXPORT_DAMAGED', `${join(folder, path)} is not as it was written (${found.sizeBytes} bytes, SHA-256 ${found.sha256}; expected ${sizeBytes}, ${sha256}); make the export again`);
    }
    onProgress('checking files', done + 1, files.length);
  }
}

type There = { readonly digests: ReadonlySet<string>; readonly keyIds: ReadonlySet<string> };

async function checkEvents(folder: string, manifest: ExportManifest, { digests, keyIds }: There, onProgress: MigrationProgress): Promise<number> {
  const chains = new ChainProof();
  const count = { events: 0, receipts: 0 };
  let largest = 0;
  for await (const event of readEventLines(join(folder, EXPORT_FILES.events))) {
    chains.add(event);
    count.events += 1;
    if (event.type === 'receipt.signed.v1') count.receipts += 1;
    largest = Math.max(largest, event.bytes.length + (event.sealed?.length ?? 0));
    const { evidence, dataKeys } = namedByEvent(event);
    const lacking = evidence.find(({ digest }) => !digests.has(digest))?.digest ?? dataKeys.find((keyId) => !keyIds.has(keyId));
    if (lacking !== undefined) throw new Fault('EXPORT_DAMAGED', `revision ${event.revision} of ${event.stream} names ${lacking}, which the export does not hold; make it again`);
    onProgress('checking events', count.events, manifest.events);
  }
  if (count.events !== manifest.events || count.receipts !== manifest.receipts) {
    throw new Fault('EXPORT_DAMAGED', `${folder} holds ${count.events} events and ${count.receipts} receipts; it was written with ${manifest.events} and ${manifest.receipts}; make it again`);
  }
  return largest;
}

/** What a part of an export does not hold is damage of the export, whoever finds it; events of a newer release are none. */
async function whole<T>(folder: string, part: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (isFault(error, 'EXPORT_DAMAGED') || isFault(error, 'EVENT_FROM_NEWER_VERSION')) throw error;
    throw new Fault('EXPORT_DAMAGED', `${join(folder, part)}: ${(error as Error).message}; make the export again`, { cause: error });
  }
}
