import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beginNewIncarnation, findStoreLoss, lockEventStore } from '@maestro/adapter-sqlite';
import type { StoreLoss } from '@maestro/adapter-sqlite';
import { Fault } from '@maestro/ports';
import { checkLayoutVersion, pathsOf, refusing } from '../data-folder.ts';
import type { DataFolder } from '../data-folder.ts';
import type { Progress } from '../doctor/check-store.ts';
import { namingHolder } from '../presence.ts';
import { describeLoss, readAcceptedLosses, writeAcceptedLosses } from './accepted-losses.ts';
import type { AcceptedLoss } from './accepted-losses.ts';
import { readManifest } from './backup-manifest.ts';
import type { BackupManifest } from './backup-manifest.ts';
import { copyDurably, makeFolderBeside, syncFolder, syncFolders } from './copied-files.ts';
import { gatherNamed, proveEvidence } from './named-by-events.ts';

export type RestoreRequest = {
  /** folder that a backup wrote */
  readonly from: string;
  /** absolute path of the data folder to be: new, empty, or one that is to be replaced */
  readonly dataDir: string;
  readonly acceptLoss: boolean;
  /** RFC 3339, UTC */
  readonly now: string;
  readonly onProgress: Progress;
};

export type RestoreReport = {
  readonly dataDir: string;
  readonly createdAt: string;
  readonly events: number;
  readonly receipts: number;
  /** what was accepted as gone; null: nothing is known to be */
  readonly loss: AcceptedLoss | null;
  /** there was a head mark to compare with; without one, nobody knows what came after the backup */
  readonly isCompared: boolean;
  /** where the folder that was there lies now; null: there was none */
  readonly setAside: string | null;
  /** the configuration in the backup, which is not restored; null: none */
  readonly configFile: string | null;
};

/** Parts of a backup that are no parts of a data folder. */
const NOT_RESTORED = /^(config\.yaml$|policy\/)/;

/**
 * Makes a data folder of a backup, whole or not at all.
 * R1. Every byte is checked against the manifest as it was copied, then every event and all evidence, as a start reads them.
 * R2. Where a data folder lies in the place, its head mark and its events decide: a backup that lacks what they acknowledged
 *     is refused, unless the loss is accepted; then it is recorded before the folder gets its name.
 * R3. Nothing is deleted: the folder that was there is set aside under another name.
 * R4. The restored store is another one than the one that was copied: places and cursors of that are none in this.
 * Faults: BACKUP_INVALID, BACKUP_DAMAGED, STORE_BEHIND_MARK, STORE_IN_USE, STORE_NEWER, DATA_FOLDER_INVALID, STORE_READ_ONLY.
 */
export async function restoreBackup({ from, dataDir, acceptLoss, now, onProgress }: RestoreRequest): Promise<RestoreReport> {
  const manifest = readManifest(from);
  checkLayoutVersion(from, manifest.layout);
  const present = openPresent(dataDir);
  let partial: string | undefined;
  try {
    partial = refusing(dataDir, () => makeFolderBeside(dataDir));
    await copyChecked(from, partial, manifest);
    await prove(partial, manifest, onProgress);
    const loss = judgeLoss(partial, present.folder, acceptLoss, { acceptedAt: now, kept: `the backup of ${manifest.createdAt}` });
    beginNewIncarnation(pathsOf(partial).events);
    await syncFolders(partial);
    const setAside = putInPlace(partial, dataDir, present.folder !== undefined, now);
    await syncFolder(dirname(dataDir));
    return {
      dataDir,
      createdAt: manifest.createdAt,
      events: manifest.store.position,
      receipts: manifest.receipts,
      loss,
      isCompared: present.folder !== undefined && existsSync(join(setAside ?? dataDir, 'events.db-mark')),
      setAside,
      configFile: manifest.files.some(({ path }) => path === 'config.yaml') ? join(from, 'config.yaml') : null,
    };
  } catch (error) {
    if (partial !== undefined) rmSync(partial, { recursive: true, force: true });
    throw error;
  } finally {
    present.release();
  }
}

