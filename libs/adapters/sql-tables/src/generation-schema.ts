import { LISTS, TABLES } from '@maestro/ports';
import type { TableName } from '@maestro/ports';
import type { Kysely, RawBuilder } from 'kysely';
import { columnsOf, indexesOf, isMoving, isTagged, tagIndexesOf, typedColumn } from './table-columns.ts';
import type { AnySchema, ViewsDialect } from './views-dialect.ts';

/** Name of the table with one kind of rows. */
export function rowTable(table: TableName, generation: number): string {
  return `${table}_${generation}`;
}

/** Name of the table with their tags. */
export function tagTable(table: TableName, generation: number): string {
  return `${table}_tag_${generation}`;
}

/** The tables of one generation as statements: one for each kind of row, one for its tags, and their indexes. */
export class GenerationSchema {
  readonly #number: number;
  readonly #db: Kysely<AnySchema>;
  readonly #dialect: ViewsDialect;

  constructor(number: number, db: Kysely<AnySchema>, dialect: ViewsDialect) {
    this.#number = number;
    this.#db = db;
    this.#dialect = dialect;
  }

  /** Names of all its tables. */
  tables(): readonly string[] {
    return TABLES.flatMap((table) => [rowTable(table, this.#number), ...(isTagged(table) ? [tagTable(table, this.#number)] : [])]);
  }

  /** Statements that make all tables and indexes of it. */
  createStatements(): readonly string[] {
    const { schema } = this.#db;
    const { textType } = this.#dialect;
    return TABLES.flatMap((table) => {
      const name = rowTable(table, this.#number);
      const start = schema
        .createTable(name)
        .addColumn('id', textType as RawBuilder<never>, (column) => column.primaryKey())
        .addColumn('row', 'text', (column) => column.notNull());
      const made = columnsOf(table).reduce((all, column) => all.addColumn(column, this.#typeOf(column)), start);
      const indexes = indexesOf(table).map(
        (columns) =>
          schema
            .createIndex(indexName(name, columns))
            .on(name)
            .columns([...columns])
            .compile().sql,
      );
      return [made.compile().sql, ...indexes, ...(isTagged(table) ? this.#createTags(table) : [])];
    });
  }

  /** Statements that make the indexes on tags that it does not have yet. */
  indexStatements(): readonly string[] {
    return TABLES.filter(isTagged).flatMap((table) => tagIndexesOf(table).map((columns) => this.#indexOn(tagTable(table, this.#number), columns)));
  }

  /** Statements that drop all of it, each small enough to be carried out alone, and harmless when repeated. */
  dropStatements(): readonly string[] {
    const { schema } = this.#db;
    return TABLES.flatMap((table) => {
      const [name, tags] = [rowTable(table, this.#number), tagTable(table, this.#number)];
      const indexes = !this.#dialect.dropsIndexesFirst
        ? []
        : [...indexesOf(table).map((columns) => indexName(name, columns)), ...tagIndexesOf(table).map((columns) => indexName(tags, columns))];
      return [
        ...indexes.map((index) => schema.dropIndex(index).ifExists().compile().sql),
        ...[tags, name].map((each) => schema.dropTable(each).ifExists().compile().sql),
      ];
    });
  }

  #createTags(table: TableName): readonly string[] {
    const name = tagTable(table, this.#number);
    const { time } = LISTS[table];
    const { keyedTableEnd } = this.#dialect;
    const made = ['tag', 'id', ...columnsOf(table)]
      .reduce(
        (all, column) => all.addColumn(column, this.#typeOf(column), (type) => (['tag', 'id', time].includes(column) ? type.notNull() : type)),
        this.#db.schema.createTable(name),
      )
      .addPrimaryKeyConstraint(`${name}_key`, ['tag', time, 'id'] as never);
    const indexes = [...tagIndexesOf(table), ...(isMoving(table) ? [['id']] : [])];
    return [(keyedTableEnd === null ? made : made.modifyEnd(keyedTableEnd)).compile().sql, ...indexes.map((columns) => this.#indexOn(name, columns))];
  }

  #indexOn(table: string, columns: readonly string[]): string {
    return this.#db.schema
      .createIndex(indexName(table, columns))
      .ifNotExists()
      .on(table)
      .columns([...columns])
      .compile().sql;
  }

  #typeOf(column: string): RawBuilder<never> {
    const { textType, integerType } = this.#dialect;
    return (typedColumn(column).type === 'integer' ? integerType : textType) as RawBuilder<never>;
  }
}

function indexName(table: string, columns: readonly string[]): string {
  return `${table}_${columns.join('_')}`;
}
