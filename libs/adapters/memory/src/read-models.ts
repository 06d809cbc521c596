import { Fault } from '@maestro/ports';
import type { Cursor, ListPage, ListQuery, ReadModels, Rows, TableName } from '@maestro/ports';

type Tables = { readonly [T in TableName]: Map<string, Rows[T]> };

/** Query models in memory: for tests, and for deployments that keep nothing between starts. */
export class MemoryReadModels implements ReadModels {
  readonly #tables: Tables = { execution: new Map(), workflow: new Map(), command: new Map() };
  #position: Cursor | null = null;
  #closed = false;

  async get<T extends TableName>(table: T, ids: readonly string[]): Promise<ReadonlyMap<string, Rows[T]>> {
    this.#assertOpen();
    const rows: ReadonlyMap<string, Rows[T]> = this.#tables[table];
    const found = new Map<string, Rows[T]>();
    for (const id of ids) {
      const row = rows.get(id);
      if (row !== undefined) found.set(id, row);
    }
    return found;
  }

  async list<T extends TableName>(table: T, { where = {}, after = null, limit }: ListQuery): Promise<ListPage<Rows[T]>> {
    this.#assertOpen();
    const before = after === null ? undefined : decodePage(after);
    const rows = ([...this.#tables[table].values()] as Rows[T][])
      .filter((row) => Object.entries(where).every(([key, value]) => String((row as Record<string, unknown>)[key]) === value))
      .map((row) => ({ row, key: `${sortKeyOf(row)}/${row.id}` }))
      .sort((a, b) => (a.key < b.key ? 1 : -1))
      .filter(({ key }) => before === undefined || key < before);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next = rows.length > page.length && last !== undefined ? Buffer.from(last.key).toString('base64url') : null;
    return { rows: page.map(({ row }) => row), next };
  }

  async apply(cursor: Cursor, upserts: { readonly [T in TableName]?: readonly Rows[T][] }): Promise<void> {
    this.#assertOpen();
    for (const row of upserts.execution ?? []) this.#tables.execution.set(row.id, row);
    for (const row of upserts.workflow ?? []) this.#tables.workflow.set(row.id, row);
    for (const row of upserts.command ?? []) this.#tables.command.set(row.id, row);
    this.#position = cursor;
  }

  async position(): Promise<Cursor | null> {
    this.#assertOpen();
    return this.#position;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the read models are closed');
  }
}

/** Lists are newest first: runs by request, workflows by their last change, commands by time. */
function sortKeyOf(row: Rows[TableName]): string {
  if ('requestedAt' in row) return row.requestedAt;
  return 'updatedAt' in row ? row.updatedAt : row.at;
}

function decodePage(after: string): string {
  const key = Buffer.from(after, 'base64url').toString('utf8');
  if (!/^\d{4}-.*\//.test(key)) throw new Fault('CURSOR_INVALID', 'the page cursor is not one that a list answered: start again without it');
  return key;
}
