import { hash } from 'node:crypto';
import { Fault } from '@maestro/ports';
import type { Cursor, Side, SideStatus } from '@maestro/ports';
import type { StatementCache } from './kysely-dialect.ts';

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
  readonly #statements: StatementCache;

  constructor(statements: StatementCache) {
    this.#statements = statements;
  }

  find(side: Side): Registered | undefined {
    return this.all().find((row) => row.side === side);
  }

  /** Numbers of tables that a swap or a crash has left to be dropped. */
  unserved(): readonly number[] {
    return this.all().flatMap(({ number, side }) => (side.startsWith(DROPPED) ? [number] : []));
  }

  /** A new row for empty tables; answers it. */
  add(side: Side, projection: number): Registered {
    const number = Math.max(0, ...this.all().map((row) => row.number)) + 1;
    const added = { number, side, projection, position: null, events: 0 };
    this.#statements.prepare('INSERT INTO generation (number, side, projection, position, events, digest) VALUES (?, ?, ?, NULL, 0, ?)').run(number, side, projection, registeredDigest(added));
    return added;
  }

  moved(row: Registered, position: Cursor, events: number): void {
    this.#write({ ...row, position, events: row.events === null ? null : row.events + events });
  }

  /** In the caller's transaction: what was filled is served, what was served waits to be dropped. */
  swap(filled: Registered, served: Registered): void {
    this.#write({ ...served, side: `${DROPPED}${served.number}` });
    this.#write({ ...filled, side: 'served' });
  }

  remove(number: number): void {
    this.#statements.prepare('DELETE FROM generation WHERE number = ?').run(number);
  }

  /** There are three at most. */
  all(): readonly Registered[] {
    const rows = this.#statements.prepare('SELECT number, side, projection, position, events, digest FROM generation ORDER BY number').all();
    return rows.map(({ digest, ...row }) => {
      const registered = { ...row } as Registered;
      if (registeredDigest(registered) === digest) return registered;
      throw new Fault('STORE_DAMAGED', 'the read models (views.db) are damaged: a row of their register does not match its digest; they are made again from the events: ./maestro doctor --repair');
    });
  }

  #write(row: Registered): void {
    const { number, side, position, events } = row;
    this.#statements.prepare('UPDATE generation SET side = ?, position = ?, events = ?, digest = ? WHERE number = ?').run(side, position, events, registeredDigest(row), number);
  }
}
