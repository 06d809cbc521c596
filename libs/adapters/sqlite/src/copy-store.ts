import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { HeadMark, readHeadMark } from './head-mark.ts';
import type { HeadMarkEntry } from './head-mark.ts';
import { createPrivateFile, lockFile, syncFolder } from './private-file.ts';
import { checkSchemaVersion, checkSqliteVersion, readIncarnation, sealMeta, sqliteVersion } from './schema.ts';
import { original, reading } from './storage-fault.ts';

/** Where a copy ends. `hash`: of its last event, hex; 64 zeros: it is empty. */
export type CopiedStore = { readonly incarnation: string; readonly position: number; readonly hash: string };

/**
 * Copies an event store as it is at one moment into a new file, with a head mark of its own beside it; both durable. Reads
 * in one transaction and takes no lock: the store's own process goes on meanwhile. Faults: STORE_BEHIND_MARK (the store lacks
 * acknowledged events, so a copy would hide their loss), STORE_DAMAGED, STORE_NEWER, STORE_READ_ONLY.
 */
export function copyEventStore({ from, to }: { readonly from: string; readonly to: string }): CopiedStore {
  if (!existsSync(from)) throw new Fault('STORE_DAMAGED', `${from} is missing: there is no event store to copy`);
  // taken before the store is read: what is written meanwhile is ahead of it, which is fine
  const mark = readHeadMark(`${from}-mark`);
  createPrivateFile(to);
  withReader(from, (db) => {
    checkSqliteVersion(sqliteVersion(db));
    checkSchemaVersion(db);
    db.prepare('VACUUM INTO ?').run(to);
  });
  const fd = openSync(to, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const { incarnation, head } = withReader(to, (db) => ({ incarnation: readIncarnation(db, original(to)).incarnation, head: headOf(db) }));
  if (mark.kind === 'mark' && mark.entry.position > head.position) {
    throw new Fault('STORE_BEHIND_MARK', `the head mark of ${from} is at position ${mark.entry.position}, the store ends at ${head.position}: it lacks what it acknowledged; restore an earlier backup`);
  }
  writeFreshMark(`${to}-mark`, head);
  syncFolder(dirname(to));
  return { incarnation, position: head.position, hash: hexOf(head) };
}

/** Takes the lock of a store, so that no process can open it until the answered function is called. Fault: STORE_IN_USE. */
export function lockEventStore(path: string): () => void {
  return lockFile(`${path}-lock`);
}

/**
 * Makes a store another one than the one it was copied from, and its head mark that of what it holds: places in the earlier
 * store are none in this one. Nobody may have it open. Answers the new incarnation.
 */
export function beginNewIncarnation(path: string): string {
  const incarnation = randomUUID();
  const db = reading(() => new DatabaseSync(path));
  try {
    reading(() => db.exec('PRAGMA synchronous = FULL'));
    reading(() => {
      db.exec('BEGIN IMMEDIATE');
      db.prepare("UPDATE meta SET value = ? WHERE key = 'incarnation'").run(incarnation);
      sealMeta(db);
      db.exec('COMMIT');
    });
    writeFreshMark(`${path}-mark`, reading(() => headOf(db)));
  } finally {
    db.close();
  }
  return incarnation;
}

/** The head of a store for whoever compares it with its mark. */
export function headOf(db: DatabaseSync): HeadMarkEntry {
  const row = db.prepare('SELECT position, hash FROM events ORDER BY position DESC LIMIT 1').get() as { readonly position: number; readonly hash: Uint8Array } | undefined;
  if (row === undefined) return { position: 0, count: 0, hash: new Uint8Array(32) };
  return { position: row.position, count: row.position, hash: row.hash };
}

/** Reads a store without changing it. Faults of the database: STORE_DAMAGED, STORE_READ_ONLY. */
export function withReader<T>(path: string, read: (db: DatabaseSync) => T): T {
  const db = reading(() => new DatabaseSync(path, { readOnly: true }));
  try {
    return reading(() => read(db));
  } finally {
    db.close();
  }
}

export function hexOf({ hash }: Pick<HeadMarkEntry, 'hash'>): string {
  return Buffer.from(hash).toString('hex');
}

function writeFreshMark(path: string, head: HeadMarkEntry): void {
  const mark = new HeadMark(path);
  try {
    mark.write(head);
  } finally {
    mark.close();
  }
}
