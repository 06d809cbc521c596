import { TABLES } from '@maestro/ports';
import type { Rows, TableName } from '@maestro/ports';
import { CompiledQuery, sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { registeredDigest, registeredOf } from './generation-register.ts';
import { GenerationSchema, rowTable } from './generation-schema.ts';
import { Generation } from './generation.ts';
import { sealedAgain } from './proved-row.ts';
import { runInTurn } from './steps.ts';
import type { Found, Step, Steps } from './steps.ts';
import type { AnySchema, DamageNotice, ViewsDialect } from './views-dialect.ts';

/** Rows that are sealed between two looks for more. */
const SEALED_ROWS = 500;

/**
 * The layout of read models, step by step, by names that sort in their order; the same on every database. Only forward.
 * What the rows say is another matter: they are folded anew where the rules changed (`PROJECTION_VERSION`).
 */
export function viewMigrations(dialect: ViewsDialect, notice: DamageNotice): Readonly<Record<string, Migration>> {
  return {
    '0001-rows': { up: rowsOfVersion1 },
    '0002-generations': { up: (db: Kysely<AnySchema>) => generations(db, dialect, notice) },
    '0003-digests': { up: (db: Kysely<AnySchema>) => digests(db, dialect) },
  };
}

/** The first layout. Files of its release carry no marks of migrations, so its tables may be there. */
async function rowsOfVersion1(db: Kysely<AnySchema>): Promise<void> {
  for (const table of ['execution', 'workflow', 'command']) {
    await db.schema
      .createTable(table)
      .ifNotExists()
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('row', 'text', (column) => column.notNull())
      .execute();
  }
  await db.schema
    .createTable('checkpoint')
    .ifNotExists()
    .addColumn('only', 'integer', (column) => column.primaryKey())
    .addColumn('cursor', 'text', (column) => column.notNull())
    .execute();
}

/** Generations of tables. The rows of the first layout become the first one, and are served until they are folded anew. */
async function generations(db: Kysely<AnySchema>, dialect: ViewsDialect, notice: DamageNotice): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('generation')
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('side', 'text', (column) => column.notNull().unique())
    .addColumn('projection', 'integer')
    .addColumn('position', 'text')
    .addColumn('events', dialect.integerType)
    .execute();
  await schema
    .createTable('rebuild_request')
    .addColumn('only', 'integer', (column) => column.primaryKey())
    .execute();
  for (const statement of new GenerationSchema(1, db, dialect).createStatements()) await sql.raw(statement).execute(db);
  const [checkpoint] = await db.selectFrom('checkpoint').select('cursor').execute();
  const old = async <T extends 'execution' | 'workflow' | 'command'>(table: T): Promise<readonly Rows[T][]> => {
    const { rows } = await sql<{ readonly row: string }>`select row from ${sql.table(table)}`.execute(db);
    return rows.map(({ row }) => ({ ...ADDED[table], ...(JSON.parse(row) as Rows[T]) }));
  };
  const upserts = { execution: await old('execution'), workflow: await old('workflow'), command: await old('command') };
  await runOn(db, dialect, new Generation(1, db, dialect, notice).upsert(upserts));
  const position = checkpoint?.['cursor'] ?? null;
  await db
    .insertInto('generation')
    .values({ number: 1, side: 'served', projection: position === null ? null : 1, position, events: position === null ? 0 : null })
    .execute();
  for (const table of ['execution', 'workflow', 'command', 'checkpoint']) await schema.dropTable(table).execute();
}

/** Digests of rows, and an index over every column, so that damage is told from what there is. */
async function digests(db: Kysely<AnySchema>, dialect: ViewsDialect): Promise<void> {
  await db.schema.alterTable('generation').addColumn('digest', 'text').execute();
  const rows = await db.selectFrom('generation').select(['number', 'side', 'projection', 'position', 'events']).execute();
  for (const row of rows.map(registeredOf)) {
    for (const table of TABLES) await sealRows(db, table, rowTable(table, row.number));
    for (const statement of new GenerationSchema(row.number, db, dialect).indexStatements()) await sql.raw(statement).execute(db);
    await db
      .updateTable('generation')
      .set({ digest: registeredDigest(row) })
      .where('number', '=', row.number)
      .execute();
  }
}

async function sealRows(db: Kysely<AnySchema>, table: TableName, name: string): Promise<void> {
  for (let after = ''; ;) {
    const rows = await db.selectFrom(name).select(['id', 'row']).where('id', '>', after).orderBy('id').limit(SEALED_ROWS).execute();
    for (const { id, row } of rows)
      await db
        .updateTable(name)
        .set({ row: sealedAgain(table, String(row)) })
        .where('id', '=', String(id))
        .execute();
    if (rows.length < SEALED_ROWS) return;
    after = String(rows.at(-1)?.['id']);
  }
}

function runOn<T>(db: Kysely<AnySchema>, dialect: ViewsDialect, steps: Steps<T>): Promise<T> {
  return runInTurn(steps, async (step: Step) => {
    let found: readonly Found[] = [];
    for (const statement of 'rows' in step ? dialect.statementsOf(step) : [step])
      ({ rows: found } = await db.executeQuery<Found>(CompiledQuery.raw(statement.sql, [...statement.parameters])));
    return found;
  });
}

/** Members that rows of the first rules did not have. */
const ADDED = { execution: { resumedFrom: null }, workflow: { labels: {}, publication: null }, command: {} } as const;
