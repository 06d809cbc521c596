import { Fault, isFault } from '@maestro/ports';
import type { Cursor, FoldedBatch, ListPage, ListQuery, Log, ReadModels, ReadModelsStatus, Rows, Side, TableName } from '@maestro/ports';
import { RebuildRequests, ViewTables, runInTurn, viewMigrations } from '@maestro/sql-tables';
import type { AnySchema, DamageNotice, Found, Step, Steps } from '@maestro/sql-tables';
import { migrateTables, onTables } from '../migrate-tables.ts';
import type { PostgresDatabase, Run } from '../postgres-database.ts';
import { LOCKS } from '../postgres-locks.ts';
import { POSTGRES_VIEWS } from './views-dialect.ts';

/** How often a request of another process is looked for. */
const REQUEST_POLL_MS = 1_000;

const NOTICE: DamageNotice = { what: 'the read models in Postgres', remedy: 'empty their database, and the projector makes them again from the events' };

/**
 * Query models on Postgres, for any number of processes.
 * V1. What writes is one transaction, and one of them at a time in all processes: each holds one lock until it is committed.
 * V2. A writer says where it found the tables (`expected`): one that was overtaken writes nothing. So of several
 *     projectors exactly one applies each batch, and when it dies, the others go on at once.
 * V3. Reading proves each row: what is damaged is refused, not listed.
 * V4. A database that was lost and made again is given its tables again; what they said, the projector folds anew.
 */
export class PostgresReadModels implements ReadModels {
  readonly #database: PostgresDatabase;
  readonly #tables: ViewTables;
  readonly #log: Log | undefined;
  readonly #requests = new RebuildRequests(REQUEST_POLL_MS);
  #closed = false;

  /** Use `openPostgresReadModels`. */
  constructor(database: PostgresDatabase, tables: ViewTables, log: Log | undefined) {
    this.#database = database;
    this.#tables = tables;
    this.#log = log;
  }

  get<T extends TableName>(table: T, ids: readonly string[], side: Side = 'served'): Promise<ReadonlyMap<string, Rows[T]>> {
    return this.#read('reading rows', () => this.#tables.get(table, ids, side));
  }

  list<T extends TableName>(table: T, query: ListQuery<T>): Promise<ListPage<Rows[T]>> {
    return this.#read('listing rows', () => this.#tables.list(table, query));
  }

  apply(batch: FoldedBatch, side: Side = 'served'): Promise<void> {
    return this.#write('applying rows', (isRepeat) => this.#tables.apply(batch, side, isRepeat));
  }

  position(side: Side = 'served'): Promise<Cursor | null> {
    return this.#read('reading the position', () => this.#tables.position(side));
  }

  status(): Promise<ReadModelsStatus> {
    return this.#read('reading the status', () => this.#tables.status());
  }

  reset(projection: number): Promise<void> {
    return this.#write('emptying the tables', () => this.#tables.reset(projection));
  }

  async beginRebuild(projection: number): Promise<void> {
    // what a crash left of an earlier swap
    await this.#dropUnserved();
    await this.#write('making new tables', () => this.#tables.beginRebuild(projection));
  }

  async swap(expected?: Cursor | null): Promise<void> {
    await this.#analyseFilled();
    await this.#write('swapping new tables in', () => this.#tables.swap(expected), false);
    await this.#dropUnserved();
  }

  async requestRebuild(): Promise<void> {
    await this.#write('asking for new tables', () => this.#tables.request());
    this.#requests.wake();
  }

  async rebuildRequested(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && !this.#closed) {
      if (await this.#read('looking for a request', () => this.#tables.isRequested())) return true;
      await this.#requests.woken(signal);
    }
    return false;
  }

  /** The connections stay with the database. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#requests.wake();
  }

  /** What was just filled has no statistics, and lists of it would be planned blindly until the server makes some by itself. */
  async #analyseFilled(): Promise<void> {
    try {
      for (const table of await this.#read('reading the register', () => this.#tables.tablesOf('filling')))
        await this.#database.read('read models: statistics of new tables', (run) => run(`ANALYZE ${table}`));
    } catch (error) {
      if (!isFault(error) || !error.retryable) throw error;
      this.#log?.log('warn', 'new tables are served without statistics', { error });
    }
  }

  /** Tables that are served no more, a statement at a time. What somebody still reads is left for the next time. */
  async #dropUnserved(): Promise<void> {
    for (const number of await this.#read('reading the register', () => this.#tables.unserved())) {
      try {
        for (const steps of this.#tables.dropSteps(number)) await this.#write('dropping old tables', () => steps, false);
      } catch (error) {
        if (!isFault(error) || !error.retryable) throw error;
        this.#log?.log('warn', 'tables that are served no more are dropped later', { error });
        return;
      }
    }
  }

  #read<T>(doing: string, steps: () => Steps<T>): Promise<T> {
    return this.#onTables(() => this.#database.read(`read models: ${doing}`, (run) => runInTurn(steps(), (step) => carryOut(run, step))));
  }

  #write(doing: string, steps: (isRepeat: boolean) => Steps<void>, isRepeatable = true): Promise<void> {
    return this.#onTables(() =>
      this.#database.transaction({ doing: `read models: ${doing}`, isRepeatable }, async (run, isRepeat) => {
        await run('SELECT pg_advisory_xact_lock($1, 0)', [LOCKS.readModels]);
        await runInTurn(steps(isRepeat), (step) => carryOut(run, step));
      }),
    );
  }

  /** Where the tables are new, there is nothing in them, and somebody has to fold it: an idle projector hears it as a request. */
  async #prepareAgain(): Promise<void> {
    await prepareViews(this.#database);
    const run = <T>(steps: Steps<T>): Promise<T> =>
      this.#database.transaction({ doing: 'read models: looking at new tables', isRepeatable: true }, (carry) =>
        runInTurn(steps, (step) => carryOut(carry, step)),
      );
    if ((await run(this.#tables.position('served'))) === null) await run(this.#tables.request());
  }

  #onTables<T>(work: () => Promise<T>): Promise<T> {
    return onTables(
      () => this.#prepareAgain(),
      async () => {
        if (this.#closed) throw new Fault('STORE_CLOSED', 'the read models are closed');
        return work();
      },
    );
  }
}

/** Makes the tables where they are missing. The database stays the caller's to close. Faults: those of the port and of `openPostgres`. */
export async function openPostgresReadModels(database: PostgresDatabase, o: { readonly log?: Log } = {}): Promise<PostgresReadModels> {
  const db = await prepareViews(database);
  return new PostgresReadModels(database, new ViewTables(db, POSTGRES_VIEWS, NOTICE), o.log);
}

const prepareViews = (database: PostgresDatabase) =>
  migrateTables<AnySchema>(database, { name: 'read_models', migrations: viewMigrations(POSTGRES_VIEWS, NOTICE) });

async function carryOut(run: Run, step: Step): Promise<readonly Found[]> {
  if (!('rows' in step)) return run(step.sql, step.parameters);
  for (const { sql, parameters } of POSTGRES_VIEWS.statementsOf(step)) await run(sql, parameters);
  return [];
}
