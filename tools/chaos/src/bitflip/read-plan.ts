import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { openSqliteEventStore, openSqliteReadModels } from '@maestro/adapter-sqlite';
import { sealedPlacesOf } from '@maestro/codec';
import type { SealedValue } from '@maestro/contracts';
import { LISTS, TABLES } from '@maestro/ports';
import type { Cursor, EventStore, EvidenceRef, TableName } from '@maestro/ports';
import { recordedOf } from '@maestro/runtime';

export type SealedAt = { readonly stream: string; readonly revision: number; readonly pointer: string };

/** What there is to ask about a folder; made once, from the sound one, so that what damage hides is asked for, too. */
export type ReadPlan = {
  readonly streams: readonly string[];
  readonly eventCount: number;
  /** places before each page */
  readonly cursors: readonly (Cursor | null)[];
  readonly evidence: readonly EvidenceRef[];
  readonly sealed: readonly SealedAt[];
  readonly dataKeys: readonly string[];
  /** names of what is kept in the process state */
  readonly stateNames: readonly string[];
  readonly rowIds: { readonly [table in TableName]: readonly string[] };
  readonly lists: readonly ListAsked[];
};

export type ListAsked = { readonly table: TableName; readonly where?: { readonly [field: string]: string }; readonly tag?: string; readonly sort?: string; readonly order?: 'asc' };

export const PAGE_EVENTS = 50;
const ROWS_MAX = 200;

/** Reads a sound folder with the adapters that the probes use; leaves it as an end would. */
export async function readPlanOf(folder: string): Promise<ReadPlan> {
  const store = await openSqliteEventStore({ path: join(folder, 'events.db') });
  try {
    return { ...(await recordsOf(store)), stateNames: stateNamesOf(folder), ...(await rowsOf(folder)) };
  } finally {
    await store.close();
  }
}

async function recordsOf(store: EventStore): Promise<Pick<ReadPlan, 'streams' | 'eventCount' | 'cursors' | 'evidence' | 'sealed' | 'dataKeys'>> {
  const streams = new Set<string>();
  let eventCount = 0;
  const cursors: (Cursor | null)[] = [];
  const evidence: EvidenceRef[] = [];
  const sealed: SealedAt[] = [];
  const dataKeys = new Set<string>();
  for (let after: Cursor | null = null; ; ) {
    cursors.push(after);
    const page = await store.readAll({ after, limit: PAGE_EVENTS });
    eventCount += page.events.length;
    for (const stored of page.events) {
      const { event, stream, revision } = recordedOf(stored);
      streams.add(stream);
      if (event.type === 'receipt.signed.v1') evidence.push(event.data.evidence);
      if ('dataKeyId' in event.data && typeof event.data.dataKeyId === 'string') dataKeys.add(event.data.dataKeyId);
      for (const { pointer } of sealedPlacesOf(event)) {
        sealed.push({ stream, revision, pointer });
        const { blob } = valueAt(event.data, pointer);
        if (blob !== undefined) evidence.push({ digest: blob.digest, location: blob.location });
      }
    }
    after = page.next;
    if (page.end) break;
  }
  return { streams: [...streams], eventCount, cursors, evidence, sealed, dataKeys: [...dataKeys] };
}

/** What an event holds at a place of a sealed value. */
export function valueAt(data: unknown, pointer: string): SealedValue {
  const steps = pointer.split('/').slice(1);
  return steps.reduce<unknown>((value, step) => (value as { readonly [member: string]: unknown })[step.replaceAll('~1', '/').replaceAll('~0', '~')], data) as SealedValue;
}

function stateNamesOf(folder: string): readonly string[] {
  const db = new DatabaseSync(join(folder, 'state.db'), { readOnly: true });
  try {
    return db.prepare('SELECT name FROM cursors UNION SELECT name FROM rows ORDER BY 1').all().map(({ name }) => String(name));
  } finally {
    db.close();
  }
}

async function rowsOf(folder: string): Promise<Pick<ReadPlan, 'rowIds' | 'lists'>> {
  const views = await openSqliteReadModels({ path: join(folder, 'views.db') });
  try {
    const rowIds: Record<string, readonly string[]> = {};
    const lists: ListAsked[] = [];
    for (const table of TABLES) {
      const { rows } = await views.list(table, { limit: ROWS_MAX });
      rowIds[table] = rows.map(({ id }) => id);
      lists.push(...listsOf(table, rows as readonly Row[]));
    }
    return { rowIds: rowIds as ReadPlan['rowIds'], lists };
  } finally {
    await views.close();
  }
}

type Row = { readonly [member: string]: unknown };

/** Every list that an index stands behind: each order, each value of each filter, alone and under each tag. */
function listsOf(table: TableName, rows: readonly Row[]): readonly ListAsked[] {
  const { sorts, filters, tagsOf }: { readonly sorts: readonly string[]; readonly filters: readonly string[]; readonly tagsOf: (row: never) => readonly string[] } = LISTS[table];
  const tags = [...new Set(rows.flatMap((row) => tagsOf(row as never)))];
  const wheres = filters.flatMap((field) => [...new Set(rows.map((row) => row[field]))].filter((value) => value !== null && value !== undefined).map((value) => ({ [field]: String(value) })));
  const orders = sorts.flatMap((sort) => [{ table, sort }, { table, sort, order: 'asc' as const }]);
  return [
    ...orders,
    ...wheres.map((where) => ({ table, where })),
    ...tags.flatMap((tag) => [...orders.map((order) => ({ ...order, tag })), ...wheres.map((where) => ({ table, where, tag }))]),
  ];
}
