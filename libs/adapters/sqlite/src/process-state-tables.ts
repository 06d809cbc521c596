import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { stateDigest } from '@maestro/sql-tables';
import { assertStructure } from './database-check.ts';
import { checkSchemaVersion } from './schema.ts';
import type { Concerned } from './storage-fault.ts';

/** 2: rows and cursors carry digests. */
const STATE_SCHEMA_VERSION = 2;

const TABLES = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta (key, value) VALUES ('schema_version', '${STATE_SCHEMA_VERSION}');
  CREATE TABLE cursors (name TEXT PRIMARY KEY, cursor TEXT NOT NULL, digest TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE rows (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
`;

/**
 * Makes the tables where there are none, brings those of an earlier release up to date, and proves what is there: pages,
 * and the digest of every row, since one whose name was damaged would be missing where it is looked for. The state is
 * small, so that a start can afford it. Faults: STORE_NEWER, STORE_DAMAGED.
 */
export function prepareStateTables(db: DatabaseSync, concerned: Concerned): void {
  assertStructure(db, concerned);
  if (checkSchemaVersion(db, STATE_SCHEMA_VERSION) === 'empty') db.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`);
  else if (!hasDigests(db)) addDigests(db);
  for (const { name, key, value, digest } of db.prepare('SELECT name, key, value, digest FROM rows').iterate()) {
    assertDigest(concerned, String(digest), String(name), String(key), String(value));
  }
  for (const { name, cursor, digest } of db.prepare('SELECT name, cursor, digest FROM cursors').iterate()) {
    assertDigest(concerned, String(digest), String(name), String(cursor));
  }
}

/** Fault: STORE_DAMAGED, naming file and row. */
export function assertDigest({ path, remedy }: Concerned, digest: string, name: string, ...columns: readonly string[]): void {
  if (stateDigest(name, ...columns) === digest) return;
  throw new Fault('STORE_DAMAGED', `${path} is damaged: a row of ${JSON.stringify(name)} does not match its digest; ${remedy}`);
}

function hasDigests(db: DatabaseSync): boolean {
  return db.prepare('PRAGMA table_info(rows)').all().some(({ name }) => name === 'digest');
}

function addDigests(db: DatabaseSync): void {
  const rows = db.prepare('SELECT name, key, value FROM rows').all();
  const cursors = db.prepare('SELECT name, cursor FROM cursors').all();
  db.exec(`BEGIN IMMEDIATE; DROP TABLE rows; DROP TABLE cursors; DROP TABLE meta; ${TABLES}`);
  const [addRow, addCursor] = [db.prepare('INSERT INTO rows VALUES (?, ?, ?, ?)'), db.prepare('INSERT INTO cursors VALUES (?, ?, ?)')];
  for (const row of rows) {
    const [name, key, value] = [String(row['name']), String(row['key']), String(row['value'])];
    addRow.run(name, key, value, stateDigest(name, key, value));
  }
  for (const row of cursors) {
    const [name, cursor] = [String(row['name']), String(row['cursor'])];
    addCursor.run(name, cursor, stateDigest(name, cursor));
  }
  db.exec('COMMIT');
}
