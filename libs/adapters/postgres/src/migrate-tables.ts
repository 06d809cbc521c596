import { Fault, isFault } from '@maestro/ports';
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';
import type { PostgresDatabase } from './postgres-database.ts';
import { isMissingTable } from './postgres-fault.ts';
import { LOCKS } from './postgres-locks.ts';

/** Tables of one port: the name of its marks, and its steps by their names, which sort in their order. */
export type TableSet = { readonly name: string; readonly migrations: Readonly<Record<string, Migration>> };

/**
 * Brings the tables of one port to what this release knows; forward only, each step with its mark in one transaction.
 * Any number of processes may do so at once. Fault: STORE_NEWER.
 */
export async function migrateTables<Schema>(database: PostgresDatabase, { name, migrations }: TableSet): Promise<Kysely<Schema>> {
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: database.pool }) });
  const doing = `preparing the tables of ${name}`;
  await database.transaction({ doing, isRepeatable: true }, async (run) => {
    // two that begin at once would both make the tables of the marks
    await run('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCKS.migration, name]);
    const [marks] = await run('SELECT to_regclass($1) IS NOT NULL AS there', [`${name}_migration`]);
    const done = marks?.['there'] === true ? await run(`SELECT name FROM ${name}_migration`) : [];
    const unknown = done.map((row) => String(row['name'])).filter((each) => !Object.hasOwn(migrations, each));
    if (unknown.length > 0)
      throw new Fault(
        'STORE_NEWER',
        `the tables of ${name} in Postgres were made by a newer release (${unknown.join(', ')}): upgrade, or use another database`,
      );
    if (done.length === Object.keys(migrations).length) return;
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({
      db,
      provider,
      migrationTableName: `${name}_migration`,
      migrationLockTableName: `${name}_migration_lock`,
    }).migrateToLatest();
    if (error !== undefined) throw error;
  });
  return db;
}

/** The first look may have been at tables that were just dropped, the second at a database that is new. */
const LOOKS_MAX = 3;

/**
 * Work on tables that can be made again: where one is missing, the database was lost (or the table was replaced meanwhile),
 * and after `prepare` it is tried again. Never for what cannot be folded from events, such as keys.
 */
export async function onTables<T>(prepare: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  for (let look = 1; ; look += 1) {
    try {
      return await work();
    } catch (error) {
      if (look === LOOKS_MAX || !isFault(error, 'STORE_DAMAGED') || !isMissingTable(error.cause)) throw error;
      await prepare();
    }
  }
}
