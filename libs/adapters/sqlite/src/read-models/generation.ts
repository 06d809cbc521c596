import { LISTS, TABLES, listPlan, nextCursor } from '@maestro/ports';
import type { ListPage, ListPlan, ListQuery, Rows, TableName, Upserts } from '@maestro/ports';
import { sql } from 'kysely';
import type { Compilable, Kysely, SelectQueryBuilder } from 'kysely';
import type { StatementCache } from './kysely-dialect.ts';
import { provedRow } from './proved-row.ts';
import { changingColumnsOf, columnsOf, indexesOf, isMoving, isTagged, storedRow, tagIndexesOf } from './table-columns.ts';

/** Tables are named by generation, so their columns are known to `table-columns.ts` and not to the compiler. */
export type AnySchema = { [table: string]: { [column: string]: string | number | null } };

type Writer = { readonly columns: readonly string[]; readonly upsert: string; readonly tag: string | undefined; readonly untag: string | undefined };

/** Rows asked for per statement at most: SQLite bounds the number of variables. */
const IDS_PER_STATEMENT = 200;

/**
 * The tables of one generation: one for each kind of row, and one for its tags. Two generations live side by side
 * while one of them is being filled. Kysely says the statements, and they are run here at once: a promise between two
 * of them would let others in.
 */
export class Generation {
  readonly number: number;
  readonly #db: Kysely<AnySchema>;
  readonly #statements: StatementCache;
  readonly #writers = new Map<TableName, Writer>();

  constructor(number: number, db: Kysely<AnySchema>, statements: StatementCache) {
    this.number = number;
    this.#db = db;
    this.#statements = statements;
  }

