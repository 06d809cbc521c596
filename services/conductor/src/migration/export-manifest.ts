import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@maestro/ports';
import { isPlainPath, manifestBytes, parseManifest } from '../backup/backup-manifest.ts';
import type { BackupFile } from '../backup/backup-manifest.ts';

export const EXPORT_SCHEMA = 'maestro-export/v1';
/** In the folder of an export; written last, so that a folder without it is no export. */
export const EXPORT_MANIFEST = 'export.json';

/** Files of an export, by what they hold; `evidence/<number>.bin`, `keys/…` and `policy/…` come beside them. */
export const EXPORT_FILES = { events: 'events.jsonl', evidence: 'evidence.jsonl', dataKeys: 'data-keys.jsonl', acceptedLosses: 'accepted-losses.json' } as const;

/** What an export says of itself. No engine is named: any deployment can take it. */
export type ExportManifest = {
  readonly schema: typeof EXPORT_SCHEMA;
  /** RFC 3339, UTC */
  readonly createdAt: string;
  /** release of the program that made it */
  readonly program: string;
  readonly events: number;
  readonly receipts: number;
  readonly evidence: { readonly items: number; readonly sizeBytes: number };
  readonly dataKeys: { readonly live: number; readonly destroyed: number };
  /** fingerprint of the key that signs receipts */
  readonly signingKeyId: string;
  /** policy sets that runs in it pinned, hex digests */
  readonly policySets: readonly string[];
  readonly files: readonly BackupFile[];
};

/** Reads and checks the manifest of an export. Faults: EXPORT_INVALID (none is there), EXPORT_DAMAGED (it is not as written). */
export function readExportManifest(folder: string): ExportManifest {
  const path = join(folder, EXPORT_MANIFEST);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Fault('EXPORT_INVALID', `${folder} is no export: ${EXPORT_MANIFEST} cannot be read; give the folder that export --all --out wrote`, { cause: error });
  }
  const manifest = parseManifest<ExportManifest>(bytes);
  if (manifest === undefined || !bytes.equals(manifestBytes(manifest))) {
    throw new Fault('EXPORT_DAMAGED', `${path} is not as it was written: nothing of this export can be relied on; make it again`);
  }
  if (manifest.schema !== EXPORT_SCHEMA) throw new Fault('EXPORT_INVALID', `${path} has the form ${String(manifest.schema)}, this release reads ${EXPORT_SCHEMA}: import with the release that wrote it`);
  const odd = manifest.files.find(({ path: file }) => !isPlainPath(file));
  if (odd !== undefined) throw new Fault('EXPORT_INVALID', `${path} names ${JSON.stringify(odd.path)}, which is no path within an export`);
  return manifest;
}

/** What an import and an export tell while they work, which may take long. */
export type MigrationProgress = (doing: string, done: number, total: number | null) => void;
