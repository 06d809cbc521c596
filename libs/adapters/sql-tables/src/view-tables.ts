import { Fault, assertUnmoved } from '@maestro/ports';
import type { Cursor, FoldedBatch, ListPage, ListQuery, ReadModelsStatus, Rows, Side, SideStatus, TableName } from '@maestro/ports';
import type { Kysely } from 'kysely';
import { GenerationRegister } from './generation-register.ts';
import type { Registered } from './generation-register.ts';
import { GenerationSchema } from './generation-schema.ts';
import { Generation, statementOf } from './generation.ts';
import type { Statement, Steps } from './steps.ts';
import type { AnySchema, DamageNotice, ViewsDialect } from './views-dialect.ts';


/**
 * What read models do to their tables, on any database. What writes is one transaction of its caller's, and its caller
 * lets one of them in at a time.
 * T1. Which generation is served is asked of the register at each call: another process may have swapped it.
 * T2. What was served before a swap is only marked in it, and dropped afterwards, a statement at a time.
 */
export class ViewTables {
  readonly #db: Kysely<AnySchema>;
  readonly #dialect: ViewsDialect;
  readonly #notice: DamageNotice;
  readonly #register: GenerationRegister;
  readonly #generations = new Map<number, Generation>();
  readonly #request: Statement;

  constructor(db: Kysely<AnySchema>, dialect: ViewsDialect, notice: DamageNotice) {
    this.#db = db;
    this.#dialect = dialect;
    this.#notice = notice;
    this.#register = new GenerationRegister(db, notice);
    this.#request = statementOf(db.selectFrom('rebuild_request').select('only'));
  }

  *get<T extends TableName>(table: T, ids: readonly string[], side: Side): Steps<ReadonlyMap<string, Rows[T]>> {
    return yield* (yield* this.#on(side)).get(table, ids);
  }

  *list<T extends TableName>(table: T, query: ListQuery<T>): Steps<ListPage<Rows[T]>> {
    return yield* (yield* this.#on('served')).list(table, query);
  }

  /** Up to `limit` rows that are served, by their ids, from the one after `after` on; each is proved. */
  *page<T extends TableName>(table: T, after: string, limit: number): Steps<readonly Rows[T][]> {
    return yield* (yield* this.#on('served')).page(table, after, limit);
  }

  /** `isRepeat`: an earlier attempt may have been committed, and then nothing is left to do. Fault: STATE_MOVED. */
  *apply({ cursor, events, upserts, expected }: FoldedBatch, side: Side, isRepeat = false): Steps<void> {
    const row = yield* this.#find(side);
    if (row === undefined) throw noTables(side);
    if (isRepeat && expected !== undefined && expected !== cursor && row.position === cursor) return;
    assertUnmoved('the read model', expected, row.position);
    yield* this.#generation(row).upsert(upserts);
    yield* this.#register.moved(row, cursor, events);
  }

  *position(side: Side): Steps<Cursor | null> {
    return (yield* this.#find(side))?.position ?? null;
  }

  *status(): Steps<ReadModelsStatus> {
    const served = sideStatus(yield* this.#registered('served'));
    const filling = yield* this.#find('filling');
    return { served, filling: filling === undefined ? null : sideStatus(filling), rebuildRequested: yield* this.isRequested() };
  }

  *reset(projection: number): Steps<void> {
    yield* this.#drop('filling');
    yield* this.#drop('served');
    yield* this.#create('served', projection);
  }

  *beginRebuild(projection: number): Steps<void> {
    const filling = yield* this.#register.find('filling');
    if (filling?.projection === projection) return;
    yield* this.#drop('filling');
    yield* this.#create('filling', projection);
  }

  /** Fault: STATE_MOVED. */
  *swap(expected: Cursor | null | undefined): Steps<void> {
    const served = yield* this.#registered('served');
    assertUnmoved('the read model', expected, served.position);
    if (expected !== undefined && (yield* this.#register.find('filling')) === undefined) throw noTables('filling');
    yield* this.#register.swap(yield* this.#registered('filling'), served);
    yield statementOf(this.#db.deleteFrom('rebuild_request'));
  }

  *request(): Steps<void> {
    yield statementOf(
      this.#db
        .insertInto('rebuild_request')
        .values({ only: 1 })
        .onConflict((clash) => clash.doNothing()),
    );
  }

  *isRequested(): Steps<boolean> {
    const request = this.#request;
    return (yield request).length > 0;
  }

  /** Names of the tables of a side; none: it has none. */
  *tablesOf(side: Side): Steps<readonly string[]> {
    const row = yield* this.#register.find(side);
    return row === undefined ? [] : this.#schema(row.number).tables();
  }

  /** Generations that are served no more. */
  *unserved(): Steps<readonly number[]> {
    return yield* this.#register.unserved();
  }

  /** What drops the tables of one; each is a transaction of its own, and the last one forgets it. */
  *dropSteps(number: number): Generator<Steps<void>, void, void> {
    for (const text of this.#schema(number).dropStatements()) yield statement(text);
    yield this.#forget(number);
  }

  *#on(side: Side): Steps<Generation> {
    return this.#generation(yield* this.#registered(side));
  }

  /** Undefined: none is filling. Some are always served, from the first start on. Fault: STORE_DAMAGED. */
  *#find(side: Side): Steps<Registered | undefined> {
    const row = yield* this.#register.find(side);
    if (row !== undefined || side !== 'served') return row;
    const { what, remedy } = this.#notice;
    throw new Fault('STORE_DAMAGED', `${what} are damaged: their register does not say which tables are served; ${remedy}`);
  }

  *#registered(side: Side): Steps<Registered> {
    const row = yield* this.#find(side);
    if (row === undefined) throw new Error(`no tables are ${side}: beginRebuild comes first`);
    return row;
  }

  #generation({ number }: Pick<Registered, 'number'>): Generation {
    const known = this.#generations.get(number) ?? new Generation(number, this.#db, this.#dialect, this.#notice);
    this.#generations.set(number, known);
    return known;
  }

  #schema(number: number): GenerationSchema {
    return new GenerationSchema(number, this.#db, this.#dialect);
  }

  *#create(side: Side, projection: number): Steps<void> {
    const { number } = yield* this.#register.add(side, projection);
    for (const text of this.#schema(number).createStatements()) yield* statement(text);
  }

  *#drop(side: Side): Steps<void> {
    const row = yield* this.#register.find(side);
    if (row === undefined) return;
    for (const text of this.#schema(row.number).dropStatements()) yield* statement(text);
    yield* this.#forget(row.number);
  }

  *#forget(number: number): Steps<void> {
    yield* this.#register.remove(number);
    this.#generations.delete(number);
  }
}

function* statement(text: string): Steps<void> {
  yield { sql: text, parameters: [] };
}

function noTables(side: Side): Fault {
  return new Fault('STATE_MOVED', `no tables are ${side} any more: another process has swapped or dropped them; read the status again`, { retryable: true });
}

function sideStatus({ projection, position, events }: Registered): SideStatus {
  return { projection, position, events };
}
