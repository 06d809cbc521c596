import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parseStreamName } from '@maestro/domain';
import type { StreamName } from '@maestro/domain';
import { Fault, type StoredEvent } from '@maestro/ports';
import { eventHash, rowDigest } from './row-digest.ts';
import { original, reading } from './storage-fault.ts';
import type { Concerned } from './storage-fault.ts';
import { StreamIndex } from './stream-index.ts';

type Row = readonly [
  position: number,
  streamId: number,
  revision: number,
  id: string,
  type: string,
  bytes: Uint8Array,
  hash: Uint8Array,
  sealed: Uint8Array | null,
  digest: Uint8Array,
];
/** One stretch of a stream; `head` is the revision of its last event, whether read or not. */
export type StreamStretch = { readonly events: readonly StoredEvent[]; readonly head: number };

const COLUMNS = 'position, stream_id, revision, id, type, bytes, hash, sealed, digest';
/** A read stops after so many bytes, so that no page is larger than this and one event. */
const READ_BYTES_MAX = 4 * 1024 * 1024;
const NAMES_MAX = 65_536;

/**
 * Reads events and proves each row before it is handed out.
 *
 * R1. The event's bytes must have the stored hash, and everything else of the row must have the stored digest.
 * R2. Positions and revisions must follow each other without a gap: a row that is not found is damage, not silence.
 * R3. All statements of one read see the same commits: the writer goes on meanwhile, and is never taken for damage.
 */
export class EventReader {
  readonly #db: DatabaseSync;
  readonly #file: Concerned;
  readonly #index: StreamIndex;
  readonly #cursorAt: (position: number) => string;
  readonly #names = new Map<number, StreamName>();
  readonly #afterPosition: StatementSync;
  readonly #forward: StatementSync;
  readonly #backward: StatementSync;
  readonly #last: StatementSync;
  readonly #streamOf: StatementSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;

