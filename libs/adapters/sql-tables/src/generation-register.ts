import { hash } from 'node:crypto';
import { Fault } from '@maestro/ports';
import type { Cursor, Side, SideStatus } from '@maestro/ports';
import type { Kysely } from 'kysely';
import type { Found, Statement, Steps } from './steps.ts';
import type { AnySchema, DamageNotice } from './views-dialect.ts';

/** Begins the side of tables that were served before a swap and are not dropped yet. */
const DROPPED = 'dropped-';

/** A row of the register. `side`: `served`, `filling`, or `dropped-<number>`. */
export type Registered = { readonly number: number; readonly side: string } & SideStatus;

/** 64 hex, over all that a row of the register says. */
export function registeredDigest({ number, side, projection, position, events }: Registered): string {
  return hash('sha256', JSON.stringify([number, side, projection, position, events]));
}

/** Which tables are served, and up to where they reach; every row is proved by its digest when it is read. */
export class GenerationRegister {
  readonly #db: Kysely<AnySchema>;
  readonly #notice: DamageNotice;
  readonly #all: Statement;

  constructor(db: Kysely<AnySchema>, notice: DamageNotice) {
    this.#db = db;
    this.#notice = notice;
    this.#all = db.selectFrom('generation').select(['number', 'side', 'projection', 'position', 'events', 'digest']).orderBy('number').compile();
  }

  *find(side: Side): Steps<Registered | undefined> {
    return (yield* this.all()).find((row) => row.side === side);
  }

  /** Numbers of tables that a swap or a crash has left to be dropped. */
  *unserved(): Steps<readonly number[]> {
    return (yield* this.all()).flatMap(({ number, side }) => (side.startsWith(DROPPED) ? [number] : []));
  }

  /** A new row for empty tables; answers it. */
  *add(side: Side, projection: number): Steps<Registered> {
    const number = Math.max(0, ...(yield* this.all()).map((row) => row.number)) + 1;
    const added = { number, side, projection, position: null, events: 0 };
    yield this.#db
      .insertInto('generation')
      .values({ ...added, digest: registeredDigest(added) })
      .compile();
    return added;
  }

  *moved(row: Registered, position: Cursor, events: number): Steps<void> {
    yield* this.#write({ ...row, position, events: row.events === null ? null : row.events + events });
  }

  /** In the caller's transaction: what was filled is served, what was served waits to be dropped. */
  *swap(filled: Registered, served: Registered): Steps<void> {
    yield* this.#write({ ...served, side: `${DROPPED}${served.number}` });
    yield* this.#write({ ...filled, side: 'served' });
  }

  *remove(number: number): Steps<void> {
    yield this.#db.deleteFrom('generation').where('number', '=', number).compile();
  }

  /** There are three at most. */
  *all(): Steps<readonly Registered[]> {
    const statement = this.#all;
    const found = yield statement;
    return found.map((row) => {
      const registered = registeredOf(row);
      if (registeredDigest(registered) === row['digest']) return registered;
      const { what, remedy } = this.#notice;
      throw new Fault('STORE_DAMAGED', `${what} are damaged: a row of their register does not match its digest; ${remedy}`);
    });
  }

  *#write(row: Registered): Steps<void> {
    const { number, side, position, events } = row;
    yield this.#db
      .updateTable('generation')
      .set({ side, position, events, digest: registeredDigest(row) })
      .where('number', '=', number)
      .compile();
  }
}

/** Drivers give integers of 64 bits as text. */
export function registeredOf({ number, side, projection, position, events }: Found): Registered {
  const integer = (value: unknown): number | null => (value === null ? null : Number(value));
  return {
    number: Number(number),
    side: String(side),
    projection: integer(projection),
    position: position === null ? null : String(position),
    events: integer(events),
  };
}
