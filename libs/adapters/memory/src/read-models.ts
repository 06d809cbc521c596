import { Fault, LISTS, TABLES, assertUnmoved, listPlan, listValue, nextCursor } from '@maestro/ports';
import type { Cursor, FoldedBatch, ListPage, ListPlan, ListQuery, ReadModels, ReadModelsStatus, Rows, Side, SideStatus, TableName } from '@maestro/ports';

type Tables = { readonly [T in TableName]: Map<string, Rows[T]> };
type Generation = { readonly tables: Tables; readonly projection: number | null; position: Cursor | null; events: number };
type AnyRow = Rows[TableName] & { readonly [field: string]: unknown };

/** Query models in memory: for tests, and for deployments that keep nothing between starts. */
export class MemoryReadModels implements ReadModels {
  #served = emptyGeneration(null);
  #filling: Generation | null = null;
  #requested = false;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  async get<T extends TableName>(table: T, ids: readonly string[], side: Side = 'served'): Promise<ReadonlyMap<string, Rows[T]>> {
    const rows: ReadonlyMap<string, Rows[T]> = this.#on(side).tables[table];
    return new Map(ids.flatMap((id) => {
      const row = rows.get(id);
      return row === undefined ? [] : [[id, row] as const];
    }));
  }

  async list<T extends TableName>(table: T, query: ListQuery<T>): Promise<ListPage<Rows[T]>> {
    const { tables } = this.#on('served');
    const plan = listPlan(table, query);
    const rows = ([...tables[table].values()] as unknown as AnyRow[]).filter((row) => isListed(table, plan, row)).sort((a, b) => compare(plan, a, b));
    const page = rows.slice(0, plan.limit) as unknown as Rows[T][];
    const last = page.at(-1);
    return { rows: page, next: rows.length > page.length && last !== undefined ? nextCursor(table, plan, last) : null };
  }

  async apply({ cursor, events, upserts, expected }: FoldedBatch, side: Side = 'served'): Promise<void> {
    if (side === 'filling' && this.#filling === null) throw nothingFilled();
    const generation = this.#on(side);
    assertUnmoved('the read model', expected, generation.position);
    for (const table of TABLES) {
      const rows = generation.tables[table] as Map<string, Rows[TableName]>;
      for (const row of upserts[table] ?? []) rows.set(row.id, row);
    }
    generation.position = cursor;
    generation.events += events;
  }

  async position(side: Side = 'served'): Promise<Cursor | null> {
    return this.#on(side).position;
  }

  async status(): Promise<ReadModelsStatus> {
    return { served: statusOf(this.#on('served')), filling: this.#filling && statusOf(this.#filling), rebuildRequested: this.#requested };
  }

  async reset(projection: number): Promise<void> {
    this.#assertOpen();
    this.#served = emptyGeneration(projection);
    this.#filling = null;
  }

  async beginRebuild(projection: number): Promise<void> {
    this.#assertOpen();
    if (this.#filling?.projection !== projection) this.#filling = emptyGeneration(projection);
  }

  async swap(expected?: Cursor | null): Promise<void> {
    assertUnmoved('the read model', expected, this.#served.position);
    if (expected !== undefined && this.#filling === null) throw nothingFilled();
    this.#served = this.#on('filling');
    this.#filling = null;
    this.#requested = false;
  }

  async requestRebuild(): Promise<void> {
    this.#assertOpen();
    this.#requested = true;
    for (const wake of this.#waiting) wake();
  }

  async rebuildRequested(signal: AbortSignal): Promise<boolean> {
    this.#assertOpen();
    if (!this.#requested && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
    return this.#requested && !signal.aborted;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #on(side: Side): Generation {
    this.#assertOpen();
    const generation = side === 'served' ? this.#served : this.#filling;
    if (generation === null) throw new Error('nothing is being filled: beginRebuild comes first');
    return generation;
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the read models are closed');
  }
}

function emptyGeneration(projection: number | null): Generation {
  return { tables: { execution: new Map(), workflow: new Map(), command: new Map(), decision: new Map(), audit: new Map(), receipt: new Map() }, projection, position: null, events: 0 };
}

function nothingFilled(): Fault {
  return new Fault('STATE_MOVED', 'no tables are filling any more: another process has swapped or dropped them; read the status again', { retryable: true });
}

function statusOf({ projection, position, events }: Generation): SideStatus {
  return { projection, position, events };
}

function isListed(table: TableName, plan: ListPlan, row: AnyRow): boolean {
  const key = keyOf(plan, row);
  const at = String(row[plan.time]);
  const tags: readonly string[] = plan.tags.length === 0 ? [] : LISTS[table].tagsOf(row as never);
  return (
    key !== null &&
    plan.where.every(([field, value]) => listValue(row[field]) === value) &&
    plan.tags.every((tag) => tags.includes(tag)) &&
    (plan.prefix === null || row.id.startsWith(plan.prefix)) &&
    (plan.from === null || at >= plan.from) &&
    (plan.to === null || at < plan.to) &&
    (plan.after === null || comparePlaces(plan, plan.after, { key, id: row.id }) < 0)
  );
}

function compare(plan: ListPlan, a: AnyRow, b: AnyRow): number {
  return comparePlaces(plan, { key: keyOf(plan, a) ?? '', id: a.id }, { key: keyOf(plan, b) ?? '', id: b.id });
}

type Place = { readonly key: string | number; readonly id: string };

/** Below zero: `a` comes first in this list. */
function comparePlaces({ descending }: ListPlan, a: Place, b: Place): number {
  const order = a.key === b.key ? Number(a.id > b.id) - Number(a.id < b.id) : a.key < b.key ? -1 : 1;
  return descending ? -order : order;
}

function keyOf({ sort }: ListPlan, row: AnyRow): string | number | null {
  return (row[sort] ?? null) as string | number | null;
}