  constructor(path: string, cursorAt: (position: number) => string) {
    this.#cursorAt = cursorAt;
    this.#file = original(path);
    this.#db = new DatabaseSync(path, { readOnly: true });
    this.#db.exec('PRAGMA cache_size = -8000');
    this.#index = new StreamIndex(this.#db);
    const rows = (sql: string): StatementSync => {
      const statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    // not > the one before: that one may lie on another page, which may be damaged
    this.#afterPosition = rows(`SELECT ${COLUMNS} FROM events WHERE position >= ? ORDER BY position LIMIT ?`);
    const stream = `SELECT ${COLUMNS} FROM events INDEXED BY events_by_stream WHERE stream_id = ?`;
    this.#forward = rows(`${stream} AND revision >= ? ORDER BY revision LIMIT ?`);
    this.#backward = rows(`${stream} AND revision <= ? ORDER BY revision DESC LIMIT ?`);
    this.#last = this.#db.prepare('SELECT max(position) AS position FROM events');
    this.#streamOf = this.#db.prepare('SELECT stream_id FROM events WHERE position = ?');
    this.#begin = this.#db.prepare('BEGIN');
    this.#end = this.#db.prepare('COMMIT');
  }

  /** The newest position on disk, which the writer may not have reported yet. */
  lastPosition(): number {
    return reading(() => Number(this.#last.get()?.['position'] ?? 0), this.#file);
  }

  /** Events at the positions after `position`, at least one, as there must be `limit` of them. */
  after(position: number, limit: number): StoredEvent[] {
    return this.#snapshot(() => {
      const events: StoredEvent[] = [];
      let bytes = 0;
      for (const row of this.#afterPosition.iterate(position + 1, limit) as Iterable<unknown>) {
        const [at, , , , , body, , sealed] = row as Row;
        if (at !== position + 1 + events.length) break;
        events.push(this.#proved(row as Row));
        bytes += body.length + (sealed?.length ?? 0);
        if (bytes >= READ_BYTES_MAX) return events;
      }
      if (events.length === limit) return events;
      throw new Fault(
        'STORE_DAMAGED',
        `the event at position ${position + 1 + events.length} is missing; restore a backup`,
      );
    });
  }

  /** The stream of a position, unproved; null: the row is gone or names none. For naming damage, never for serving. */
  streamAt(position: number): StreamName | null {
    try {
      const streamId = this.#streamOf.get(position)?.['stream_id'];
      const name = typeof streamId === 'number' ? this.#index.nameOf(streamId) : undefined;
      return name === undefined ? null : (parseStreamName(name) ?? null);
    } catch {
      return null; // the page that would say it is damaged itself
    }
  }

  /** Undefined: no such stream. `from` is clamped to the stream when reading backward. */
  stream(
    name: StreamName,
    o: { readonly from?: number; readonly forward: boolean; readonly limit: number },
  ): StreamStretch | undefined {
    return this.#snapshot(() => {
      const found = this.#index.find(name);
      if (found === undefined) return undefined;
      const { id, head } = found;
      const from = o.forward ? (o.from ?? 0) : Math.min(o.from ?? head, head);
      const available = o.forward ? head - from + 1 : from + 1;
      const count = Math.min(o.limit, Math.max(0, available));
      if (count === 0) return { events: [], head };
      const statement = o.forward ? this.#forward : this.#backward;
      const events = this.#stretch(statement.iterate(id, from, count) as Iterable<unknown>, {
        name,
        from,
        step: o.forward ? 1 : -1,
        count,
      });
      return { events, head };
    });
  }

  #snapshot<T>(read: () => T): T {
    return reading(() => {
      this.#begin.run();
      try {
        return read();
      } finally {
        this.#end.run();
      }
    }, this.#file);
  }

  #stretch(rows: Iterable<unknown>, o: { name: StreamName; from: number; step: 1 | -1; count: number }): StoredEvent[] {
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (const raw of rows) {
      const row = raw as Row;
      const revision = o.from + o.step * events.length;
      if (row[2] !== revision) break;
      events.push(this.#proved(row, o.name));
      bytes += row[5].length + (row[7]?.length ?? 0);
      if (bytes >= READ_BYTES_MAX) return events;
    }
    if (events.length === o.count) return events;
    const missing = o.from + o.step * events.length;
    throw new Fault('STORE_DAMAGED', `revision ${missing} of stream ${o.name} is missing; restore a backup`);
  }

  #proved(row: Row, name?: StreamName): StoredEvent {
    const [position, streamId, revision, id, type, bytes, hash, sealed, digest] = row;
    const stream = name ?? this.#nameOf(streamId, position);
    const whole = bytes instanceof Uint8Array && hash instanceof Uint8Array && digest instanceof Uint8Array;
    const own = whole ? eventHash(bytes) : undefined;
    if (
      own === undefined ||
      !own.equals(hash) ||
      !rowDigest({ position, stream, revision, id, type }, own, sealed).equals(digest)
    ) {
      const what = own?.equals(hash) === true ? 'columns do not match their digest' : 'bytes do not match their hash';
      throw new Fault(
        'STORE_DAMAGED',
        `revision ${revision} of stream ${stream} (position ${position}): its ${what}; restore a backup`,
      );
    }
    const cursor = this.#cursorAt(position);
    return { id, type, bytes, hash: own.toString('hex'), sealed, stream, revision: BigInt(revision), cursor };
  }

  #nameOf(streamId: number, position: number): StreamName {
    const known = this.#names.get(streamId);
    if (known !== undefined) return known;
    const name = this.#index.nameOf(streamId);
    if (name === undefined)
      throw new Fault('STORE_DAMAGED', `the event at position ${position} names no stream; restore a backup`);
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    this.#names.set(streamId, name as StreamName);
    return name as StreamName;
  }

  close(): void {
    this.#db.close();
  }
}
