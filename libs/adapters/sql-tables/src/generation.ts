import { LISTS, TABLES, listPlan, nextCursor } from '@maestro/ports';
import type { ListPage, ListPlan, ListQuery, Rows, TableName, Upserts } from '@maestro/ports';
import { sql } from 'kysely';
import type { Compilable, Kysely, RawBuilder, SelectQueryBuilder } from 'kysely';
import { rowTable, tagTable } from './generation-schema.ts';
import { provedRow } from './proved-row.ts';
import type { Statement, Steps, Value } from './steps.ts';
import { changingColumnsOf, columnsOf, isMoving, isTagged, storedRow, typedColumn } from './table-columns.ts';
import type { StoredRow } from './table-columns.ts';
import type { AnySchema, DamageNotice, Insert, ViewsDialect } from './views-dialect.ts';

type Writer = { readonly columns: readonly string[]; readonly upsert: string; readonly tag: string | undefined; readonly untag: string | undefined };

/**
 * Rows of one generation, each with its tags. Two generations live side by side while one of them is being filled.
 * Kysely says the statements, and they are carried out by whoever has the connection.
 */
export class Generation {
  readonly number: number;
  readonly #db: Kysely<AnySchema>;
  readonly #dialect: ViewsDialect;
  readonly #notice: DamageNotice;
  readonly #writers = new Map<TableName, Writer>();

  constructor(number: number, db: Kysely<AnySchema>, dialect: ViewsDialect, notice: DamageNotice) {
    this.number = number;
    this.#db = db;
    this.#dialect = dialect;
    this.#notice = notice;
  }

  *get<T extends TableName>(table: T, ids: readonly string[]): Steps<ReadonlyMap<string, Rows[T]>> {
    const found = new Map<string, Rows[T]>();
    const { idsPerStatement, idIn, kept } = this.#dialect;
    for (let at = 0; at < ids.length; at += idsPerStatement) {
      const part = ids.slice(at, at + idsPerStatement).map((id) => String(kept(id)));
      for (const row of yield* this.#rowsOf(table, this.#db.selectFrom(this.#nameOf(table)).select('row').where(idIn(part)))) found.set(row.id, row);
    }
    return found;
  }

  *list<T extends TableName>(table: T, query: ListQuery<T>): Steps<ListPage<Rows[T]>> {
    const plan = listPlan(table, query);
    const found = yield* this.#rowsOf(table, this.#select(table, plan));
    const rows = found.slice(0, plan.limit);
    const last = rows.at(-1);
    return { rows, next: found.length > rows.length && last !== undefined ? nextCursor(table, plan, last) : null };
  }

  /** Up to `limit` rows of a table by their ids, from the one after `after` on; each is proved. */
  *page<T extends TableName>(table: T, after: string, limit: number): Steps<readonly Rows[T][]> {
    return yield* this.#rowsOf(
      table,
      this.#db.selectFrom(this.#nameOf(table)).select('row').where('id', '>', this.#dialect.kept(after)).orderBy('id').limit(limit),
    );
  }

  /** Within the caller's transaction. */
  *upsert(upserts: Upserts): Steps<void> {
    for (const table of TABLES) {
      // of two of the same id the later one counts
      const rows = new Map((upserts[table] ?? []).map((row: Rows[TableName]) => [row.id, row]));
      if (rows.size > 0) yield* this.#upsertRows(table, [...rows.values()]);
    }
  }

  *#rowsOf<T extends TableName>(table: T, query: Compilable): Steps<readonly Rows[T][]> {
    const found = yield statementOf(query);
    return found.map(({ row }) => provedRow(table, String(row), this.#notice));
  }

  *#upsertRows<T extends TableName>(table: T, rows: readonly Rows[T][]): Steps<void> {
    const { columns, upsert, tag, untag } = this.#writerOf(table);
    const { kept } = this.#dialect;
    const { tagsOf } = LISTS[table];
    const valuesOf = (stored: StoredRow): Value[] => columns.map((column) => kept(stored[column] ?? null));
    const all = rows.map((row) => ({ row, values: valuesOf(storedRow(table, row)) }));
    yield { sql: upsert, rows: all.map(({ values }) => values) };
    if (untag !== undefined) yield { sql: untag, rows: rows.map(({ id }) => [kept(id)]) };
    const tags = tag === undefined ? [] : all.flatMap(({ row, values }) => tagsOf(row as never).map((text) => [kept(text), ...values.slice(0, -1)]));
    if (tag !== undefined && tags.length > 0) yield { sql: tag, rows: tags };
  }

