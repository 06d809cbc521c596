import { createHash } from 'node:crypto';
import { constants, createReadStream, mkdirSync, mkdtempSync } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { BackupFile } from './backup-manifest.ts';

/** Folders and endings of files that are being written and never named by anything. */
const UNFINISHED = /(^|\/)staging(\/|$)|\.new$/;

/**
 * Every finished file below a folder, as paths with `/`. The index of an evidence pack comes before its pack: copied in this
 * order, an index never says more than its pack holds.
 */
export async function filesBelow(folder: string, path = ''): Promise<readonly string[]> {
  const names = await readdir(join(folder, path)).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const found: string[] = [];
  for (const name of names.sort()) {
    const below = path === '' ? name : `${path}/${name}`;
    if (UNFINISHED.test(below)) continue;
    // a folder may be a link to another disk: what it leads to is what is backed up
    const stats = await stat(join(folder, below)).catch(() => undefined);
    if (stats?.isDirectory() === true) found.push(...(await filesBelow(folder, below)));
    else if (stats?.isFile() === true) found.push(below);
  }
  return found;
}

/**
 * Copies one file, durable, for its owner alone, and answers what the copy holds. `path` is that of the copy in its backup.
 * Null: the file is gone meanwhile.
 */
export async function copyDurably(from: string, to: string, path: string): Promise<BackupFile | null> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  await closeToOthers(to);
  return describeFile(to, path);
}

/** What was sealed stays read-only, but for nobody else. */
export async function closeToOthers(file: string): Promise<void> {
  await chmod(file, (await stat(file)).mode & 0o600);
}

/** A new, private folder on the same file system as one that it may later become. */
export function makeFolderBeside(folder: string): string {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  return mkdtempSync(join(dirname(folder), `.${basename(folder)}.part-`));
}

/** Makes a file durable and answers what it holds. */
export async function describeFile(file: string, path: string): Promise<BackupFile> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  const digest = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file)) {
    digest.update(chunk as Buffer);
    sizeBytes += (chunk as Buffer).length;
  }
  return { path, sizeBytes, sha256: digest.digest('hex') };
}

/** Makes the names in a folder, and in all folders below it, durable. */
export async function syncFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isDirectory()) await syncFolders(join(folder, entry.name));
  await syncFolder(folder);
}

/** Makes the names in one folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ENOENT';
}
