import { Fault } from '@maestro/ports';
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';
import type { PostgresDatabase } from './postgres-database.ts';
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
    if (unknown.length > 0) throw new Fault('STORE_NEWER', `the tables of ${name} in Postgres were made by a newer release (${unknown.join(', ')}): upgrade, or use another database`);
    if (done.length === Object.keys(migrations).length) return;
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db, provider, migrationTableName: `${name}_migration`, migrationLockTableName: `${name}_migration_lock` }).migrateToLatest();
    if (error !== undefined) throw error;
  });
  return db;
}
