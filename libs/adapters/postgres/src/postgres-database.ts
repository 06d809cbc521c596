import { Fault } from '@maestro/ports';
import type { Log } from '@maestro/ports';
import { Pool } from 'pg';
import type { PoolClient } from 'pg';
import { isConnectionLoss, isContention, isSilence, postgresFault, unknownOutcome } from './postgres-fault.ts';

/** A row as the driver gives it: `bigint` comes as text, `bytea` as a Buffer. */
export type PostgresRow = { readonly [column: string]: unknown };

/** Carries one statement out and answers its rows. */
export type Run = (text: string, values?: readonly unknown[]) => Promise<readonly PostgresRow[]>;

/** How one database is reached. */
export type PostgresOptions = {
  /** `postgres://user:password@host:port/database`, with `?sslmode=…` as needed */
  readonly connectionString: string;
  /** connections of this process at most, 2…100; default 8 */
  readonly connectionsMax?: number;
  /** until a connection is there, or a free one of the pool; default 5,000 */
  readonly connectTimeoutMs?: number;
  /** of one statement; default 10,000 */
  readonly statementTimeoutMs?: number;
  /** how long a statement waits for a lock; default 5,000 */
  readonly lockTimeoutMs?: number;
  /** shown in `pg_stat_activity`; default `maestro` */
  readonly applicationName?: string;
  readonly log?: Log;
};

/** How one transaction is carried out. */
export type TransactionOptions = {
  /** for messages: `applying to the process state` */
  readonly doing: string;
  /** when the commit's answer was lost, the work may be done once more: it changes nothing where it was done */
  readonly isRepeatable: boolean;
};

/** What a transaction does. `isRepeat`: an earlier attempt may have been committed. */
export type Work<T> = (run: Run, isRepeat: boolean) => Promise<T>;

/** What the server says about itself. */
export type PostgresDurability = {
  readonly isDurable: boolean;
  /** settings that lose committed data, such as `fsync=off` */ readonly weak: readonly string[];
};

/** 13 knows `gen_random_uuid`, but what counts is that older ones get no fixes any more. */
const VERSION_MIN = 130_000;
const CONTENTION_ATTEMPTS = 5;
/** after the first loss every connection of the pool may be dead, and each of them costs one attempt */
const LOSS_ATTEMPTS = 3;
/** the server's own limits come first; this one is for a server that is not heard of any more */
const SILENCE_GRACE_MS = 5_000;

/**
 * One database, by a bounded pool of connections.
 * D1. A transaction is tried again by itself where others were in its way, and where its connection broke before the commit.
 * D2. Where it broke during the commit, it is tried again only if repeating is harmless; else the outcome is unknown, and said so.
 * D3. A connection of which it is not certain what it does is closed, never given back to the pool.
 * D4. No wait is endless: for a connection, a lock, a statement, an answer; and the server ends a transaction that idles.
 */
export class PostgresDatabase {
  readonly #pool: Pool;
  #closed = false;

