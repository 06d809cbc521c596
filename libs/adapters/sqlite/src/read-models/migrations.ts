import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { viewMigrations } from '@maestro/sql-tables';
import type { AnySchema, DamageNotice } from '@maestro/sql-tables';
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { SQLITE_VIEWS } from './views-dialect.ts';

/** Equals the number of the last migration; a release that does not know it refuses the file before it reads anything. */
const SCHEMA_VERSION = 3;

/** Brings a file to the tables that this release knows, each step in one transaction with its mark. Only forward. Fault: STORE_NEWER. */
export async function migrate(db: Kysely<AnySchema>, database: DatabaseSync, path: string, notice: DamageNotice): Promise<void> {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > SCHEMA_VERSION) {
    throw new Fault('STORE_NEWER', `${path} was written by a newer release (schema ${version}, this one knows ${SCHEMA_VERSION}): upgrade, or delete it to fold it again`);
  }
  if (version === SCHEMA_VERSION) return;
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => ({ ...viewMigrations(SQLITE_VIEWS, notice) }) } }).migrateToLatest();
  if (error !== undefined) throw error;
  // after the steps: a file without it is looked at once more, and has nothing left to do
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}