type Present = { readonly folder: DataFolder | undefined; readonly release: () => void };

/** The folder in the place, held so that no conductor opens it meanwhile; none: the place is free. */
function openPresent(dataDir: string): Present {
  const names = refusing(dataDir, () => (existsSync(dataDir) ? readdirSync(dataDir) : []));
  if (names.length === 0) return { folder: undefined, release: () => undefined };
  const folder = pathsOf(dataDir);
  if (!['version', 'events.db', 'events.db-mark'].some((name) => names.includes(name))) {
    throw new Fault('DATA_FOLDER_INVALID', `${dataDir} holds other files, which are left alone; choose another folder with --data`);
  }
  try {
    return { folder, release: lockEventStore(folder.events) };
  } catch (error) {
    throw namingHolder(folder, error);
  }
}

async function copyChecked(from: string, to: string, { files }: BackupManifest): Promise<void> {
  for (const { path, sizeBytes, sha256 } of files) {
    if (NOT_RESTORED.test(path)) continue;
    const copied = await copyDurably(join(from, path), join(to, path), path);
    if (copied === null) throw new Fault('BACKUP_DAMAGED', `${join(from, path)} is missing; use another backup`);
    if (copied.sizeBytes !== sizeBytes || copied.sha256 !== sha256) {
      throw new Fault('BACKUP_DAMAGED', `${join(from, path)} is not as it was written (${copied.sizeBytes} bytes, SHA-256 ${copied.sha256}; expected ${sizeBytes}, ${sha256}); use another backup`);
    }
  }
}

async function prove(folder: string, { store, receipts }: BackupManifest, onProgress: Progress): Promise<void> {
  const named = await gatherNamed(pathsOf(folder).events, onProgress);
  if (named.receipts !== receipts) throw new Fault('BACKUP_DAMAGED', `the store of the backup holds ${named.receipts} receipts up to position ${store.position}; it was written with ${receipts}`);
  await proveEvidence(folder, named.evidence);
}

/** Null: nothing that was acknowledged is missing. Fault STORE_BEHIND_MARK: something is, and nobody said that it may be. */
function judgeLoss(partial: string, present: DataFolder | undefined, acceptLoss: boolean, about: Pick<AcceptedLoss, 'acceptedAt' | 'kept'>): AcceptedLoss | null {
  if (present === undefined) return null;
  const loss = findStoreLoss({ kept: pathsOf(partial).events, givenUp: present.events });
  const earlier = [...readAcceptedLosses(pathsOf(partial))];
  for (const one of readAcceptedLosses(present)) if (!earlier.some(({ acceptedAt }) => acceptedAt === one.acceptedAt)) earlier.push(one);
  if (loss !== null && !acceptLoss) throw behindMark(about.kept, loss);
  const accepted = loss === null ? [] : [{ ...about, ...loss }];
  if (earlier.length + accepted.length > 0) writeAcceptedLosses(pathsOf(partial), [...earlier, ...accepted]);
  return accepted[0] ?? null;
}

/** The refusal that names exactly what would be gone. */
export function behindMark(kept: string, loss: StoreLoss): Fault {
  return new Fault('STORE_BEHIND_MARK', `with ${kept}, ${describeLoss(loss)}; restore a later backup, or go on without them: --accept-loss`);
}

function putInPlace(partial: string, dataDir: string, isReplacing: boolean, now: string): string | null {
  if (!isReplacing) {
    refusing(dataDir, () => renameSync(partial, dataDir));
    return null;
  }
  const setAside = freeName(`${dataDir}.before-${now.replaceAll(/[-:]|\.\d+/g, '')}`);
  refusing(dataDir, () => renameSync(dataDir, setAside));
  try {
    refusing(dataDir, () => renameSync(partial, dataDir));
  } catch (error) {
    renameSync(setAside, dataDir);
    throw error;
  }
  return setAside;
}

function freeName(name: string): string {
  for (let n = 2, free = name; ; n += 1) {
    if (!existsSync(free)) return free;
    free = `${name}-${n}`;
  }
}
