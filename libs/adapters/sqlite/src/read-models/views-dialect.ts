import type { ViewsDialect } from '@maestro/sql-tables';
import { sql } from 'kysely';

/** How read models speak to SQLite: rows are written one by one with a statement that stays prepared. */
export const SQLITE_VIEWS: ViewsDialect = {
  // compared as bytes unless told otherwise
  textType: sql`text`,
  integerType: sql`integer`,
  keyedTableEnd: sql`without rowid`,
  // every page of it goes to the list of free ones
  dropsIndexesFirst: true,
  probeEnd: sql``,
  // SQLite bounds the length of what json_each is given only by memory; one look-up should not hold others up
  idsPerStatement: 200,
  idIn: (ids) => sql<boolean>`"id" in (select value from json_each(${JSON.stringify(ids)}))`,
  idOfRow: sql<boolean>`"id" = ${''}`,
  withRows: (insert, columns) => insert.values(Object.fromEntries(columns.map(({ name }) => [name, '']))),
  statementsOf: ({ sql: text, rows }) => rows.map((parameters) => ({ sql: text, parameters })),
  kept: (value) => value,
};
