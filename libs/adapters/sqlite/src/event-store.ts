import type { StreamName } from '@maestro/domain';
import {
  EMBEDDED_STORE_LIMITS,
  Fault,
  checkCall,
  checkEvents,
  checkStreamName,
  matches,
  pageLimit,
  type AllPage,
  type Appended,
  type CallOptions,
  type Clock,
  type Conflict,
  type Cursor,
  type EventFilter,
  type EventStore,
  type NewEvent,
  type StoredEvent,
  type StoreLimits,
  type StreamPage,
  type SubscriptionItem,
  type Version,
} from '@maestro/ports';
import type { AppendRequest } from './append-batch.ts';
import { EventReader } from './event-reader.ts';
import { RecentEvents } from './recent-events.ts';
import { original, reading, toFault } from './storage-fault.ts';
import { follow, type EventSource } from './subscription.ts';
import { startWriterThread, WriterClient, type WriterLink } from './writer-client.ts';
import type { WriterOptions } from './writer-database.ts';

export type SqliteEventStoreOptions = {
  /** the database file; beside it lie its log (`-wal`, `-shm`), the head mark (`-mark`) and the lock (`-lock`) */
  readonly path: string;
  readonly limits?: StoreLimits;
  /** the newest events kept in memory; default 4,096 events and 8 MiB */
  readonly recentEventsMax?: number;
  readonly recentBytesMax?: number;
  /** the head mark follows a commit by at most this; default 50 */
  readonly markDelayMs?: number;
  /** the database takes no more than this, then answers STORE_READ_ONLY; default: as much as the disk */
  readonly storeBytesMax?: number;
  /** timers of calls; default: the machine's */
  readonly after?: Clock['after'];
  /** starts the writer; default: a thread of its own */
  readonly startWriter?: (o: WriterOptions) => WriterLink;
};

const machineAfter: Clock['after'] = (delayMs, fn) => {
  const timer = setTimeout(fn, delayMs);
  return () => clearTimeout(timer);
};

const versionAt = (revision: number): Version => ({ revision: BigInt(revision), token: String(revision) });

/** Revision that a caller stands on: -1 for none, NaN for a token that this store never made. */
const revisionOf = (expected: 'none' | Version): number =>
  expected === 'none' ? -1 : /^\d{1,15}$/.test(expected.token) ? Number(expected.token) : NaN;

/**
 * The event store of one process: a SQLite database in WAL mode with synchronous = FULL, written by one thread that
 * commits in groups, read on the caller's thread. An acknowledged append was fsynced. Arrays handed in are kept in
 * memory as they are; callers leave them alone.
 */
export class SqliteEventStore implements EventStore {
  readonly limits: StoreLimits;
  readonly #writer: WriterClient;
  readonly #reader: EventReader;
  readonly #recent: RecentEvents;
  readonly #incarnation: string;
  readonly #wakes: Set<() => void>;
  readonly #source: EventSource;
  #closing: Promise<void> | undefined;

