import { rmSync, writeFileSync } from 'node:fs';
import { readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyEventStore } from '@maestro/adapter-sqlite';
import { Fault } from '@maestro/ports';
import { releaseVersion, shippedFiles } from '../build-info.ts';
import { readConfig } from '../config.ts';
import { LAYOUT_VERSION, pathsOf, refuseHalfImported, refusing } from '../data-folder.ts';
import type { DataFolder } from '../data-folder.ts';
import { hasFolder } from '../doctor/check-folder.ts';
import type { Progress } from '../doctor/check-store.ts';
import { BACKUP_MANIFEST, BACKUP_SCHEMA, manifestBytes } from './backup-manifest.ts';
import type { BackupFile, BackupManifest } from './backup-manifest.ts';
import { closeToOthers, copyDurably, describeFile, filesBelow, makeFolderBeside, syncFolder, syncFolders } from './copied-files.ts';
import { gatherNamed, proveEvidence } from './named-by-events.ts';

export type BackupRequest = {
  /** flags of the conductor, such as `--data` and `--config` */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** absolute path of a new or empty folder */
  readonly out: string;
  /** RFC 3339, UTC */
  readonly now: string;
  readonly onProgress: Progress;
};

export type BackupReport = Omit<BackupManifest, 'files' | 'schema'> & {
  readonly folder: string;
  readonly dataDir: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
};

/**
 * Writes a backup of a data folder, whole or not at all, whether its conductor runs or not.
 * B1. The store is copied first, at one moment. What its events name was durable before them, so copies that are made later
 *     hold it: data keys, evidence, large values.
 * B2. The copy is proved before it is a backup: every event, and the bytes of all evidence that events name.
 * B3. `backup.json` is written last, and all is durable before the folder gets its name.
 * Process state and read models are no part of it: they are folded anew from the events.
 * Faults: DATA_FOLDER_INVALID, STORE_DAMAGED, STORE_BEHIND_MARK, EVIDENCE_DAMAGED, EVIDENCE_MISSING, STORE_READ_ONLY.
 */
export async function createBackup({ args, environment, cwd, out, now, onProgress }: BackupRequest): Promise<BackupReport> {
  const { config, file: configFile } = readConfig(args, environment, cwd);
  const folder = pathsOf(config.dataDir);
  if (!hasFolder(folder)) throw new Fault('DATA_FOLDER_INVALID', `${folder.dir} is no data folder; give the one to back up with --data`);
  refuseHalfImported(folder);
  const partial = refusing(out, () => makeFolderBeside(out));
  try {
    const manifest = await fill(partial, folder, { configFile, now, onProgress });
    await rename(partial, out);
    await syncFolder(dirname(out));
    const { files, schema: _, ...rest } = manifest;
    return { ...rest, folder: out, dataDir: folder.dir, fileCount: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

type Setting = { readonly configFile: string | null; readonly now: string; readonly onProgress: Progress };

async function fill(partial: string, folder: DataFolder, { configFile, now, onProgress }: Setting): Promise<BackupManifest> {
  const copy = pathsOf(partial);
  const store = copyEventStore({ from: folder.events, to: copy.events });
  const named = await gatherNamed(copy.events, onProgress);
  for (const [from, path] of await beside(folder, configFile, named.policySets)) await copyDurably(from, join(partial, path), path);
  await proveEvidence(partial, named.evidence);
  const files: BackupFile[] = [];
  for (const path of await filesBelow(partial)) {
    await closeToOthers(join(partial, path));
    files.push(await describeFile(join(partial, path), path));
  }
  const manifest: BackupManifest = { schema: BACKUP_SCHEMA, createdAt: now, program: releaseVersion(), layout: LAYOUT_VERSION, store, receipts: named.receipts, policySets: named.policySets, files };
  writeFileSync(join(partial, BACKUP_MANIFEST), manifestBytes(manifest), { mode: 0o600, flush: true });
  await syncFolders(partial);
  return manifest;
}

/** What is copied beside the store: where from, and its path in the backup. */
async function beside(folder: DataFolder, configFile: string | null, policySets: readonly string[]): Promise<readonly (readonly [string, string])[]> {
  const below = async (path: string, as: string) => (await filesBelow(path)).map((file) => [join(path, file), `${as}/${file}`] as const);
  const single = [
    [folder.version, 'version'],
    [folder.token, 'token'],
    [folder.acceptedLosses, 'accepted-losses.json'],
    ...(configFile === null ? [] : [[configFile, 'config.yaml'] as const]),
    ...(await pinnedBundles(policySets)),
  ] as const;
  const there = await Promise.all(single.map(async ([from]) => (await stat(from).catch(() => undefined))?.isFile() === true));
  return [...(await below(folder.keys, 'keys')), ...(await below(folder.evidence, 'evidence')), ...single.filter((_, i) => there[i])];
}

/** The compiled files of policy sets, as far as this program has them: where they lie, and their path in a copy. */
export async function pinnedBundles(policySets: readonly string[]): Promise<readonly (readonly [string, string])[]> {
  const names = (await readdir(shippedFiles.policyBundles)).filter((name) => policySets.some((digest) => name.startsWith(`${digest}.`)));
  return names.map((name) => [join(shippedFiles.policyBundles, name), `policy/${name}`]);
}
