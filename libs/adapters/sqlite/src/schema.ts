import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';

/** Raised when a release writes what the one before cannot read. */
export const SCHEMA_VERSION = 1;

/** SQLite before this has a WAL-reset bug that corrupts databases. */
const SQLITE_MIN = [3, 51, 3] as const;

// Positions are dense from 1, revisions from 0: a lost row shows as a gap. A stream's name is indexed twice and its head
// is kept beside its events: one flipped bit in either cannot make an existing stream look missing or shorter.
const TABLES = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL, head INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX streams_by_name ON streams (name);
  CREATE UNIQUE INDEX streams_by_name_again ON streams (name DESC);
  CREATE TABLE events (
    position INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, revision INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, bytes BLOB NOT NULL, hash BLOB NOT NULL, sealed BLOB, digest BLOB NOT NULL
  ) STRICT;
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
export function checkSchemaVersion(db: DatabaseSync): 'empty' | 'current' {
  if (!hasTable(db, 'meta')) return 'empty';
  const found = Number(metaOf(db, 'schema_version'));
  if (found > SCHEMA_VERSION) {
    throw new Fault(
      'STORE_NEWER',
      `the store has schema ${found}, this version reads up to ${SCHEMA_VERSION}: start a newer version`,
    );
  }
  return 'current';
}

/** Creates the tables of an event store where there are none; answers the store's incarnation, a UUID. */
export function prepareEventTables(db: DatabaseSync): string {
  checkSqliteVersion(sqliteVersion(db));
  if (checkSchemaVersion(db) === 'empty') {
    db.exec(`BEGIN IMMEDIATE; ${TABLES}`);
    const insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    insert.run('schema_version', String(SCHEMA_VERSION));
    insert.run('incarnation', randomUUID());
    db.exec('COMMIT');
  }
  const incarnation = metaOf(db, 'incarnation');
  if (incarnation === undefined)
    throw new Fault('STORE_DAMAGED', 'the store has lost its incarnation; restore a backup');
  return incarnation;
}
