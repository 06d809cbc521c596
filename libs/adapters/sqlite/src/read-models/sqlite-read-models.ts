import { DatabaseSync } from 'node:sqlite';
import { setImmediate as immediate } from 'node:timers/promises';
import { Fault, TABLES } from '@maestro/ports';
import type { Cursor, FoldedBatch, ListPage, ListQuery, ReadModels, ReadModelsStatus, Rows, Side, TableName } from '@maestro/ports';
import { RebuildRequests, ViewTables, runAtOnce } from '@maestro/sql-tables';
import type { AnySchema, DamageNotice, Found, Step, Steps } from '@maestro/sql-tables';
import { Kysely } from 'kysely';
import { createPrivateFile } from '../private-file.ts';
import { assertStructure } from '../database-check.ts';
import { derived, reading } from '../storage-fault.ts';
import type { Concerned } from '../storage-fault.ts';
import { StatementCache, dialectOf } from './kysely-dialect.ts';
import { migrate } from './migrations.ts';
import { SQLITE_VIEWS } from './views-dialect.ts';

/** How often a request of another process is looked for. */
const REQUEST_POLL_MS = 1_000;

/** Between two turns of the event loop. */
const PROVED_ROWS = 1_000;

const NOTICE: DamageNotice = { what: 'the read models (views.db)', remedy: 'they are made again from the events: ./maestro doctor --repair' };

/** 64 MiB of pages in memory at most, and as much of the file mapped. */
const TUNING = 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000; PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456;';

/**
 * Opens or makes the read models at `path`, and brings an older file up to date. WAL with synchronous=NORMAL: a power
 * cut may lose the latest transactions as a whole, and they are folded again from the checkpoint.
 */
export async function openSqliteReadModels({ path }: { readonly path: string }): Promise<SqliteReadModels> {
  const file = derived(path);
  createPrivateFile(path);
  const database = reading(() => new DatabaseSync(path), file);
  try {
    database.exec(TUNING);
    assertStructure(database, file);
    const statements = new StatementCache(database);
    const kysely = new Kysely<AnySchema>({ dialect: dialectOf(database, statements) });
    await migrate(kysely, database, path, NOTICE);
    return new SqliteReadModels(file, database, statements, new ViewTables(kysely, SQLITE_VIEWS, NOTICE));
  } catch (error) {
    database.close();
    return reading((): never => {
      throw error;
    }, file);
  }
}

/**
 * Query models on SQLite: rows and checkpoint in one transaction.
 * V1. A transaction is carried out without a pause, so nothing else of this process comes between its statements.
 * V2. Opening proves that pages and indexes are sound, and reading proves each row: what is damaged is refused, not listed.
 */
export class SqliteReadModels implements ReadModels {
  readonly #file: Concerned;
  readonly #database: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #tables: ViewTables;
  readonly #requests = new RebuildRequests(REQUEST_POLL_MS);
  #closed = false;

  /** Use `openSqliteReadModels`. */
  constructor(file: Concerned, database: DatabaseSync, statements: StatementCache, tables: ViewTables) {
    this.#file = file;
    this.#database = database;
    this.#statements = statements;
    this.#tables = tables;
  }

  async get<T extends TableName>(table: T, ids: readonly string[], side: Side = 'served'): Promise<ReadonlyMap<string, Rows[T]>> {
    return this.#read(this.#tables.get(table, ids, side));
  }

  async list<T extends TableName>(table: T, query: ListQuery<T>): Promise<ListPage<Rows[T]>> {
    return this.#read(this.#tables.list(table, query));
  }

  async apply(batch: FoldedBatch, side: Side = 'served'): Promise<void> {
    this.#write(this.#tables.apply(batch, side));
  }

  async position(side: Side = 'served'): Promise<Cursor | null> {
    return this.#read(this.#tables.position(side));
  }

  async status(): Promise<ReadModelsStatus> {
    return this.#read(this.#tables.status());
  }

  async reset(projection: number): Promise<void> {
    this.#write(this.#tables.reset(projection));
    this.#statements.clear();
  }

  async beginRebuild(projection: number): Promise<void> {
    // what a crash left of an earlier swap
    await this.#dropUnserved();
    this.#write(this.#tables.beginRebuild(projection));
    this.#statements.clear();
  }

  async swap(expected?: Cursor | null): Promise<void> {
    this.#write(this.#tables.swap(expected));
    await this.#dropUnserved();
  }

  /** Proves every row that is served, a page at a time; answers how many there are. Fault: STORE_DAMAGED, naming the first that is not. */
  async proveRows(): Promise<number> {
    let count = 0;
    for (const table of TABLES) {
      for (let after = ''; ; ) {
        const rows = this.#read(this.#tables.page(table, after, PROVED_ROWS));
        count += rows.length;
        after = rows.at(-1)?.id ?? '';
        if (rows.length < PROVED_ROWS) break;
        await immediate();
      }
    }
    return count;
  }

  async requestRebuild(): Promise<void> {
    this.#write(this.#tables.request());
    this.#requests.wake();
  }

  async rebuildRequested(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && !this.#closed) {
      if (this.#read(this.#tables.isRequested())) return true;
      await this.#requests.woken(signal);
    }
    return false;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#requests.wake();
    this.#statements.clear();
    this.#database.close();
  }

  /** Tables that are served no more, a statement at a time: dropping a large one takes longer than others may wait. */
  async #dropUnserved(): Promise<void> {
    for (const number of this.#read(this.#tables.unserved())) {
      for (const steps of this.#tables.dropSteps(number)) {
        await immediate();
        if (this.#closed) return;
        this.#write(steps);
      }
      this.#statements.clear();
    }
  }

  #read<T>(steps: Steps<T>): T {
    return this.#reading(() => runAtOnce(steps, (step) => this.#carryOut(step)));
  }

  #write(steps: Steps<void>): void {
    this.#reading(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        runAtOnce(steps, (step) => this.#carryOut(step));
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #carryOut(step: Step): readonly Found[] {
    const statement = this.#statements.prepare(step.sql);
    if (!('rows' in step)) return statement.all(...(step.parameters as readonly (string | number)[]));
    for (const values of step.rows) statement.run(...values);
    return [];
  }

  #reading<T>(work: () => T): T {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the read models are closed');
    return reading(work, this.#file);
  }
}
