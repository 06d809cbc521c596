import { hash, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { original } from './storage-fault.ts';
import type { Concerned } from './storage-fault.ts';

/** Raised when a release writes what the one before cannot read. */
export const SCHEMA_VERSION = 1;

/** A database without tables has its header page; more of them once held something. */
const EMPTY_PAGES_MAX = 1;

/** SQLite before this has a WAL-reset bug that corrupts databases. */
const SQLITE_MIN = [3, 51, 3] as const;

// Positions are dense from 1, revisions from 0: a lost row shows as a gap. A stream's name is indexed twice and its head
// is kept beside its events: one flipped bit in either cannot make an existing stream look missing or shorter.
const TABLES = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL, head INTEGER NOT NULL) STRICT;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, revision INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, bytes BLOB NOT NULL, hash BLOB NOT NULL, sealed BLOB, digest BLOB NOT NULL
  ) STRICT;
`;
const INDEXES = `
  CREATE UNIQUE INDEX streams_by_name ON streams (name);
  CREATE UNIQUE INDEX streams_by_name_again ON streams (name DESC);
  CREATE UNIQUE INDEX events_by_stream ON events (stream_id, revision);
`;

export function checkSqliteVersion(version: string): void {
  const parts = version.split('.').map(Number);
  for (const [i, min] of SQLITE_MIN.entries()) {
    const part = parts[i] ?? 0;
    if (part > min) return;
    if (part < min) {
      throw new Fault(
        'SQLITE_TOO_OLD',
        `SQLite ${version} can corrupt its log; ${SQLITE_MIN.join('.')} or newer is needed: update Node`,
      );
    }
  }
}

export function sqliteVersion(db: DatabaseSync): string {
  return String(db.prepare('SELECT sqlite_version() AS version').get()?.['version']);
}

function metaOf(db: DatabaseSync, key: string): string | undefined {
  const value = db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value'];
  return value === undefined ? undefined : String(value);
}

const hasTable = (db: DatabaseSync, table: string): boolean =>
  db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined;

/** Refuses what a newer version has written; answers whether the database is still empty. */
export function checkSchemaVersion(db: DatabaseSync, known = SCHEMA_VERSION): 'empty' | 'current' {
  if (!hasTable(db, 'meta')) return 'empty';
  const found = Number(metaOf(db, 'schema_version'));
  if (found > known) {
    throw new Fault(
      'STORE_NEWER',
      `the store has schema ${found}, this version reads up to ${known}: start a newer version`,
    );
  }
  return 'current';
}

/**
 * Seals what the store says of itself: without it, a flipped bit of the incarnation would make every place in the store
 * that of another one. To be called in the transaction that changes any of it.
 */
export function sealMeta(db: DatabaseSync): void {
  db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('digest', ?)").run(metaDigest(db));
}

function metaDigest(db: DatabaseSync): string {
  return hash('sha256', JSON.stringify([metaOf(db, 'schema_version') ?? null, metaOf(db, 'incarnation') ?? null]));
}

/** The incarnation, proved; `isSealed` false: it has no digest, as in stores of earlier releases. Fault: STORE_DAMAGED. */
export function readIncarnation(db: DatabaseSync, { path, remedy }: Concerned): { readonly incarnation: string; readonly isSealed: boolean } {
  const incarnation = metaOf(db, 'incarnation');
  if (incarnation === undefined) throw new Fault('STORE_DAMAGED', `${path} has lost its incarnation; ${remedy}`);
  const digest = metaOf(db, 'digest');
  if (digest !== undefined && digest !== metaDigest(db)) throw new Fault('STORE_DAMAGED', `${path}: its incarnation ${JSON.stringify(incarnation)} or its version does not match their digest; ${remedy}`);
  return { incarnation, isSealed: digest !== undefined };
}

/**
 * Creates the tables of an event store where there are none; answers the store's incarnation, a UUID. A file that has
 * pages and no tables has lost them: nothing is created in it. Faults: SQLITE_TOO_OLD, STORE_NEWER, STORE_DAMAGED.
 */
export function prepareEventTables(db: DatabaseSync, concerned: Concerned = original('the store')): string {
  checkSqliteVersion(sqliteVersion(db));
  if (checkSchemaVersion(db) === 'empty') {
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
    if (pages > EMPTY_PAGES_MAX) throw new Fault('STORE_DAMAGED', `${concerned.path} has ${pages} pages and no tables; ${concerned.remedy}`);
    db.exec(`BEGIN IMMEDIATE; ${TABLES} ${INDEXES}`);
    const insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    insert.run('schema_version', String(SCHEMA_VERSION));
    insert.run('incarnation', randomUUID());
    sealMeta(db);
    db.exec('COMMIT');
  }
  const { incarnation, isSealed } = readIncarnation(db, concerned);
  if (!isSealed) sealMeta(db);
  return incarnation;
}

/** Fills an empty database with the rows of the tables of a store at `from`, reads none of its indexes, and makes new ones. */
export function refillEventTables(db: DatabaseSync, from: string): void {
  db.exec('PRAGMA synchronous = FULL');
  db.prepare('ATTACH ? AS damaged').run(from);
  db.exec(`BEGIN IMMEDIATE; ${TABLES}`);
  for (const table of ['meta', 'streams', 'events']) db.exec(`INSERT INTO main.${table} SELECT * FROM damaged.${table} NOT INDEXED`);
  db.exec(`${INDEXES} COMMIT`);
}
