import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SqliteDialect } from 'kysely';

/** Statements kept prepared; lists are few shapes, so this is far more than are in use. */
const STATEMENTS_MAX = 200;

/** Prepared statements by their text, the least recently used one given up first. SQLite prepares them again by itself when tables change. */
export class StatementCache {
  readonly #database: DatabaseSync;
  readonly #kept = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(text: string): StatementSync {
    const statement = this.#kept.get(text) ?? this.#database.prepare(text);
    this.#kept.delete(text);
    this.#kept.set(text, statement);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > STATEMENTS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return statement;
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** Kysely speaks to better-sqlite3's shape, of which node:sqlite misses only whether a statement answers rows. */
export function dialectOf(database: DatabaseSync, statements: StatementCache): SqliteDialect {
  const shaped = {
    close: () => database.close(),
    prepare: (text: string) => {
      const statement = statements.prepare(text);
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly never[]) => statement.all(...parameters),
        run: (parameters: readonly never[]) => statement.run(...parameters),
        iterate: (parameters: readonly never[]) => statement.iterate(...parameters),
      };
    },
  };
  return new SqliteDialect({ database: shaped as never });
}
