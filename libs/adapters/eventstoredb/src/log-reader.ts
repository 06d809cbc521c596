import type { EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client';
import { Fault, matches, type AllPage, type CallOptions, type Cursor, type EventFilter, type StoredEvent } from '@maestro/ports';
import type { Namespace } from './namespace.ts';
import { comparePositions, type CursorForm, type LogPosition } from './place-cursor.ts';
import { readPage, type PageCall, type PageEnd } from './read-page.ts';
import { PAGE_BYTES_MAX, bytesOf, ownPosition, positionOf, type StreamReader } from './stream-reader.ts';
import type { SupervisedClient } from './supervised-client.ts';

/** How many events a look for the newest one goes back at a time; more each time. */
const HEAD_PAGE_FIRST = 16;
const HEAD_PAGE_MAX = 1_000;
/** Events of others, and of the server itself, that an unfiltered page makes room for. */
const OTHERS_PER_PAGE = 16;

export type LogRange = { readonly from: LogPosition | 'end'; readonly direction: 'forward' | 'backward'; readonly count: number };

/** One page of the log of all events, at the leader: from an event on forward, before one backward. The client has no filter for it. */
function readLog(
  client: EventStoreDBClient,
  range: LogRange,
  call: PageCall,
  take: (event: NonNullable<ResolvedEvent['event']>) => boolean,
): Promise<PageEnd> {
  const stream = client.readAll({
    direction: range.direction === 'forward' ? 'forwards' : 'backwards',
    fromPosition: range.from,
    maxCount: range.count,
    requiresLeader: true,
  });
  return readPage(stream, call, ({ event }) => event === undefined || take(event));
}

/** What a page has seen so far; made anew for each try. */
class Gathering {
  readonly events: StoredEvent[] = [];
  /** the last event considered, and the last one of this program */
  last: LogPosition;
  lastOwn: LogPosition;
  isFirst = true;
  #bytes = 0;

  constructor(start: LogPosition) {
    this.last = start;
    this.lastOwn = start;
  }

  add(event: StoredEvent): void {
    this.events.push(event);
    this.#bytes += bytesOf(event);
  }

  hasRoom(limit: number): boolean {
    return this.events.length < limit && this.#bytes < PAGE_BYTES_MAX;
  }
}

/** Where the log ended at a look for the newest event of this program, and where that one lies. */
type Look = { readonly end: LogPosition | undefined; readonly found: LogPosition | undefined };
const NOTHING_SEEN: Look = { end: undefined, found: undefined };

/** Reads the order of all events, from the place on where this program's own begin. */
export class LogReader {
  readonly #client: SupervisedClient;
  readonly #namespace: Namespace;
  readonly #cursors: CursorForm;
  readonly #reader: StreamReader;
  /** where the first event of this program can be: right after the one that names the incarnation */
  readonly origin: LogPosition;
  #look = NOTHING_SEEN;

  constructor(parts: {
    readonly client: SupervisedClient;
    readonly namespace: Namespace;
    readonly cursors: CursorForm;
    readonly reader: StreamReader;
    readonly origin: LogPosition;
  }) {
    this.#client = parts.client;
    this.#namespace = parts.namespace;
    this.#cursors = parts.cursors;
    this.#reader = parts.reader;
    this.origin = parts.origin;
  }

  /** Fault: CURSOR_INVALID. */
  startOf(after: Cursor | null): LogPosition {
    return after === null ? this.origin : this.#cursors.positionOf(after);
  }

  /** Null for the origin: before it there is nothing to go on from. */
  cursorAt(position: LogPosition): Cursor | null {
    return comparePositions(position, this.origin) <= 0 ? null : this.#cursors.cursorAt(position);
  }

  /** Looks at `consideredMax` events at most, those of others among them; without a filter hardly at more than `limit`. */
  async page(
    o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly limit: number; readonly consideredMax: number } & CallOptions,
  ): Promise<AllPage> {
    const start = this.startOf(o.after);
    const considered = o.filter === undefined ? Math.min(o.limit + OTHERS_PER_PAGE, o.consideredMax) : o.consideredMax;
    const count = considered + 1; // the event at `start` comes first, and was considered before
    const { seen, isWhole } = await this.#client.reading('reading the log', o, async (client, left, alive) => {
      const seen = new Gathering(start);
      let received = 0;
      const end = await readLog(client, { from: start, direction: 'forward', count }, { left, alive }, (record) => {
        const position = positionOf(record);
        received += 1;
        const isStart = seen.isFirst && comparePositions(position, start) === 0;
        seen.isFirst = false;
        if (isStart) return true;
        if (!seen.hasRoom(o.limit)) return false;
        seen.last = position;
        const stream = this.#namespace.streamOf(record.streamId);
        if (stream === undefined) return true;
        seen.last = ownPosition(position);
        seen.lastOwn = seen.last;
        const event = this.#reader.stored(stream, record);
        if (matches(event, o.filter)) seen.add(event);
        return true;
      });
      return { seen, isWhole: end.isWhole && received < count };
    });
    if (seen.isFirst) throw lost(start);
    // at the end the place is that of the newest event of this program, whatever others wrote since
    return { events: seen.events, next: this.cursorAt(isWhole ? seen.lastOwn : seen.last), end: isWhole };
  }

  /** Fault: CURSOR_INVALID where the log has nothing at this place or after it. */
  async check(start: LogPosition, o: CallOptions): Promise<void> {
    let isThere = false;
    await this.#client.reading('looking for a cursor', o, (client, left, alive) =>
      readLog(client, { from: start, direction: 'forward', count: 1 }, { left, alive }, () => (isThere = true)),
    );
    if (!isThere) throw lost(start);
  }

  /** Goes back over what others wrote since an earlier look, at first down to the origin. */
  async head(o: CallOptions): Promise<Cursor | null> {
    const seen = { ...NOTHING_SEEN };
    let earlier = this.#look;
    let from: LogPosition | 'end' = 'end';
    for (let count = HEAD_PAGE_FIRST; ; count = Math.min(HEAD_PAGE_MAX, 4 * count)) {
      const lowest = await this.#lookBack({ from, direction: 'backward', count }, seen, earlier.end ?? this.origin, o);
      // a log that ends before an earlier look is another copy of it
      if (seen.end !== undefined && earlier.end !== undefined && comparePositions(seen.end, earlier.end) < 0) earlier = NOTHING_SEEN;
      const floor = earlier.end ?? this.origin;
      if (seen.found === undefined && lowest !== undefined && comparePositions(lowest, floor) > 0) {
        from = lowest;
        continue;
      }
      const found = seen.found ?? earlier.found;
      this.#look = { end: seen.end, found };
      return found === undefined ? null : this.cursorAt(found);
    }
  }

  /** One page back, to the newest event of this program or to `floor`; answers the place of the last one looked at. */
  async #lookBack(range: LogRange, seen: { -readonly [K in keyof Look]: Look[K] }, floor: LogPosition, o: CallOptions): Promise<LogPosition | undefined> {
    let lowest: LogPosition | undefined;
    await this.#client.reading('looking for the newest event', o, (client, left, alive) =>
      readLog(client, range, { left, alive }, (record) => {
        lowest = positionOf(record);
        seen.end ??= lowest;
        if (this.#namespace.streamOf(record.streamId) !== undefined) seen.found = ownPosition(lowest);
        return seen.found === undefined && comparePositions(lowest, floor) > 0;
      }),
    );
    return lowest;
  }
}

const lost = (start: LogPosition): Fault =>
  new Fault('CURSOR_INVALID', `the log ends before ${start.commit}: it has lost events or is another copy; start from an earlier checkpoint, or from null`);
