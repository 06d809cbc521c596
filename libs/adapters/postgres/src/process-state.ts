import type { Json } from '@maestro/domain';
import { Fault, assertUnmoved } from '@maestro/ports';
import type { ApplyOptions, Cursor, ProcessRow, ProcessState } from '@maestro/ports';
import { stateDigest } from '@maestro/sql-tables';
import { sql } from 'kysely';
import { migrateTables, onTables } from './migrate-tables.ts';
import type { TableSet } from './migrate-tables.ts';
import type { PostgresDatabase, PostgresRow, Run } from './postgres-database.ts';
import { LOCKS } from './postgres-locks.ts';
import { fromStoredText, toStoredText } from './postgres-text.ts';

const TABLES: TableSet = {
  name: 'process_state',
  migrations: {
    '0001-rows': {
      up: async (db) => {
        await sql`CREATE TABLE process_cursor (name text COLLATE "C" PRIMARY KEY, cursor text NOT NULL, digest text NOT NULL)`.execute(db);
        await sql`CREATE TABLE process_row (name text COLLATE "C", key text COLLATE "C", value text NOT NULL, digest text NOT NULL, PRIMARY KEY (name, key))`.execute(
          db,
        );
      },
    },
  },
};

const LOCK = 'SELECT pg_advisory_xact_lock($1, hashtext($2))';
const CURSOR = 'SELECT cursor, digest FROM process_cursor WHERE name = $1';
const ROWS = 'SELECT key, value, digest FROM process_row WHERE name = $1 ORDER BY key';
const UPSERT = `INSERT INTO process_row (name, key, value, digest) SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
  ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, digest = excluded.digest`;
const DELETE = 'DELETE FROM process_row WHERE name = $1 AND key = ANY($2::text[])';
const MOVE =
  'INSERT INTO process_cursor (name, cursor, digest) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, digest = excluded.digest';

type Change = {
  readonly name: string;
  readonly cursor: Cursor | null;
  readonly texts: ReadonlyMap<string, string>;
  readonly deletes: readonly string[];
  readonly expected: Cursor | null | undefined;
};

/**
 * Process state on Postgres, for any number of processes.
 * S1. One apply of a name at a time, in all processes: each holds the name's lock until it is committed.
 * S2. Applies of this process to a name come in the order of their calls.
 * S3. An apply is done again where its outcome is unknown, which changes nothing: rows and cursor are set, not added to.
 * S4. Every row is proved by its digest before it is handed out.
 * S5. A database that was lost and made again is given its tables again. Who says which place it expects finds that it is
 *     another one, and folds anew.
 */
export class PostgresProcessState implements ProcessState {
  readonly #database: PostgresDatabase;
  readonly #turns = new Map<string, Promise<void>>();
  #closed = false;

  /** Use `openPostgresProcessState`. */
  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }> {
    this.#check();
    const stored = toStoredText(name);
    const [found, rows] = await this.#onTables(() =>
      this.#database.snapshot(
        `loading ${JSON.stringify(name)} of the process state`,
        async (run) => [(await run(CURSOR, [stored]))[0], await run(ROWS, [stored])] as const,
      ),
    );
    return { cursor: found === undefined ? null : provedCursor(name, found), rows: this.#rows(name, rows) };
  }

  async apply(name: string, cursor: Cursor | null, upserts: readonly ProcessRow[], deletes: readonly string[], { expected }: ApplyOptions = {}): Promise<void> {
    this.#check();
    // all values become text before the first change; of two of the same key the later one counts
    const texts = new Map(upserts.map(({ key, value }) => [key, JSON.stringify(value)]));
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(() => this.#onTables(() => this.#carryOut({ name, cursor, texts, deletes, expected })));
    const settled = turn.catch(() => undefined);
    this.#turns.set(name, settled);
    await turn.finally(() => this.#turns.get(name) === settled && this.#turns.delete(name));
  }

  /** Ends when what was begun has ended; the connections stay with the database. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#turns.values());
  }

  async #carryOut({ name, cursor, texts, deletes, expected }: Change): Promise<void> {
    const doing = `applying to ${JSON.stringify(name)} of the process state`;
    await this.#database.transaction({ doing, isRepeatable: true }, async (run, isRepeat) => {
      const stored = toStoredText(name);
      await run(LOCK, [LOCKS.processState, stored]);
      if (expected !== undefined) {
        const stands = await cursorOf(run, name, stored);
        if (isRepeat && cursor !== null && stands === cursor) return;
        assertUnmoved(name, expected, stands);
      }
      if (texts.size > 0)
        await run(UPSERT, [stored, [...texts.keys()].map(toStoredText), [...texts.values()], [...texts].map(([key, text]) => stateDigest(name, key, text))]);
      if (deletes.length > 0) await run(DELETE, [stored, deletes.map(toStoredText)]);
      if (cursor !== null) await run(MOVE, [stored, cursor, stateDigest(name, cursor)]);
    });
  }

  #onTables<T>(work: () => Promise<T>): Promise<T> {
    return onTables(() => migrateTables(this.#database, TABLES), work);
  }

  async *#rows(name: string, rows: readonly PostgresRow[]): AsyncGenerator<ProcessRow, void, undefined> {
    for (const row of rows) {
      this.#check();
      const [key, value] = [fromStoredText(String(row['key'])), String(row['value'])];
      assertDigest(row, name, key, value);
      yield { key, value: JSON.parse(value) as Json };
    }
  }

  #check(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the process state was closed; open it again');
  }
}

/** Makes the tables where they are missing. The database stays the caller's to close. Faults: those of the port and of `openPostgres`. */
export async function openPostgresProcessState(database: PostgresDatabase): Promise<PostgresProcessState> {
  await migrateTables(database, TABLES);
  return new PostgresProcessState(database);
}

async function cursorOf(run: Run, name: string, stored: string): Promise<Cursor | null> {
  const [found] = await run(CURSOR, [stored]);
  return found === undefined ? null : provedCursor(name, found);
}

function provedCursor(name: string, row: PostgresRow): Cursor {
  const cursor = String(row['cursor']);
  assertDigest(row, name, cursor);
  return cursor;
}

function assertDigest(row: PostgresRow, name: string, ...columns: readonly string[]): void {
  if (stateDigest(name, ...columns) === row['digest']) return;
  throw new Fault(
    'STORE_DAMAGED',
    `the process state in Postgres is damaged: a row of ${JSON.stringify(name)} does not match its digest; empty process_row and process_cursor, and it is made again from the events`,
  );
}
