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
import { eventHash } from '@maestro/receipt';
import { MemoryEventLog, versionAt } from './event-log.ts';

/** A checkpoint at least every so many events that a filter held back. */
const CHECKPOINT_EVENTS = 256;

const sameEvent = (stored: StoredEvent | undefined, e: NewEvent): boolean =>
  stored !== undefined && stored.id === e.id && stored.type === e.type && stored.hash === e.hash;

/** Revision that a caller stands on: -1 for none, NaN for a token that this store never made. */
const revisionOf = (expected: 'none' | Version): number =>
  expected === 'none' ? -1 : /^\d{1,15}$/.test(expected.token) ? Number(expected.token) : NaN;

/**
 * An event store that lives as long as its log. It holds nothing on disk: for tests, simulation and throw-away runs.
 * Arrays handed in are kept, not copied; callers leave them alone.
 */
export class MemoryEventStore implements EventStore {
  readonly limits: StoreLimits;
  readonly #log: MemoryEventLog;
  readonly #wakes = new Set<() => void>();
  #closed = false;

  constructor(o: { readonly log?: MemoryEventLog; readonly limits?: StoreLimits } = {}) {
    this.#log = o.log ?? new MemoryEventLog();
    this.limits = o.limits ?? EMBEDDED_STORE_LIMITS;
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
    const stored = this.#log.streams.get(stream) ?? [];
    const at = revisionOf(expected);
    if (at !== stored.length - 1) return this.#retried(stored, at, events);
    for (const e of events) {
      if (eventHash(e.bytes) !== e.hash) {
        throw new Fault(
          'STORE_DAMAGED',
          `event ${e.id} for ${stream} came with a hash that is not its own; nothing was written`,
        );
      }
    }
    for (const e of events) {
      const cursor = this.#log.cursorAt(this.#log.events.length + 1);
      const event = { ...e, stream, revision: BigInt(stored.length), cursor };
      stored.push(event);
      this.#log.events.push(event);
    }
    this.#log.streams.set(stream, stored);
    this.#wake();
    return {
      kind: 'appended',
      version: versionAt(stored.length - 1),
      cursor: this.#log.cursorAt(this.#log.events.length),
      deduplicated: false,
    };
  }

  /** The same events at the same place are this call's own earlier success; anything else is a conflict. */
  #retried(stored: readonly StoredEvent[], at: number, events: readonly NewEvent[]): Appended | Conflict {
    const last = stored[at + events.length];
    if (last !== undefined && events.every((e, i) => sameEvent(stored[at + 1 + i], e))) {
      return { kind: 'appended', version: versionAt(at + events.length), cursor: last.cursor, deduplicated: true };
    }
    return { kind: 'conflict', actual: stored.length === 0 ? undefined : versionAt(stored.length - 1) };
  }

  async readStream(
    stream: StreamName,
    o: { readonly from?: bigint; readonly direction: 'forward' | 'backward'; readonly limit: number } & CallOptions,
  ): Promise<StreamPage> {
    this.#check(o.signal);
    checkStreamName(stream);
    const stored = this.#log.streams.get(stream);
    if (stored === undefined) return { kind: 'missing' };
    const limit = pageLimit(o.limit, this.limits);
    const top = stored.length - 1;
    const version = versionAt(top);
    if (o.direction === 'forward') {
      const from = Number(o.from ?? 0n);
      return { kind: 'page', events: stored.slice(from, from + limit), version, end: from + limit > top };
    }
    const from = Math.min(Number(o.from ?? top), top);
    const low = Math.max(0, from - limit + 1);
    return { kind: 'page', events: stored.slice(low, from + 1).reverse(), version, end: low === 0 };
  }

  async readAll(
    o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly limit: number } & CallOptions,
  ): Promise<AllPage> {
    this.#check(o.signal);
    const limit = pageLimit(o.limit, this.limits);
    const events: StoredEvent[] = [];
    let position = this.#log.positionOf(o.after);
    for (; position < this.#log.events.length && events.length < limit; position += 1) {
      const event = this.#log.events[position];
      if (event !== undefined && matches(event, o.filter)) events.push(event);
    }
    const next = position === 0 ? null : this.#log.cursorAt(position);
    return { events, next, end: position === this.#log.events.length };
  }

  // S1. `position` counts the events considered; every one of them was either yielded or held back by the filter.
  // S2. No await lies between finding nothing new and registering the wake, so that no append slips through.
  // S3. Nothing is buffered for a reader: a slow one reads on from the log, at its own position.
  async *subscribe(o: {
    readonly after: Cursor | null;
    readonly filter?: EventFilter;
    readonly signal: AbortSignal;
  }): AsyncGenerator<SubscriptionItem, void, undefined> {
    this.#check();
    let position = this.#log.positionOf(o.after);
    let reported = position;
    let tellCaughtUp = true;
    while (!o.signal.aborted) {
      const event = this.#log.events[position];
      if (event === undefined) {
        if (position > reported && tellCaughtUp) yield { kind: 'checkpoint', cursor: this.#log.cursorAt(position) };
        if (tellCaughtUp) {
          reported = position;
          tellCaughtUp = false;
          yield { kind: 'caught-up', cursor: position === 0 ? null : this.#log.cursorAt(position) };
          continue;
        }
        await this.#appended(o.signal);
        this.#check();
        continue;
      }
      position += 1;
      if (!matches(event, o.filter) && position - reported < CHECKPOINT_EVENTS) continue;
      tellCaughtUp = true;
      reported = position;
      yield matches(event, o.filter) ? { kind: 'event', event } : { kind: 'checkpoint', cursor: event.cursor };
    }
  }

  async head(): Promise<Cursor | null> {
    this.#check();
    const count = this.#log.events.length;
    return count === 0 ? null : this.#log.cursorAt(count);
  }

  compare(a: Cursor, b: Cursor): number {
    return this.#log.positionOf(a) - this.#log.positionOf(b);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
  }

  #check(signal?: AbortSignal): void {
    checkCall(this.#closed, signal);
  }

  #wake(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }

  /** Resolves at the next append, at close, or when the signal fires. */
  #appended(signal: AbortSignal): Promise<void> {
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
