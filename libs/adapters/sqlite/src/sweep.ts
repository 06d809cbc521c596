import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StreamName } from '@maestro/domain';
import { readHeadMark } from './head-mark.ts';
import { eventHash, rowDigest } from './row-digest.ts';
import { structureFindings } from './database-check.ts';
import { checkSchemaVersion, checkSqliteVersion, readIncarnation, sqliteVersion } from './schema.ts';
import { original, reading } from './storage-fault.ts';
import type { Concerned } from './storage-fault.ts';

/** Something in the store that readers would refuse. `stream` and `revision` where the row says them. */
export type StoreDamage = { readonly position: number; readonly stream: string | null; readonly revision: number | null; readonly what: string };

/** An event that was proved, with the hash of the one before it in its stream; null: it is the first. */
export type SweptEvent = {
  readonly position: number;
  readonly stream: StreamName;
  readonly revision: number;
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly previousHash: string | null;
};

export type StoreSweep = {
  readonly kind: 'swept';
  readonly incarnation: string | null;
  /** what SQLite finds in pages and indexes, one finding each, with the offset in the file where it can tell */
  readonly structure: readonly string[];
  readonly eventCount: number;
  readonly headPosition: number;
  readonly damages: readonly StoreDamage[];
  /** further ones, not listed */
  readonly damagesOmitted: number;
  /** what the head mark says against the store; null: they agree */
  readonly markFault: string | null;
};

export type SweepOptions = {
  readonly path: string;
  /** called for each proved event; what it answers is one more damage */
  readonly onEvent?: (event: SweptEvent) => string | undefined;
  /** called now and then, with how many of how many events were looked at */
  readonly onProgress?: (done: number, total: number) => void;
};

const DAMAGES_MAX = 100;
const PAGE_EVENTS = 1_000;

const ROWS = `
  SELECT e.position, e.revision, e.id, e.type, e.bytes, e.hash, e.sealed, e.digest, s.name AS stream, p.hash AS previous
  FROM events e LEFT JOIN streams s ON s.id = e.stream_id
  LEFT JOIN events p ON p.stream_id = e.stream_id AND p.revision = e.revision - 1
  WHERE e.position > ? ORDER BY e.position LIMIT ${PAGE_EVENTS}`;
const HEADS = `
  SELECT s.name AS name, s.head AS head, max(e.revision) AS last FROM streams s LEFT JOIN events e ON e.stream_id = s.id
  GROUP BY s.id HAVING last IS NULL OR last <> s.head LIMIT ${DAMAGES_MAX}`;

/**
 * Proves every event of a store and names all that does not hold, where a reader stops at the first: row hashes, digests,
 * gaps in positions and revisions, heads of streams, the head mark. Reads only, takes no lock, and may run beside the
 * store's own process. `missing`: there is no store yet. Faults: STORE_NEWER, STORE_DAMAGED (not readable at all), SQLITE_TOO_OLD.
 */
export async function sweepEventStore(o: SweepOptions): Promise<StoreSweep | { readonly kind: 'missing' }> {
  if (!existsSync(o.path)) return { kind: 'missing' };
  // taken before the store is read: what is written meanwhile is ahead of it, which is fine
  const mark = readHeadMark(`${o.path}-mark`);
  const db = reading(() => new DatabaseSync(o.path, { readOnly: true }), original(o.path));
  try {
    reading(() => checkSqliteVersion(sqliteVersion(db)), original(o.path));
    if (reading(() => checkSchemaVersion(db), original(o.path)) === 'empty') return { kind: 'missing' };
    return await sweep(db, mark, o);
  } finally {
    db.close();
  }
}

