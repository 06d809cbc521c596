import { DatabaseSync } from 'node:sqlite';
import { setImmediate as immediate } from 'node:timers/promises';
import { Fault, TABLES, assertUnmoved } from '@maestro/ports';
import type { Cursor, FoldedBatch, ListPage, ListQuery, ReadModels, ReadModelsStatus, Rows, Side, SideStatus, TableName } from '@maestro/ports';
import { Kysely } from 'kysely';
import { createPrivateFile } from '../private-file.ts';
import { assertStructure } from '../database-check.ts';
import { derived, reading } from '../storage-fault.ts';
import type { Concerned } from '../storage-fault.ts';
import { Generation } from './generation.ts';
import type { AnySchema } from './generation.ts';
import { GenerationRegister } from './generation-register.ts';
import type { Registered } from './generation-register.ts';
import { StatementCache, dialectOf } from './kysely-dialect.ts';
import { migrate } from './migrations.ts';

/** How often a request of another process is looked for. */
const REQUEST_POLL_MS = 1_000;

/** Between two turns of the event loop. */
const PROVED_ROWS = 1_000;

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
    await migrate(kysely, database, path);
    return new SqliteReadModels(file, database, kysely, statements);
  } catch (error) {
    database.close();
    return reading((): never => {
      throw error;
    }, file);
  }
}

/**
 * Query models on SQLite: statements by Kysely, rows and checkpoint in one transaction.
 * V1. A transaction is carried out without a pause, so nothing else of this process comes between its statements.
 * V2. Which generation is served is asked of the file at each call: another process may have swapped it.
 * V3. Opening proves that pages and indexes are sound, and reading proves each row: what is damaged is refused, not listed.
 */
export class SqliteReadModels implements ReadModels {
  readonly #file: Concerned;
  readonly #database: DatabaseSync;
  readonly #db: Kysely<AnySchema>;
  readonly #statements: StatementCache;
  readonly #register: GenerationRegister;
  readonly #generations = new Map<number, Generation>();
  readonly #waiting = new Set<() => void>();
  #closed = false;

  /** Use `openSqliteReadModels`. */
  constructor(file: Concerned, database: DatabaseSync, db: Kysely<AnySchema>, statements: StatementCache) {
    this.#file = file;
    this.#database = database;
    this.#db = db;
    this.#statements = statements;
    this.#register = new GenerationRegister(statements);
  }

  async get<T extends TableName>(table: T, ids: readonly string[], side: Side = 'served'): Promise<ReadonlyMap<string, Rows[T]>> {
    return this.#reading(() => this.#on(side).get(table, ids));
  }

  async list<T extends TableName>(table: T, query: ListQuery<T>): Promise<ListPage<Rows[T]>> {
    return this.#reading(() => this.#on('served').list(table, query));
  }

  async apply({ cursor, events, upserts, expected }: FoldedBatch, side: Side = 'served'): Promise<void> {
    this.#transaction(() => {
      const row = this.#registered(side);
      assertUnmoved('the read model', expected, row.position);
      this.#generation(row).upsert(upserts);
      this.#register.moved(row, cursor, events);
    });
  }

  async position(side: Side = 'served'): Promise<Cursor | null> {
    return this.#reading(() => this.#statusOf(side)?.position ?? null);
  }

  async status(): Promise<ReadModelsStatus> {
    return this.#reading(() => ({ served: this.#statusOf('served') ?? NOTHING, filling: this.#statusOf('filling'), rebuildRequested: this.#isRequested() }));
  }

  async reset(projection: number): Promise<void> {
    this.#transaction(() => {
      this.#drop('filling');
      this.#drop('served');
      this.#create('served', projection);
    });
  }

  async beginRebuild(projection: number): Promise<void> {
    // what a crash left of an earlier swap
    await this.#dropUnserved();
    this.#transaction(() => {
      if (this.#statusOf('filling')?.projection === projection) return;
      this.#drop('filling');
      this.#create('filling', projection);
    });
  }

  async swap(): Promise<void> {
    this.#transaction(() => {
      this.#register.swap(this.#registered('filling'), this.#registered('served'));
      this.#run('DELETE FROM rebuild_request');
    });
    await this.#dropUnserved();
  }

  /** Proves every row that is served, a page at a time; answers how many there are. Fault: STORE_DAMAGED, naming the first that is not. */
  async proveRows(): Promise<number> {
    let count = 0;
    for (const table of TABLES) {
      for (let after = ''; ; ) {
        const rows = this.#reading(() => this.#on('served').page(table, after, PROVED_ROWS));
        count += rows.length;
        after = rows.at(-1)?.id ?? '';
        if (rows.length < PROVED_ROWS) break;
        await immediate();
      }
    }
    return count;
  }

  async requestRebuild(): Promise<void> {
    this.#transaction(() => this.#run('INSERT OR IGNORE INTO rebuild_request (only) VALUES (1)'));
    for (const wake of this.#waiting) wake();
  }

  async rebuildRequested(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && !this.#closed) {
      if (this.#reading(() => this.#isRequested())) return true;
      await this.#woken(signal);
    }
    return false;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wake of this.#waiting) wake();
    this.#statements.clear();
    this.#database.close();
  }

  /** Until a request of this process, the next look for one of another process, or the signal. */
  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, REQUEST_POLL_MS).unref();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #on(side: Side): Generation {
    return this.#generation(this.#registered(side));
  }

  #registered(side: Side): Registered {
    const row = this.#register.find(side);
    if (row === undefined) throw new Error(`no tables are ${side}: beginRebuild comes first`);
    return row;
  }

  #generation({ number }: Pick<Registered, 'number'>): Generation {
    const known = this.#generations.get(number) ?? new Generation(number, this.#db, this.#statements);
    this.#generations.set(number, known);
    return known;
  }

  #statusOf(side: Side): SideStatus | null {
    const row = this.#register.find(side);
    return row === undefined ? null : { projection: row.projection, position: row.position, events: row.events };
  }

  #isRequested(): boolean {
    return this.#statements.prepare('SELECT 1 FROM rebuild_request').get() !== undefined;
  }

  #create(side: Side, projection: number): void {
    const created = this.#generation(this.#register.add(side, projection));
    for (const statement of created.createStatements()) this.#database.exec(statement);
  }

  /** Tables that are served no more, a statement at a time: dropping a large one takes longer than others may wait. */
  async #dropUnserved(): Promise<void> {
    for (const generation of this.#unserved()) {
      for (const statement of generation.dropStatements()) {
        await immediate();
        if (this.#closed) return;
        this.#transaction(() => this.#database.exec(statement));
      }
      this.#transaction(() => this.#forget(generation));
    }
  }

  #unserved(): readonly Generation[] {
    return this.#register.unserved().map((number) => new Generation(number, this.#db, this.#statements));
  }

  #drop(side: Side): void {
    if (this.#statusOf(side) === null) return;
    const dropped = this.#on(side);
    for (const statement of dropped.dropStatements()) this.#database.exec(statement);
    this.#forget(dropped);
  }

  #forget({ number }: Generation): void {
    this.#register.remove(number);
    this.#generations.delete(number);
    this.#statements.clear();
  }

  #run(text: string, ...values: readonly (string | number)[]): void {
    this.#statements.prepare(text).run(...values);
  }

  #transaction(work: () => void): void {
    this.#reading(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #reading<T>(work: () => T): T {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the read models are closed');
    return reading(work, this.#file);
  }
}

const NOTHING: SideStatus = { projection: null, position: null, events: 0 };
