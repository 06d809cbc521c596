import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Json } from '@maestro/domain';
import { Fault, type Cursor, type ProcessRow, type ProcessState } from '@maestro/ports';
import { createPrivateFile } from './private-file.ts';
import { assertDigest, prepareStateTables, stateDigest } from './process-state-tables.ts';
import { checkSqliteVersion, sqliteVersion } from './schema.ts';
import { derived, plainFault, reading, toFault } from './storage-fault.ts';
import type { Concerned } from './storage-fault.ts';

/**
 * Process state in a database of its own: WAL with synchronous = NORMAL, so an apply costs no fsync. A crash may lose
 * the latest applies, never part of one: they are folded again from the cursor that is left. Every row is proved by its
 * digest before it is handed out, and all of them when the state is opened.
 */
export class SqliteProcessState implements ProcessState {
  readonly #file: Concerned;
  readonly #db: DatabaseSync;
  readonly #snapshots = new Set<DatabaseSync>();
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #moveCursor: StatementSync;
  #closed = false;

  /** Use `openSqliteProcessState`. */
  constructor(file: Concerned, db: DatabaseSync) {
    this.#file = file;
    this.#db = db;
    this.#upsert = db.prepare(
      'INSERT INTO rows (name, key, value, digest) VALUES (?, ?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, digest = excluded.digest',
    );
    this.#delete = db.prepare('DELETE FROM rows WHERE name = ? AND key = ?');
    this.#moveCursor = db.prepare(
      'INSERT INTO cursors (name, cursor, digest) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, digest = excluded.digest',
    );
  }

  /** Cursor and rows are of one moment. A load that is not read to its end holds a connection until `close`. */
  async load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }> {
    this.#check();
    return reading(() => {
      const snapshot = new DatabaseSync(this.#file.path, { readOnly: true });
      this.#snapshots.add(snapshot);
      snapshot.exec('BEGIN');
      const found = snapshot.prepare('SELECT cursor, digest FROM cursors WHERE name = ?').get(name);
      if (found !== undefined) assertDigest(this.#file, String(found['digest']), name, String(found['cursor']));
      return { cursor: found === undefined ? null : String(found['cursor']), rows: this.#rows(snapshot, name) };
    }, this.#file);
  }

  async *#rows(snapshot: DatabaseSync, name: string): AsyncGenerator<ProcessRow, void, undefined> {
    try {
      const rows = snapshot.prepare('SELECT key, value, digest FROM rows WHERE name = ? ORDER BY key').iterate(name);
      for (;;) {
        this.#check();
        const step = reading(() => rows.next(), this.#file);
        if (step.done === true) return;
        const [key, value] = [String(step.value['key']), String(step.value['value'])];
        assertDigest(this.#file, String(step.value['digest']), name, key, value);
        yield { key, value: JSON.parse(value) as Json };
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
      for (const [key, text] of texts) this.#upsert.run(name, key, text, stateDigest(name, key, text));
      for (const key of deletes) this.#delete.run(name, key);
      if (cursor !== null) this.#moveCursor.run(name, cursor, stateDigest(name, cursor));
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw toFault(plainFault(error, this.#file), error);
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
  const file = derived(o.path);
  return reading(() => {
    createPrivateFile(o.path);
    const db = new DatabaseSync(o.path);
    try {
      checkSqliteVersion(sqliteVersion(db));
      db.exec(
        `PRAGMA busy_timeout = ${o.busyTimeoutMs ?? 2_000}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`,
      );
      prepareStateTables(db, file);
      return new SqliteProcessState(file, db);
    } catch (error) {
      db.close();
      throw error;
    }
  }, file);
}