  #writerOf(table: TableName): Writer {
    const known = this.#writers.get(table);
    if (known !== undefined) return known;
    const columns = ['id', ...columnsOf(table), 'row'];
    const upsert = this.#insertInto(this.#nameOf(table), columns)
      .onConflict((clash) =>
        clash.column('id').doUpdateSet((row) => Object.fromEntries(changingColumnsOf(table).map((column) => [column, row.ref(`excluded.${column}`)]))),
      )
      .compile().sql;
    const tag = isTagged(table) ? this.#taggingOf(table, ['tag', ...columns.slice(0, -1)]) : undefined;
    const untag = isTagged(table) && isMoving(table) ? this.#db.deleteFrom(this.#tagsOf(table)).where(this.#dialect.idOfRow).compile().sql : undefined;
    const writer = { columns, upsert, tag, untag };
    this.#writers.set(table, writer);
    return writer;
  }

  /** A tag of a row, with what lists of it filter and sort by; what can change is brought up to date. */
  #taggingOf(table: TableName, columns: readonly string[]): string {
    const changing = columnsOf(table).filter((column) => changingColumnsOf(table).includes(column) && column !== LISTS[table].time);
    return this.#insertInto(this.#tagsOf(table), columns)
      .onConflict((clash) =>
        changing.length === 0
          ? clash.doNothing()
          : clash
              .columns(['tag', LISTS[table].time, 'id'])
              .doUpdateSet((row) => Object.fromEntries(changing.map((column) => [column, row.ref(`excluded.${column}`)]))),
      )
      .compile().sql;
  }

  #insertInto(table: string, columns: readonly string[]): Insert {
    return this.#dialect.withRows(this.#db.insertInto(table), columns.map(typedColumn));
  }

  /** Driven by an index of the rows, or of the first tag that is asked for: it gives the order, and narrows on the way. */
  #select(table: TableName, plan: ListPlan): SelectQueryBuilder<AnySchema, string, object> {
    const { kept } = this.#dialect;
    const [first, ...others] = plan.tags;
    const listed = first === undefined ? 'rows' : 'tagged';
    const column = (name: string): string => `${listed}.${name}`;
    const rows = `${this.#nameOf(table)} as rows`;
    // a cross join is what SQLite leaves in the order that it was written in
    const start =
      first === undefined
        ? this.#db.selectFrom(rows)
        : this.#db
            .selectFrom(`${this.#tagsOf(table)} as tagged`)
            .crossJoin(rows)
            .whereRef('rows.id', '=', 'tagged.id')
            .where('tagged.tag', '=', kept(first));
    let query = start as unknown as SelectQueryBuilder<AnySchema, string, object>;
    for (const [field, value] of plan.where) query = query.where(column(field), '=', kept(value));
    for (const tag of others) query = query.where(this.#hasTag(table, plan.time, listed, String(kept(tag))));
    if (plan.prefix !== null) query = query.where(column('id'), '>=', kept(plan.prefix)).where(column('id'), '<', `${String(kept(plan.prefix))}\u{10ffff}`);
    if (plan.from !== null) query = query.where(column(plan.time), '>=', kept(plan.from));
    if (plan.to !== null) query = query.where(column(plan.time), '<', kept(plan.to));
    const [key, id] = [column(plan.sort), column('id')];
    if (plan.sort !== plan.time) query = query.where(key, 'is not', null);
    if (plan.after !== null)
      query = query.where(
        sql<boolean>`(${sql.ref(key)}, ${sql.ref(id)}) ${sql.raw(plan.descending ? '<' : '>')} (${kept(plan.after.key)}, ${kept(plan.after.id)})`,
      );
    const direction = plan.descending ? 'desc' : 'asc';
    return query
      .select('rows.row as row')
      .orderBy(key, direction)
      .orderBy(id, direction)
      .limit(plan.limit + 1);
  }

  #hasTag(table: TableName, time: string, listed: string, tag: string): RawBuilder<boolean> {
    return sql<boolean>`exists (select 1 from ${sql.table(this.#tagsOf(table))} as other where other.tag = ${tag} and other.${sql.ref(time)} = ${sql.ref(`${listed}.${time}`)} and other.id = ${sql.ref(`${listed}.id`)} ${this.#dialect.probeEnd})`;
  }

  #nameOf(table: TableName): string {
    return rowTable(table, this.number);
  }

  #tagsOf(table: TableName): string {
    return tagTable(table, this.number);
  }
}

/** Without what Kysely keeps beside it. */
export function statementOf(query: Compilable): Statement {
  const { sql: text, parameters } = query.compile();
  return { sql: text, parameters };
}