  /** Use `openSqliteEventStore`. */
  constructor(parts: {
    readonly limits: StoreLimits;
    readonly writer: WriterClient;
    readonly reader: EventReader;
    readonly recent: RecentEvents;
    readonly incarnation: string;
    readonly wakes: Set<() => void>;
  }) {
    this.limits = parts.limits;
    this.#writer = parts.writer;
    this.#reader = parts.reader;
    this.#recent = parts.recent;
    this.#incarnation = parts.incarnation;
    this.#wakes = parts.wakes;
    this.#source = {
      after: (position, limit) => this.#after(position, limit),
      moved: (signal) => this.#moved(signal),
      cursorAt: (position) => this.#cursorAt(position),
      streamAt: (position) => this.#reader.streamAt(position),
    };
  }

  async append(
    stream: StreamName,
    expected: 'none' | Version,
    events: readonly [NewEvent, ...NewEvent[]],
    o: CallOptions = {},
  ): Promise<Appended | Conflict> {
    this.#check(o.signal);
    checkStreamName(stream);
    checkEvents(events, this.limits);
    const at = revisionOf(expected);
    const outcome = await this.#writer.append({ stream, at, events }, o);
    if (outcome.kind === 'fault') throw toFault(outcome.fault);
    if (outcome.kind === 'conflict') {
      return { kind: 'conflict', actual: outcome.head < 0 ? undefined : versionAt(outcome.head) };
    }
    const deduplicated = outcome.kind === 'deduplicated';
    const last = deduplicated ? outcome.lastPosition : outcome.firstPosition + events.length - 1;
    return { kind: 'appended', version: versionAt(at + events.length), cursor: this.#cursorAt(last), deduplicated };
  }

  async readStream(
    stream: StreamName,
    o: { readonly from?: bigint; readonly direction: 'forward' | 'backward'; readonly limit: number } & CallOptions,
  ): Promise<StreamPage> {
    this.#check(o.signal);
    checkStreamName(stream);
    const forward = o.direction === 'forward';
    const from = o.from === undefined ? {} : { from: Number(o.from) };
    const read = this.#reader.stream(stream, { ...from, forward, limit: pageLimit(o.limit, this.limits) });
    if (read === undefined) return { kind: 'missing' };
    const { events, head } = read;
    const last = events.at(-1)?.revision;
    const end = last === undefined || last === (forward ? BigInt(head) : 0n);
    return { kind: 'page', events, version: versionAt(head), end };
  }

  /** A page holds fewer than `limit` events where the filter is sparse or the events are large; go on from `next`. */
  async readAll(
    o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly limit: number } & CallOptions,
  ): Promise<AllPage> {
    this.#check(o.signal);
    const limit = pageLimit(o.limit, this.limits);
    let position = this.#positionOf(o.after);
    // a filter may hold back nearly all: look at a full page, and let the caller go on from there
    const considered = this.#after(position, o.filter === undefined ? limit : this.limits.pageEventsMax);
    const events: StoredEvent[] = [];
    for (const event of considered) {
      if (events.length === limit) break;
      position += 1;
      if (matches(event, o.filter)) events.push(event);
    }
    const next = position === 0 ? null : this.#cursorAt(position);
    return { events, next, end: position >= this.#recent.head };
  }

  async *subscribe(o: {
    readonly after: Cursor | null;
    readonly filter?: EventFilter;
    readonly signal: AbortSignal;
  }): AsyncGenerator<SubscriptionItem, void, undefined> {
    this.#check();
    yield* follow(this.#source, { ...o, position: this.#positionOf(o.after) });
  }

  async head(): Promise<Cursor | null> {
    this.#check();
    return this.#recent.head === 0 ? null : this.#cursorAt(this.#recent.head);
  }

  compare(a: Cursor, b: Cursor): number {
    return this.#parse(a) - this.#parse(b);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const written = this.#writer.close();
    wakeAll(this.#wakes);
    try {
      // the reader goes first, so that the writer can empty the log
      this.#reader.close();
    } finally {
      await written;
    }
  }

  #check(signal?: AbortSignal): void {
    checkCall(this.#closing !== undefined, signal);
  }

  #cursorAt(position: number): Cursor {
    return `${this.#incarnation}.${position}`;
  }

  #parse(cursor: Cursor): number {
    const own = cursor.startsWith(`${this.#incarnation}.`) ? cursor.slice(this.#incarnation.length + 1) : '';
    if (!/^[1-9]\d{0,14}$/.test(own)) {
      throw new Fault(
        'CURSOR_INVALID',
        `"${cursor}" is no place in this store (${this.#incarnation}); start from one of its checkpoints, or from null`,
      );
    }
    return Number(own);
  }

  #positionOf(cursor: Cursor | null): number {
    const position = cursor === null ? 0 : this.#parse(cursor);
    // a commit may be on disk and its answer still on the way
    if (position <= this.#recent.head || position <= this.#reader.lastPosition()) return position;
    throw new Fault(
      'CURSOR_INVALID',
      `the cursor is at ${position}, the store ends at ${this.#recent.head}: it has lost events or is another copy`,
    );
  }

  #after(position: number, limit: number): readonly StoredEvent[] {
    this.#check();
    const kept = this.#recent.after(position, limit);
    if (kept !== undefined) return kept;
    return this.#reader.after(position, Math.min(limit, this.#recent.first - 1 - position));
  }

  #moved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wakes.delete(done);
        resolve();
      };
      this.#wakes.add(done);
      signal.addEventListener('abort', done);
    });
  }
}

function wakeAll(wakes: Set<() => void>): void {
  for (const wake of [...wakes]) wake();
}

/**
 * Opens the store, creating it where it is missing (files readable by the user only). Faults: STORE_IN_USE,
 * STORE_BEHIND_MARK, STORE_NEWER, STORE_DAMAGED, STORE_READ_ONLY, SQLITE_TOO_OLD.
 */
export async function openSqliteEventStore(o: SqliteEventStoreOptions): Promise<SqliteEventStore> {
  const { path, storeBytesMax } = o;
  const bytesMax = storeBytesMax === undefined ? {} : { storeBytesMax };
  const link = (o.startWriter ?? startWriterThread)({ path, markDelayMs: o.markDelayMs ?? 50, ...bytesMax });
  const writer = new WriterClient(link, o.after ?? machineAfter);
  const { incarnation, position } = await writer.opened;
  const cursorAt = (at: number): Cursor => `${incarnation}.${at}`;
  const recent = new RecentEvents(position, {
    countMax: o.recentEventsMax ?? 4_096,
    bytesMax: o.recentBytesMax ?? 8 * 1024 * 1024,
  });
  const wakes = new Set<() => void>();
  const keep = ({ stream, at, events }: AppendRequest, firstPosition: number): void => {
    for (const [i, e] of events.entries()) {
      const { id, type, bytes, hash, sealed } = e;
      const revision = BigInt(at + 1 + i);
      recent.push({
        id,
        type,
        bytes,
        hash,
        sealed,
        stream: stream as StreamName,
        revision,
        cursor: cursorAt(firstPosition + i),
      });
    }
  };
  writer.observe({ committed: keep, settled: () => wakeAll(wakes) });
  const reader = await openReader(path, cursorAt, writer);
  return new SqliteEventStore({ limits: o.limits ?? EMBEDDED_STORE_LIMITS, writer, reader, recent, incarnation, wakes });
}

/** Where it fails, the writer is ended, so that its lock does not outlive the attempt to open. */
async function openReader(path: string, cursorAt: (at: number) => Cursor, writer: WriterClient): Promise<EventReader> {
  try {
    return reading(() => new EventReader(path, cursorAt), original(path));
  } catch (error) {
    await writer.close().catch(() => {}); // what could not be opened is what the caller has to know
    throw error;
  }
}
