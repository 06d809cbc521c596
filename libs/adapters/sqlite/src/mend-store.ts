import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault, isFault } from '@maestro/ports';
import { lockEventStore } from './copy-store.ts';
import { createPrivateFile, syncFolder } from './private-file.ts';
import { refillEventTables } from './schema.ts';
import { original, reading } from './storage-fault.ts';
import { sweepEventStore } from './sweep.ts';
import type { StoreSweep, SweepOptions } from './sweep.ts';

/**
 * Makes the indexes and pages of a store anew from its tables, where every event is still whole.
 *
 * M1. The store is locked, and its own file is left alone until another one is proved.
 * M2. The new file takes its place only if nothing at all is wrong with it, by the head mark of the old one, too.
 * M3. No log of the old file is left beside the new one.
 *
 * Faults: STORE_DAMAGED (events themselves are damaged: nothing was changed), STORE_IN_USE, STORE_READ_ONLY.
 */
export async function mendEventStore({ path, onEvent }: Pick<SweepOptions, 'path' | 'onEvent'>): Promise<StoreSweep> {
  const release = lockEventStore(path);
  const mended = `${path}.mended`;
  const discard = (): void => ['', '-mark', '-wal', '-shm'].forEach((suffix) => rmSync(`${mended}${suffix}`, { force: true }));
  try {
    discard();
    refill(path, mended);
    if (existsSync(`${path}-mark`)) copyFileSync(`${path}-mark`, `${mended}-mark`);
    const sweep = await sweepEventStore({ path: mended, ...(onEvent === undefined ? {} : { onEvent }) });
    if (sweep.kind === 'missing') throw lost(path, 'its tables are gone');
    const [wrong] = [...(sweep.markFault === null ? [] : [sweep.markFault]), ...sweep.damages.map(({ position, what }) => `position ${position}: ${what}`), ...sweep.structure];
    if (wrong !== undefined) throw lost(path, wrong);
    emptyLog(path);
    renameSync(mended, path);
    syncFolder(dirname(path));
    return sweep;
  } catch (error) {
    throw isFault(error) ? error : reading((): never => { throw error; }, original(path));
  } finally {
    discard();
    release();
  }
}

function refill(path: string, mended: string): void {
  createPrivateFile(mended);
  const db = new DatabaseSync(mended);
  try {
    refillEventTables(db, path);
  } finally {
    db.close();
  }
}

/** Closing the last connection puts the log into the database and removes it. */
function emptyLog(path: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  rmSync(`${path}-wal`, { force: true });
  rmSync(`${path}-shm`, { force: true });
}

function lost(path: string, what: string): Fault {
  return new Fault('STORE_DAMAGED', `${path} cannot be mended from itself, and was left as it is: ${what}; restore a backup`);
}