  /** Use `openPostgres`. */
  constructor(o: PostgresOptions) {
    const statementTimeoutMs = o.statementTimeoutMs ?? 10_000;
    this.#pool = new Pool({
      connectionString: o.connectionString,
      max: o.connectionsMax ?? 8,
      connectionTimeoutMillis: o.connectTimeoutMs ?? 5_000,
      idleTimeoutMillis: 30_000,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + SILENCE_GRACE_MS,
      lock_timeout: o.lockTimeoutMs ?? 5_000,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      keepAlive: true,
      application_name: o.applicationName ?? 'maestro',
    });
    // the pool listens to idle ones only; one that breaks while it is used also fails its statement, which says so
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.#pool.on('error', (error) => o.log?.log('warn', 'an idle connection to Postgres broke; the next statement makes another', { error: error.message }));
  }

  /** For Kysely's migrations; everything else goes through the methods below. */
  get pool(): Pool {
    return this.#pool;
  }

  /** Statements that only read, each by itself, on one connection. */
  read<T>(doing: string, work: Work<T>): Promise<T> {
    return this.#attempts({ doing, isRepeatable: true }, async (run, isRepeat) => work(run, isRepeat));
  }

  /** Statements that only read, all of one moment. */
  snapshot<T>(doing: string, work: Work<T>): Promise<T> {
    return this.#attempts({ doing, isRepeatable: true }, (run, isRepeat) =>
      within(
        run,
        'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
        () => work(run, isRepeat),
        () => undefined,
      ),
    );
  }

  /** One transaction, durable when it answers. */
  transaction<T>(o: TransactionOptions, work: Work<T>): Promise<T> {
    // one `on` of the user's stays as it is: the standbys' acknowledgement that it asked for is more than ours
    return this.#attempts(o, (run, isRepeat, committing) =>
      within(
        run,
        "BEGIN; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')",
        () => work(run, isRepeat),
        committing,
      ),
    );
  }

  /** Settings of the server under which what was committed can be lost. */
  async durability(): Promise<PostgresDurability> {
    const rows = await this.read('asking Postgres for its settings', (run) =>
      run("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')"),
    );
    const weak = rows.filter(({ setting }) => setting !== 'on').map(({ name, setting }) => `${String(name)}=${String(setting)}`);
    return { isDurable: weak.length === 0, weak };
  }

  /** Waits for what is under way. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.end();
  }

  async #attempts<T>({ doing, isRepeatable }: TransactionOptions, once: (run: Run, isRepeat: boolean, committing: () => void) => Promise<T>): Promise<T> {
    let isUnknown = false;
    for (let [losses, contentions] = [0, 0]; ;) {
      const client = await this.#connect(doing, isUnknown);
      let isCommitting = false;
      try {
        const answer = await once(runOn(client), isUnknown, () => (isCommitting = true));
        client.release();
        return answer;
      } catch (error) {
        const isLost = isConnectionLoss(error);
        client.release(isLost || isCommitting);
        isUnknown ||= isLost && isCommitting;
        if (isUnknown && !isRepeatable) throw unknownOutcome(error, doing);
        if (isLost && !isSilence(error) && (losses += 1) < LOSS_ATTEMPTS) continue;
        if (isContention(error) && (contentions += 1) < CONTENTION_ATTEMPTS) continue;
        throw isUnknown && isLost ? unknownOutcome(error, doing) : postgresFault(error, doing);
      }
    }
  }

  async #connect(doing: string, isUnknown: boolean): Promise<PoolClient> {
    if (this.#closed) throw new Fault('STORE_CLOSED', `${doing}: the connection to Postgres was closed`);
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw isUnknown ? unknownOutcome(error, doing) : postgresFault(error, doing);
    }
  }
}

/** Connects, and checks that the server is fit. Faults: STORE_UNAVAILABLE, STORE_DENIED, POSTGRES_UNFIT. */
export async function openPostgres(o: PostgresOptions): Promise<PostgresDatabase> {
  const database = new PostgresDatabase(o);
  try {
    const [server] = await database.read('connecting to Postgres', (run) =>
      run(
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, current_setting('server_encoding') AS encoding",
      ),
    );
    if (Number(server?.['number']) < VERSION_MIN)
      throw new Fault('POSTGRES_UNFIT', `Postgres is version ${String(server?.['version'])}; needed is 13 or newer: upgrade it`);
    if (server?.['encoding'] !== 'UTF8')
      throw new Fault(
        'POSTGRES_UNFIT',
        `the database has encoding ${String(server?.['encoding'])}; needed is UTF8: make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
      );
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function runOn(client: PoolClient): Run {
  return async (text, values) => {
    const answer = await client.query<{ readonly [column: string]: unknown }>(text, values === undefined ? undefined : [...values]);
    return answer.rows;
  };
}

async function within<T>(run: Run, begin: string, work: () => Promise<T>, committing: () => void): Promise<T> {
  await run(begin);
  let answer: T;
  try {
    answer = await work();
  } catch (error) {
    // where even this fails, the connection is gone, and the first error says why
    if (!isConnectionLoss(error)) await run('ROLLBACK').catch(() => undefined);
    throw error;
  }
  committing();
  await run('COMMIT');
  return answer;
}
