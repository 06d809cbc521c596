import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { Json } from '@maestro/domain';
import { Fault, assertUnmoved, isFault, type ApplyOptions, type Cursor, type ProcessRow, type ProcessState } from '@maestro/ports';
import { stateDigest } from '@maestro/sql-tables';
import { createPrivateFile } from './private-file.ts';
import { assertDigest, prepareStateTables } from './process-state-tables.ts';
import { checkSqliteVersion, sqliteVersion } from './schema.ts';
import { derived, plainFault, reading, toFault } from './storage-fault.ts';
import type { Concerned } from './storage-fault.ts';

type StoredRow = { readonly [column: string]: SQLOutputValue };

/**
 * Process state in a database of its own: WAL with synchronous = NORMAL, so an apply costs no fsync. A crash may lose
 * the latest applies, never part of one: they are folded again from the cursor that is left. Every row is proved by its
 * digest before it is handed out, and all of them when the state is opened.
 */
export class SqliteProcessState implements ProcessState {
  readonly #file: Concerned;
  readonly #db: DatabaseSync;
  readonly #cursorOf: StatementSync;
  readonly #rowsOf: StatementSync;
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #moveCursor: StatementSync;
  #closed = false;

  /** Use `openSqliteProcessState`. */
  constructor(file: Concerned, db: DatabaseSync) {
    this.#file = file;
    this.#db = db;
    this.#cursorOf = db.prepare('SELECT cursor, digest FROM cursors WHERE name = ?');
    this.#rowsOf = db.prepare('SELECT key, value, digest FROM rows WHERE name = ? ORDER BY key');
    this.#upsert = db.prepare(
      'INSERT INTO rows (name, key, value, digest) VALUES (?, ?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, digest = excluded.digest',
    );
    this.#delete = db.prepare('DELETE FROM rows WHERE name = ? AND key = ?');
    this.#moveCursor = db.prepare(
      'INSERT INTO cursors (name, cursor, digest) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, digest = excluded.digest',
    );
  }

  /**
   * Cursor and rows are of one moment: read at once, and parsed as they are asked for. A connection that waits for a
   * reader would keep the log of the database from ever being reset.
   */
  async load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }> {
    this.#check();
    const [found, rows] = this.#read(name);
    if (found !== undefined) assertDigest(this.#file, String(found['digest']), name, String(found['cursor']));
    return { cursor: found === undefined ? null : String(found['cursor']), rows: this.#rows(rows, name) };
  }

  #read(name: string): readonly [StoredRow | undefined, readonly StoredRow[]] {
    return reading(() => {
      this.#db.exec('BEGIN');
      try {
        return [this.#cursorOf.get(name), this.#rowsOf.all(name)];
      } finally {
        this.#db.exec('COMMIT');
      }
    }, this.#file);
  }

  async *#rows(rows: readonly StoredRow[], name: string): AsyncGenerator<ProcessRow, void, undefined> {
    for (const row of rows) {
      this.#check();
      const [key, value] = [String(row['key']), String(row['value'])];
      assertDigest(this.#file, String(row['digest']), name, key, value);
      yield { key, value: JSON.parse(value) as Json };
    }
  }

  async apply(
    name: string,
    cursor: Cursor | null,
    upserts: readonly ProcessRow[],
    deletes: readonly string[],
    { expected }: ApplyOptions = {},
  ): Promise<void> {
    this.#check();
    const texts = upserts.map((row) => [row.key, JSON.stringify(row.value)] as const);
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      if (expected !== undefined) assertUnmoved(name, expected, this.#cursor(name));
      for (const [key, text] of texts) this.#upsert.run(name, key, text, stateDigest(name, key, text));
      for (const key of deletes) this.#delete.run(name, key);
      if (cursor !== null) this.#moveCursor.run(name, cursor, stateDigest(name, cursor));
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (isFault(error)) throw error;
      throw toFault(plainFault(error, this.#file), error);
    }
  }

  #cursor(name: string): Cursor | null {
    const found = this.#cursorOf.get(name);
    return found === undefined ? null : String(found['cursor']);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
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
