import type { InsertQueryBuilder, InsertResult, RawBuilder } from 'kysely';
import type { RowsStatement, Statement, Value } from './steps.ts';

/** Tables are named by generation, so their columns are known to `table-columns.ts` and not to the compiler. */
export type AnySchema = { [table: string]: { [column: string]: string | number | null } };

/** An insert that has its table, and not yet its values. */
export type Insert = InsertQueryBuilder<AnySchema, string, InsertResult>;

/** A column, and what it holds. */
export type TypedColumn = { readonly name: string; readonly type: 'text' | 'integer' };

/** Where the databases differ. */
export type ViewsDialect = {
  /** text that is compared byte by byte, as UTF-8 */
  readonly textType: RawBuilder<unknown>;
  /** of 64 bits */
  readonly integerType: RawBuilder<unknown>;
  /** what ends the statement that makes a table which is kept in the order of its key */
  readonly keyedTableEnd: RawBuilder<unknown> | null;
  /** dropping a large table takes long, so that its indexes are better dropped one by one before it */
  readonly dropsIndexesFirst: boolean;
  /** what ends a subquery that is to be asked row by row, in the order of its list */
  readonly probeEnd: RawBuilder<unknown>;
  /** ids in one look-up at most */
  readonly idsPerStatement: number;
  /** whether the column `id` is one of these; one text for any number of them */
  readonly idIn: (ids: readonly string[]) => RawBuilder<boolean>;
  /** whether the column `id` is that of the row, or of one of the rows, that a RowsStatement is given */
  readonly idOfRow: RawBuilder<boolean>;
  /** the values of a RowsStatement that inserts */
  readonly withRows: (insert: Insert, columns: readonly TypedColumn[]) => Insert;
  /** carries a RowsStatement out by statements of its own kind */
  readonly statementsOf: (step: RowsStatement) => readonly Statement[];
  /** a value as the database can keep it and compare it */
  readonly kept: (value: Value) => Value;
};

/** What is said when something that was kept is not what was written. */
export type DamageNotice = {
  /** `the read models (views.db)` */
  readonly what: string;
  /** what to do */
  readonly remedy: string;
};
