import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Json } from '@maestro/domain';
import { Fault, type Cursor, type ProcessRow, type ProcessState } from '@maestro/ports';
import { createPrivateFile } from './private-file.ts';
import { checkSchemaVersion, checkSqliteVersion, SCHEMA_VERSION, sqliteVersion } from './schema.ts';
import { plainFault, reading, toFault } from './storage-fault.ts';

const TABLES = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta (key, value) VALUES ('schema_version', '${SCHEMA_VERSION}');
  CREATE TABLE cursors (name TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE rows (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
`;

/**
 * Process state in a database of its own: WAL with synchronous = NORMAL, so an apply costs no fsync. A crash may lose
 * the latest applies, never part of one: they are folded again from the cursor that is left.
 */
export class SqliteProcessState implements ProcessState {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #snapshots = new Set<DatabaseSync>();
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #moveCursor: StatementSync;
  #closed = false;

  /** Use `openSqliteProcessState`. */
  constructor(path: string, db: DatabaseSync) {
    this.#path = path;
    this.#db = db;
    this.#upsert = db.prepare(
      'INSERT INTO rows (name, key, value) VALUES (?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value',
    );
    this.#delete = db.prepare('DELETE FROM rows WHERE name = ? AND key = ?');
    this.#moveCursor = db.prepare(
      'INSERT INTO cursors (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor',
    );
  }

  /** Cursor and rows are of one moment. A load that is not read to its end holds a connection until `close`. */
  async load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }> {
    this.#check();
    return reading(() => {
      const snapshot = new DatabaseSync(this.#path, { readOnly: true });
      this.#snapshots.add(snapshot);
      snapshot.exec('BEGIN');
      const cursor = snapshot.prepare('SELECT cursor FROM cursors WHERE name = ?').get(name)?.['cursor'];
      return { cursor: typeof cursor === 'string' ? cursor : null, rows: this.#rows(snapshot, name) };
    });
  }

  async *#rows(snapshot: DatabaseSync, name: string): AsyncGenerator<ProcessRow, void, undefined> {
    try {
      const rows = snapshot.prepare('SELECT key, value FROM rows WHERE name = ? ORDER BY key').iterate(name);
      for (;;) {
        this.#check();
        const step = reading(() => rows.next());
        if (step.done === true) return;
        yield { key: String(step.value['key']), value: JSON.parse(String(step.value['value'])) as Json };
      }
    } finally {
      if (this.#snapshots.delete(snapshot)) snapshot.close();
    }
  }

  async apply(
    name: string,
    cursor: Cursor | null,
    upserts: readonly ProcessRow[],
    deletes: readonly string[],
  ): Promise<void> {
    this.#check();
    const texts = upserts.map((row) => [row.key, JSON.stringify(row.value)] as const);
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      for (const [key, text] of texts) this.#upsert.run(name, key, text);
      for (const key of deletes) this.#delete.run(name, key);
      if (cursor !== null) this.#moveCursor.run(name, cursor);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw toFault(plainFault(error), error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const snapshot of this.#snapshots) snapshot.close();
    this.#snapshots.clear();
    this.#db.close();
  }

  #check(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the process state was closed; open it again');
  }
}

/** Opens the state, creating it where it is missing. Faults: STORE_NEWER, STORE_DAMAGED, STORE_READ_ONLY, SQLITE_TOO_OLD. */
export async function openSqliteProcessState(o: {
  readonly path: string;
  /** how long a call waits, blocking, for another connection to let go; default 2,000 */
  readonly busyTimeoutMs?: number;
}): Promise<SqliteProcessState> {
  return reading(() => {
    createPrivateFile(o.path);
    const db = new DatabaseSync(o.path);
    try {
      checkSqliteVersion(sqliteVersion(db));
      db.exec(
        `PRAGMA busy_timeout = ${o.busyTimeoutMs ?? 2_000}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`,
      );
      if (checkSchemaVersion(db) === 'empty') db.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`);
      return new SqliteProcessState(o.path, db);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}
