import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import type { Cursor, ListPage, ListQuery, ReadModels, Rows, TableName } from '@maestro/ports';
import { Kysely, SqliteDialect, sql } from 'kysely';

/** Raised with every change of the tables; a file from a newer release is refused. */
const SCHEMA_VERSION = 1;

type Table = { readonly id: string; readonly sort_key: string; readonly workflow_id: string | null; readonly status: string | null; readonly row: string };
type Schema = { execution: Table; workflow: Table; command: Table; checkpoint: { readonly only: number; readonly cursor: string } };

/** Columns that a list can be narrowed by; everything else of a row is kept as JSON. */
const FILTERS: { readonly [key: string]: 'workflow_id' | 'status' } = { workflowId: 'workflow_id', status: 'status' };

/** Rows written per statement at most: SQLite bounds the number of variables. */
const ROWS_PER_STATEMENT = 200;

/**
 * Opens or makes the read models at `path`. WAL with synchronous=NORMAL: a power cut may lose the latest
 * transactions as a whole, and they are folded again from the checkpoint.
 */
export async function openSqliteReadModels({ path }: { readonly path: string }): Promise<SqliteReadModels> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path);
  chmodSync(path, 0o600);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;');
  const kysely = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asBetterSqlite(database) }) });
  await migrate(kysely, database, path);
  return new SqliteReadModels(kysely);
}

/** Query models on SQLite through Kysely; rows and checkpoint in one transaction. */
export class SqliteReadModels implements ReadModels {
  readonly #db: Kysely<Schema>;
  #closed = false;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async get<T extends TableName>(table: T, ids: readonly string[]): Promise<ReadonlyMap<string, Rows[T]>> {
    this.#assertOpen();
    const found = new Map<string, Rows[T]>();
    for (let at = 0; at < ids.length; at += ROWS_PER_STATEMENT) {
      const rows = await this.#db.selectFrom(table as 'execution').select(['id', 'row']).where('id', 'in', ids.slice(at, at + ROWS_PER_STATEMENT)).execute();
      for (const { id, row } of rows) found.set(id, JSON.parse(row) as Rows[T]);
    }
    return found;
  }

  async list<T extends TableName>(table: T, { where = {}, after = null, limit }: ListQuery): Promise<ListPage<Rows[T]>> {
    this.#assertOpen();
    let query = this.#db.selectFrom(table as 'execution').select(['id', 'sort_key', 'row']).orderBy('sort_key', 'desc').orderBy('id', 'desc').limit(limit + 1);
    for (const [key, value] of Object.entries(where)) {
      const column = FILTERS[key];
      query = column === undefined ? query.where(sql`json_extract("row", ${`$.${key}`})`, '=', value) : query.where(column, '=', value);
    }
    if (after !== null) {
      const { sortKey, id } = decodePage(after);
      query = query.where(sql`("sort_key", "id")`, '<', sql`(${sortKey}, ${id})`);
    }
    const rows = await query.execute();
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next = rows.length > page.length && last !== undefined ? encodePage(last.sort_key, last.id) : null;
    return { rows: page.map(({ row }) => JSON.parse(row) as Rows[T]), next };
  }

  async apply(cursor: Cursor, upserts: { readonly [T in TableName]?: readonly Rows[T][] }): Promise<void> {
    this.#assertOpen();
    const executions = (upserts.execution ?? []).map((row) => ({ id: row.id, sort_key: row.requestedAt, workflow_id: row.workflowId, status: row.status, row: JSON.stringify(row) }));
    const workflows = (upserts.workflow ?? []).map((row) => ({ id: row.id, sort_key: row.updatedAt, workflow_id: null, status: null, row: JSON.stringify(row) }));
    const commands = (upserts.command ?? []).map((row) => ({ id: row.id, sort_key: row.at, workflow_id: null, status: null, row: JSON.stringify(row) }));
    await this.#db.transaction().execute(async (transaction) => {
      await upsert(transaction, 'execution', executions);
      await upsert(transaction, 'workflow', workflows);
      await upsert(transaction, 'command', commands);
      await transaction.insertInto('checkpoint').values({ only: 1, cursor }).onConflict((clash) => clash.column('only').doUpdateSet({ cursor })).execute();
    });
  }

  async position(): Promise<Cursor | null> {
    this.#assertOpen();
    const row = await this.#db.selectFrom('checkpoint').select('cursor').executeTakeFirst();
    return row?.cursor ?? null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#db.destroy();
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the read models are closed');
  }
}

async function upsert(db: Kysely<Schema>, table: TableName, rows: readonly Table[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    await db
      .insertInto(table)
      .values(rows.slice(at, at + ROWS_PER_STATEMENT))
      .onConflict((clash) =>
        clash.column('id').doUpdateSet((excluded) => ({
          sort_key: excluded.ref('excluded.sort_key'),
          workflow_id: excluded.ref('excluded.workflow_id'),
          status: excluded.ref('excluded.status'),
          row: excluded.ref('excluded.row'),
        })),
      )
      .execute();
  }
}

async function migrate(db: Kysely<Schema>, database: DatabaseSync, path: string): Promise<void> {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > SCHEMA_VERSION) {
    throw new Fault('STORE_NEWER', `${path} was written by a newer release (schema ${version}, this one knows ${SCHEMA_VERSION}): upgrade, or delete it to fold it again`);
  }
  if (version === SCHEMA_VERSION) return;
  for (const table of ['execution', 'workflow', 'command'] as const) {
    await db.schema
      .createTable(table)
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('sort_key', 'text', (column) => column.notNull())
      .addColumn('workflow_id', 'text')
      .addColumn('status', 'text')
      .addColumn('row', 'text', (column) => column.notNull())
      .execute();
    await db.schema.createIndex(`${table}_newest`).on(table).columns(['sort_key', 'id']).execute();
  }
  await db.schema.createIndex('execution_workflow').on('execution').columns(['workflow_id', 'sort_key', 'id']).execute();
  await db.schema.createIndex('execution_status').on('execution').columns(['status', 'sort_key', 'id']).execute();
  await db.schema.createTable('checkpoint').addColumn('only', 'integer', (column) => column.primaryKey()).addColumn('cursor', 'text', (column) => column.notNull()).execute();
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}

/** Kysely speaks to better-sqlite3's shape, of which node:sqlite misses only whether a statement answers rows. */
function asBetterSqlite(database: DatabaseSync): never {
  return {
    close: () => database.close(),
    prepare: (text: string) => {
      const statement = database.prepare(text);
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly never[]) => statement.all(...parameters),
        run: (parameters: readonly never[]) => statement.run(...parameters),
        iterate: (parameters: readonly never[]) => statement.iterate(...parameters),
      };
    },
  } as never;
}

function encodePage(sortKey: string, id: string): string {
  return Buffer.from(JSON.stringify([sortKey, id])).toString('base64url');
}

function decodePage(after: string): { sortKey: string; id: string } {
  try {
    const [sortKey, id] = JSON.parse(Buffer.from(after, 'base64url').toString('utf8')) as [unknown, unknown];
    if (typeof sortKey === 'string' && typeof id === 'string') return { sortKey, id };
  } catch {
    // falls through: not one of ours
  }
  throw new Fault('CURSOR_INVALID', 'the page cursor is not one that a list answered: start again without it');
}
