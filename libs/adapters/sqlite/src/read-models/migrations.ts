import type { DatabaseSync } from 'node:sqlite';
import { Fault, TABLES } from '@maestro/ports';
import type { Rows } from '@maestro/ports';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';
import { registeredDigest } from './generation-register.ts';
import type { Registered } from './generation-register.ts';
import { Generation } from './generation.ts';
import type { AnySchema } from './generation.ts';
import { StatementCache } from './kysely-dialect.ts';
import { sealedAgain } from './proved-row.ts';

/** Equals the number of the last migration; a release that does not know it refuses the file before it reads anything. */
const SCHEMA_VERSION = 3;

/**
 * Brings a file to the tables that this release knows, each step in one transaction with its mark. Only forward.
 * What the rows say is another matter: they are folded anew where the rules changed (`PROJECTION_VERSION`).
 * Fault: STORE_NEWER.
 */
export async function migrate(db: Kysely<AnySchema>, database: DatabaseSync, path: string): Promise<void> {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > SCHEMA_VERSION) {
    throw new Fault('STORE_NEWER', `${path} was written by a newer release (schema ${version}, this one knows ${SCHEMA_VERSION}): upgrade, or delete it to fold it again`);
  }
  if (version === SCHEMA_VERSION) return;
  const migrations: Record<string, Migration> = { '0001-rows': { up: rowsOfVersion1 }, '0002-generations': { up: (step) => generations(step, database) }, '0003-digests': { up: (step) => digests(step, database) } };
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations } }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** The first layout. Files of its release carry no marks of migrations, so its tables may be there. */
async function rowsOfVersion1(db: Kysely<AnySchema>): Promise<void> {
  for (const table of ['execution', 'workflow', 'command']) {
    await db.schema.createTable(table).ifNotExists().addColumn('id', 'text', (column) => column.primaryKey()).addColumn('row', 'text', (column) => column.notNull()).execute();
  }
  await db.schema.createTable('checkpoint').ifNotExists().addColumn('only', 'integer', (column) => column.primaryKey()).addColumn('cursor', 'text', (column) => column.notNull()).execute();
}

/** Generations of tables. The rows of the first layout become the first one, and are served until they are folded anew. */
async function generations(db: Kysely<AnySchema>, database: DatabaseSync): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('generation')
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('side', 'text', (column) => column.notNull().unique())
    .addColumn('projection', 'integer')
    .addColumn('position', 'text')
    .addColumn('events', 'integer')
    .execute();
  await schema.createTable('rebuild_request').addColumn('only', 'integer', (column) => column.primaryKey()).execute();
  const first = new Generation(1, db, new StatementCache(database));
  for (const statement of first.createStatements()) await sql.raw(statement).execute(db);
  const [checkpoint] = await db.selectFrom('checkpoint').select('cursor').execute();
  const old = async <T extends 'execution' | 'workflow' | 'command'>(table: T): Promise<readonly Rows[T][]> => {
    const { rows } = await sql<{ readonly row: string }>`select row from ${sql.table(table)}`.execute(db);
    return rows.map(({ row }) => ({ ...ADDED[table], ...(JSON.parse(row) as Rows[T]) }));
  };
  first.upsert({ execution: await old('execution'), workflow: await old('workflow'), command: await old('command') });
  const position = checkpoint?.['cursor'] ?? null;
  await db.insertInto('generation').values({ number: 1, side: 'served', projection: position === null ? null : 1, position, events: position === null ? 0 : null }).execute();
  for (const table of ['execution', 'workflow', 'command', 'checkpoint']) await schema.dropTable(table).execute();
}

/** Digests of rows, and an index over every column, so that damage is told from what there is. */
async function digests(db: Kysely<AnySchema>, database: DatabaseSync): Promise<void> {
  await db.schema.alterTable('generation').addColumn('digest', 'text').execute();
  const { rows } = await sql<Registered>`select number, side, projection, position, events from generation`.execute(db);
  for (const row of rows) {
    const generation = new Generation(row.number, db, new StatementCache(database));
    for (const table of TABLES) {
      database.function('sealed_again', { deterministic: true }, (kept) => sealedAgain(table, String(kept)));
      await sql`update ${sql.table(`${table}_${row.number}`)} set row = sealed_again(row)`.execute(db);
    }
    for (const statement of generation.indexStatements()) await sql.raw(statement).execute(db);
    await sql`update generation set digest = ${registeredDigest(row)} where number = ${row.number}`.execute(db);
  }
  await sql.raw(`PRAGMA user_version = ${SCHEMA_VERSION}`).execute(db);
}

/** Members that rows of the first rules did not have. */
const ADDED = { execution: { resumedFrom: null }, workflow: { labels: {}, publication: null }, command: {} } as const;
