import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import { canonicalBytes, sha256 } from '@maestro/receipt';

export const BACKUP_SCHEMA = 'maestro-backup/v1';
/** In the folder of a backup; written last, so that a folder without it is no backup. */
export const BACKUP_MANIFEST = 'backup.json';

/** One file of a backup. `path`: below its folder, with `/`; `sha256`: 64 hex characters. */
export type BackupFile = { readonly path: string; readonly sizeBytes: number; readonly sha256: string };

/** What a backup says of itself. */
export type BackupManifest = {
  readonly schema: typeof BACKUP_SCHEMA;
  /** RFC 3339, UTC */
  readonly createdAt: string;
  /** release of the program that made it */
  readonly program: string;
  /** layout of the data folder */
  readonly layout: number;
  /** where the copied store ends */
  readonly store: { readonly incarnation: string; readonly position: number; readonly hash: string };
  readonly receipts: number;
  /** policy sets that runs in it pinned, hex digests */
  readonly policySets: readonly string[];
  readonly files: readonly BackupFile[];
};

/** The file's bytes: canonical JSON, with a digest over all the rest, so that no byte of it changes unseen. */
export function manifestBytes(manifest: object): Uint8Array {
  const digest = sha256(canonicalBytes(manifest as unknown as Json));
  return canonicalBytes({ ...manifest, digest } as unknown as Json);
}

/** Reads and checks the manifest of a backup. Faults: BACKUP_INVALID (none is there), BACKUP_DAMAGED (it is not as written). */
export function readManifest(folder: string): BackupManifest {
  const path = join(folder, BACKUP_MANIFEST);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Fault('BACKUP_INVALID', `${folder} is no backup: ${BACKUP_MANIFEST} cannot be read; give the folder that backup --out wrote`, { cause: error });
  }
  const manifest = parseManifest<BackupManifest>(bytes);
  if (manifest === undefined || !bytes.equals(manifestBytes(manifest))) {
    throw new Fault('BACKUP_DAMAGED', `${path} is not as it was written: nothing of this backup can be relied on; use another one`);
  }
  if (manifest.schema !== BACKUP_SCHEMA) throw new Fault('BACKUP_INVALID', `${path} has the form ${String(manifest.schema)}, this release reads ${BACKUP_SCHEMA}: restore with the release that wrote it`);
  const odd = manifest.files.find(({ path: file }) => !isPlainPath(file));
  if (odd !== undefined) throw new Fault('BACKUP_INVALID', `${path} names ${JSON.stringify(odd.path)}, which is no path within a backup`);
  return manifest;
}

/** What the bytes say, without their digest; undefined: nothing like a manifest. Whether they are whole, `manifestBytes` tells. */
export function parseManifest<M extends { readonly files: readonly BackupFile[] }>(bytes: Buffer): M | undefined {
  try {
    const { digest: _, ...manifest } = JSON.parse(bytes.toString('utf8')) as M & { readonly digest: string };
    return Array.isArray(manifest.files) ? (manifest as unknown as M) : undefined;
  } catch {
    return undefined;
  }
}

/** Nothing that leads out of the folder. */
export function isPlainPath(path: unknown): boolean {
  return typeof path === 'string' && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part));
}
