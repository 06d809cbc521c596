import type { LeaseBoard, LeaseGroup, Leases } from '@maestro/ports';
import { sql } from 'kysely';
import { migrateTables, onTables } from './migrate-tables.ts';
import type { TableSet } from './migrate-tables.ts';
import type { PostgresDatabase, TransactionOptions, Work } from './postgres-database.ts';

const TABLES: TableSet = {
  name: 'leases',
  migrations: {
    '0001-rows': {
      up: async (db) => {
        await sql`CREATE TABLE lease (grp text COLLATE "C", name text COLLATE "C", owner text NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (grp, name))`.execute(
          db,
        );
      },
    },
  },
};

/** `clock_timestamp`: the time of the statement; `now` would be that of the transaction's begin. */
const EXPIRY = "clock_timestamp() + $4 * interval '1 millisecond'";
/** Free, the owner's own, or expired. One statement, so of two that ask at once one gets it. */
const TAKE = `INSERT INTO lease AS held (grp, name, owner, expires_at) VALUES ($1, $2, $3, ${EXPIRY})
  ON CONFLICT (grp, name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
  WHERE held.owner = excluded.owner OR held.expires_at <= clock_timestamp() RETURNING name`;
const PROLONG = `UPDATE lease SET expires_at = ${EXPIRY} WHERE grp = $1 AND name = ANY($2::text[]) AND owner = $3 AND expires_at > clock_timestamp()`;
const LOOK = 'SELECT name, owner FROM lease WHERE grp = $1 AND expires_at > clock_timestamp()';
const RELEASE = 'DELETE FROM lease WHERE grp = $1 AND name = ANY($2::text[]) AND owner = $3';
/** Members that were killed: their rows say nothing any more. */
const FORGET = "DELETE FROM lease WHERE grp = $1 AND name LIKE 'member %' AND expires_at < clock_timestamp() - interval '1 hour'";

/** Leases in a table, by the clock of the database. Where the database was lost and made again, everybody takes anew. */
export class PostgresLeases implements Leases {
  readonly #database: PostgresDatabase;

  /** Use `openPostgresLeases`. */
  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  beat({ group, owner, names, ttlMs }: LeaseGroup): Promise<LeaseBoard> {
    return this.#transaction({ doing: `prolonging leases of ${group}`, isRepeatable: true }, async (run) => {
      await run(TAKE, [group, memberName(owner), owner, ttlMs]);
      await run(PROLONG, [group, names, owner, ttlMs]);
      await run(FORGET, [group]);
      const owners = new Map((await run(LOOK, [group])).map((row) => [String(row['name']), String(row['owner'])]));
      const members = [...owners.keys()].filter((name) => name.startsWith(memberName(''))).length;
      return { members, held: names.filter((name) => owners.get(name) === owner), free: names.filter((name) => !owners.has(name)) };
    });
  }

  async take({ group, owner, ttlMs }: LeaseGroup, name: string): Promise<boolean> {
    const taken = await this.#transaction({ doing: `taking a lease of ${group}`, isRepeatable: true }, (run) => run(TAKE, [group, name, owner, ttlMs]));
    return taken.length === 1;
  }

  async release({ group, owner }: LeaseGroup, names: readonly string[]): Promise<void> {
    await this.#transaction({ doing: `giving back leases of ${group}`, isRepeatable: true }, (run) => run(RELEASE, [group, names, owner]));
  }

  leave(group: LeaseGroup): Promise<void> {
    return this.release(group, [...group.names, memberName(group.owner)]);
  }

  #transaction<T>(o: TransactionOptions, work: Work<T>): Promise<T> {
    return onTables(
      () => migrateTables(this.#database, TABLES),
      () => this.#database.transaction(o, work),
    );
  }
}

/** Makes the table where it is missing. The database stays the caller's to close. Faults: those of `openPostgres`. */
export async function openPostgresLeases(database: PostgresDatabase): Promise<PostgresLeases> {
  await migrateTables(database, TABLES);
  return new PostgresLeases(database);
}

const memberName = (owner: string): string => `member ${owner}`;