  /** Statements that make all tables and indexes of it. */
  createStatements(): readonly string[] {
    const { schema } = this.#db;
    return TABLES.flatMap((table) => {
      const name = this.#nameOf(table);
      const start = schema.createTable(name).addColumn('id', 'text', (column) => column.primaryKey()).addColumn('row', 'text', (column) => column.notNull());
      const made = columnsOf(table).reduce((all, column) => all.addColumn(column, typeOf(column)), start);
      const indexes = indexesOf(table).map((columns) => schema.createIndex(indexName(name, columns)).on(name).columns([...columns]).compile().sql);
      return [made.compile().sql, ...indexes, ...(isTagged(table) ? this.#createTags(table) : [])];
    });
  }

  /** Statements that make the indexes on tags that it does not have yet. */
  indexStatements(): readonly string[] {
    return TABLES.filter(isTagged).flatMap((table) => tagIndexesOf(table).map((columns) => this.#indexOn(this.#tagsOf(table), columns)));
  }

  /** Statements that drop all of it, each small enough to be carried out alone, and harmless when repeated. */
  dropStatements(): readonly string[] {
    const { schema } = this.#db;
    return TABLES.flatMap((table) => {
      const [name, tags] = [this.#nameOf(table), this.#tagsOf(table)];
      const indexes = [...indexesOf(table).map((columns) => indexName(name, columns)), ...tagIndexesOf(table).map((columns) => indexName(tags, columns))];
      return [...indexes.map((index) => schema.dropIndex(index).ifExists().compile().sql), ...[tags, name].map((each) => schema.dropTable(each).ifExists().compile().sql)];
    });
  }

  get<T extends TableName>(table: T, ids: readonly string[]): ReadonlyMap<string, Rows[T]> {
    const found = new Map<string, Rows[T]>();
    for (let at = 0; at < ids.length; at += IDS_PER_STATEMENT) {
      const part = JSON.stringify(ids.slice(at, at + IDS_PER_STATEMENT));
      // one text for any number of ids, so that the statement stays prepared
      const query = this.#db.selectFrom(this.#nameOf(table)).select('row').where('id', 'in', sql<string>`(select value from json_each(${part}))`);
      for (const row of this.#rowsOf(table, query)) found.set(row.id, row);
    }
    return found;
  }

  list<T extends TableName>(table: T, query: ListQuery<T>): ListPage<Rows[T]> {
    const plan = listPlan(table, query);
    const found = this.#rowsOf(table, this.#select(table, plan));
    const rows = found.slice(0, plan.limit);
    const last = rows.at(-1);
    return { rows, next: found.length > rows.length && last !== undefined ? nextCursor(table, plan, last) : null };
  }

  /** Up to `limit` rows of a table by their ids, from the one after `after` on; each is proved. */
  page<T extends TableName>(table: T, after: string, limit: number): readonly Rows[T][] {
    return this.#rowsOf(table, this.#db.selectFrom(this.#nameOf(table)).select('row').where('id', '>', after).orderBy('id').limit(limit));
  }

  /** Within the caller's transaction. */
  upsert(upserts: Upserts): void {
    for (const table of TABLES) {
      const rows: readonly Rows[TableName][] = upserts[table] ?? [];
      if (rows.length > 0) this.#upsertRows(table, rows);
    }
  }

  #rowsOf<T extends TableName>(table: T, query: Compilable): readonly Rows[T][] {
    const { sql: text, parameters } = query.compile();
    const found = this.#statements.prepare(text).all(...(parameters as readonly (string | number)[]));
    return found.map(({ row }) => provedRow(table, String(row)));
  }

  #upsertRows<T extends TableName>(table: T, rows: readonly Rows[T][]): void {
    const { columns, upsert, tag, untag } = this.#writerOf(table);
    const { tagsOf } = LISTS[table];
    for (const row of rows) {
      const stored = storedRow(table, row);
      this.#statements.prepare(upsert).run(...columns.map((column) => stored[column] ?? null));
      if (tag === undefined) continue;
      if (untag !== undefined) this.#statements.prepare(untag).run(row.id);
      for (const text of tagsOf(row as never)) this.#statements.prepare(tag).run(text, ...columns.slice(0, -1).map((column) => stored[column] ?? null));
    }
  }

  #writerOf(table: TableName): Writer {
    const known = this.#writers.get(table);
    if (known !== undefined) return known;
    const columns = ['id', ...columnsOf(table), 'row'];
    const upsert = this.#db
      .insertInto(this.#nameOf(table))
      .values(Object.fromEntries(columns.map((column) => [column, ''])))
      .onConflict((clash) => clash.column('id').doUpdateSet((row) => Object.fromEntries(changingColumnsOf(table).map((column) => [column, row.ref(`excluded.${column}`)]))))
      .compile().sql;
    const tags = this.#tagsOf(table);
    const tag = isTagged(table) ? this.#taggingOf(table, ['tag', ...columns.slice(0, -1)]) : undefined;
    const untag = isTagged(table) && isMoving(table) ? this.#db.deleteFrom(tags).where('id', '=', '').compile().sql : undefined;
    const writer = { columns, upsert, tag, untag };
    this.#writers.set(table, writer);
    return writer;
  }

  /** A tag of a row, with what lists of it filter and sort by; what can change is brought up to date. */
  #taggingOf(table: TableName, columns: readonly string[]): string {
    const changing = columnsOf(table).filter((column) => changingColumnsOf(table).includes(column) && column !== LISTS[table].time);
    return this.#db
      .insertInto(this.#tagsOf(table))
      .values(Object.fromEntries(columns.map((column) => [column, ''])))
      .onConflict((clash) => (changing.length === 0 ? clash.doNothing() : clash.columns(['tag', LISTS[table].time, 'id']).doUpdateSet((row) => Object.fromEntries(changing.map((column) => [column, row.ref(`excluded.${column}`)])))))
      .compile().sql;
  }

  /** Driven by an index of the rows, or of the first tag that is asked for: it gives the order, and narrows on the way. */
  #select(table: TableName, plan: ListPlan): SelectQueryBuilder<AnySchema, string, object> {
    const [first, ...others] = plan.tags;
    const listed = first === undefined ? 'rows' : 'tagged';
    const column = (name: string): string => `${listed}.${name}`;
    const rows = `${this.#nameOf(table)} as rows`;
    // a cross join is what SQLite leaves in the order that it was written in
    const start = first === undefined ? this.#db.selectFrom(rows) : this.#db.selectFrom(`${this.#tagsOf(table)} as tagged`).crossJoin(rows).whereRef('rows.id', '=', 'tagged.id').where('tagged.tag', '=', first);
    let query = start as unknown as SelectQueryBuilder<AnySchema, string, object>;
    for (const [field, value] of plan.where) query = query.where(column(field), '=', value);
    for (const tag of others) {
      query = query.where(sql<boolean>`exists (select 1 from ${sql.table(this.#tagsOf(table))} as other where other.tag = ${tag} and other.${sql.ref(plan.time)} = ${sql.ref(column(plan.time))} and other.id = ${sql.ref(column('id'))})`);
    }
    if (plan.prefix !== null) query = query.where(column('id'), '>=', plan.prefix).where(column('id'), '<', `${plan.prefix}\u{10ffff}`);
    if (plan.from !== null) query = query.where(column(plan.time), '>=', plan.from);
    if (plan.to !== null) query = query.where(column(plan.time), '<', plan.to);
    const [key, id] = [column(plan.sort), column('id')];
    if (plan.sort !== plan.time) query = query.where(key, 'is not', null);
    if (plan.after !== null) query = query.where(sql<boolean>`(${sql.ref(key)}, ${sql.ref(id)}) ${sql.raw(plan.descending ? '<' : '>')} (${plan.after.key}, ${plan.after.id})`);
    const direction = plan.descending ? 'desc' : 'asc';
    return query.select('rows.row as row').orderBy(key, direction).orderBy(id, direction).limit(plan.limit + 1);
  }

  #createTags(table: TableName): readonly string[] {
    const { schema } = this.#db;
    const name = this.#tagsOf(table);
    const { time } = LISTS[table];
    const made = ['tag', 'id', ...columnsOf(table)]
      .reduce((all, column) => all.addColumn(column, typeOf(column), (type) => (['tag', 'id', time].includes(column) ? type.notNull() : type)), schema.createTable(name))
      .addPrimaryKeyConstraint(`${name}_key`, ['tag', time, 'id'] as never)
      .modifyEnd(sql`without rowid`);
    const indexes = [...tagIndexesOf(table), ...(isMoving(table) ? [['id']] : [])];
    return [made.compile().sql, ...indexes.map((columns) => this.#indexOn(name, columns))];
  }

  #indexOn(table: string, columns: readonly string[]): string {
    return this.#db.schema.createIndex(indexName(table, columns)).ifNotExists().on(table).columns([...columns]).compile().sql;
  }

  #nameOf(table: TableName): string {
    return `${table}_${this.number}`;
  }

  #tagsOf(table: TableName): string {
    return `${table}_tag_${this.number}`;
  }
}

function typeOf(column: string): 'integer' | 'text' {
  return column === 'costMicroUsd' ? 'integer' : 'text';
}

function indexName(table: string, columns: readonly string[]): string {
  return `${table}_${columns.join('_')}`;
}