async function sweep(db: DatabaseSync, mark: ReturnType<typeof readHeadMark>, { path, onEvent, onProgress }: SweepOptions): Promise<StoreSweep> {
  const file = original(path);
  const found = new Damages();
  const structure = structureFindings(db, DAMAGES_MAX, file);
  const incarnation = incarnationOf(db, file, found);
  const total = reading(() => Number(db.prepare('SELECT max(position) AS last FROM events').get()?.['last'] ?? 0), file);
  const page = db.prepare(ROWS);
  let position = 0;
  let eventCount = 0;
  for (;;) {
    const rows = reading(() => page.all(position), file) as unknown as readonly SweepRow[];
    for (const row of rows) {
      if (row.position !== position + 1) found.addGap(position + 1, row.position - 1);
      position = row.position;
      eventCount += 1;
      const what = faultOf(row) ?? onEvent?.(sweptOf(row));
      if (what !== undefined) found.add({ position, stream: row.stream, revision: row.revision, what });
    }
    onProgress?.(position, Math.max(total, position));
    if (rows.length < PAGE_EVENTS) break;
    // others of this thread go on between pages
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { name, head, last } of reading(() => db.prepare(HEADS).all(), file) as unknown as readonly HeadRow[]) {
    found.add({ position: 0, stream: name, revision: head, what: `its head is kept as ${head}, its last event is ${last ?? 'none'}` });
  }
  const markFault = reading(() => againstMark(db, mark, position), file);
  return { kind: 'swept', incarnation, structure, eventCount, headPosition: position, damages: found.listed, damagesOmitted: found.omitted, markFault };
}

function incarnationOf(db: DatabaseSync, file: Concerned, found: Damages): string | null {
  try {
    return reading(() => readIncarnation(db, file).incarnation, file);
  } catch (error) {
    found.add({ position: 0, stream: null, revision: null, what: (error as Error).message });
    return null;
  }
}

type SweepRow = {
  readonly position: number;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly sealed: Uint8Array | null;
  readonly digest: Uint8Array;
  readonly stream: string | null;
  readonly previous: Uint8Array | null;
};
type HeadRow = { readonly name: string; readonly head: number; readonly last: number | null };

class Damages {
  readonly listed: StoreDamage[] = [];
  omitted = 0;

  add(damage: StoreDamage): void {
    if (this.listed.length < DAMAGES_MAX) this.listed.push(damage);
    else this.omitted += 1;
  }

  addGap(from: number, to: number): void {
    this.add({ position: from, stream: null, revision: null, what: from === to ? 'the event is missing' : `events ${from} to ${to} are missing` });
  }
}

function faultOf(row: SweepRow): string | undefined {
  const { position, revision, id, type, stream, sealed } = row;
  if (stream === null) return 'it names no stream';
  const own = eventHash(row.bytes);
  if (!own.equals(row.hash)) return 'its bytes do not match their hash';
  if (!rowDigest({ position, stream, revision, id, type }, own, sealed).equals(row.digest)) return 'its columns do not match their digest';
  return revision > 0 && row.previous === null ? `revision ${revision - 1} of its stream is missing` : undefined;
}

function sweptOf({ position, stream, revision, type, bytes, hash, previous }: SweepRow): SweptEvent {
  const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
  return { position, stream: stream as StreamName, revision, type, bytes, hash: hex(hash), previousHash: previous === null ? null : hex(previous) };
}

function againstMark(db: DatabaseSync, mark: ReturnType<typeof readHeadMark>, head: number): string | null {
  if (mark.kind !== 'mark') {
    if (mark.kind === 'unreadable') return 'the head mark cannot be read';
    return head === 0 ? null : 'the head mark is missing: nothing tells whether the end of the store was lost';
  }
  const { position, hash } = mark.entry;
  if (position === 0) return null;
  if (position > head) return `the head mark is at position ${position}, the store ends at ${head}: acknowledged events are missing`;
  const stored = db.prepare('SELECT hash FROM events WHERE position = ?').get(position)?.['hash'] as Uint8Array | undefined;
  if (stored !== undefined && Buffer.compare(stored, hash) === 0) return null;
  return `the event at position ${position} is not the one that the head mark knows`;
}
