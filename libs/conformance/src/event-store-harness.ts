import { createHash, randomUUID } from 'node:crypto';
import { streamName, type StreamName } from '@maestro/domain';
import type {
  Appended,
  Conflict,
  EventFilter,
  EventStore,
  NewEvent,
  StoredEvent,
  SubscriptionItem,
  Version,
} from '@maestro/ports';

/** One store with its own empty data, made by the binding for one case. */
export type EventStoreHarness = {
  /** the store; the same one on every call */
  open(): Promise<EventStore>;
  /** closes the store and opens another one on the same data */
  reopen(): Promise<EventStore>;
  dispose(): Promise<void>;
  /** The server takes calls and answers none until the returned function is called. */
  readonly hang?: () => Promise<() => Promise<void>>;
  /** Cuts every connection once; the server stays up. */
  readonly drop?: () => Promise<void>;
  /** Ends the leading server by force; answers when another one can lead. */
  readonly kill?: () => Promise<void>;
  /** Deletes a stream for ever by the server's own means, behind the adapter's back. */
  readonly tombstone?: (stream: StreamName) => Promise<void>;
  /** Hides the events below a revision by the server's own means. */
  readonly truncate?: (stream: StreamName, before: bigint) => Promise<void>;
  /** Lets the server's own de-duplication window pass; without it reopening stands in. */
  readonly passDedupeWindow?: () => Promise<void>;
};
export type EventStoreFactory = () => Promise<EventStoreHarness>;

/** A stream name that no other case uses. */
export function newStream(category = 'execution'): StreamName {
  const name = streamName(category, randomUUID());
  if (name === undefined) throw new Error(`bad category ${category}`);
  return name;
}

/** 64 hex as the port defines it. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(bytes).digest('hex');
}

export function newEvent(bytes: Uint8Array | string = randomUUID(), o: Partial<NewEvent> = {}): NewEvent {
  const raw = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return { id: randomUUID(), type: 'execution.requested.v1', bytes: raw, hash: hashOf(raw), sealed: null, ...o };
}

export function newEvents(count: number, o: Partial<NewEvent> = {}): [NewEvent, ...NewEvent[]] {
  return [newEvent(undefined, o), ...Array.from({ length: count - 1 }, () => newEvent(undefined, o))];
}

export function mustAppend(answer: Appended | Conflict): Appended {
  if (answer.kind !== 'appended') throw new Error(`expected an append, got a conflict at ${answer.actual?.revision}`);
  return answer;
}

export function mustConflict(answer: Appended | Conflict): Conflict {
  if (answer.kind !== 'conflict') throw new Error(`expected a conflict, got an append at ${answer.version.revision}`);
  return answer;
}

/** Appends `count` events in commits of at most 100; answers the version after the last. */
export async function fill(
  store: EventStore,
  stream: StreamName,
  count: number,
  o: Partial<NewEvent> = {},
  after: 'none' | Version = 'none',
): Promise<Version> {
  let version = after;
  for (let left = count; left > 0; left -= 100) {
    version = mustAppend(await store.append(stream, version, newEvents(Math.min(left, 100), o))).version;
  }
  if (version === 'none') throw new Error('fill needs at least one event');
  return version;
}

/** The whole stream, forward, page by page. */
export async function readWhole(store: EventStore, stream: StreamName, limit = 100): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const page = await store.readStream(stream, { direction: 'forward', from: BigInt(all.length), limit });
    if (page.kind === 'missing') return all;
    all.push(...page.events);
    if (page.end) return all;
  }
}

/** Everything after a cursor, page by page. */
export async function readEverything(store: EventStore, filter?: EventFilter, limit = 100): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await store.readAll({ after, limit, ...(filter && { filter }) });
    all.push(...page.events);
    after = page.next;
    if (page.end) return all;
  }
}

/** One subscription, pulled step by step. Call `stop` at the end of the case. */
export class Feed {
  readonly #abort = new AbortController();
  readonly #items: AsyncIterator<SubscriptionItem>;

  constructor(store: EventStore, o: { readonly after?: string | null; readonly filter?: EventFilter } = {}) {
    const filter = o.filter === undefined ? {} : { filter: o.filter };
    const items = store.subscribe({ after: o.after ?? null, signal: this.#abort.signal, ...filter });
    this.#items = items[Symbol.asyncIterator]();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async next(): Promise<SubscriptionItem> {
    const step = await this.#items.next();
    if (step.done === true) throw new Error('the subscription ended');
    return step.value;
  }

  /** The next item, which may be that the subscription has ended. */
  step(): Promise<IteratorResult<SubscriptionItem>> {
    return this.#items.next();
  }

  /** The next `count` events; checkpoints and caught-up items in between are dropped. */
  async events(count: number): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    while (events.length < count) {
      const item = await this.next();
      if (item.kind === 'event') events.push(item.event);
    }
    return events;
  }

  /** All items up to and with the first caught-up. */
  async caughtUp(): Promise<SubscriptionItem[]> {
    const items: SubscriptionItem[] = [];
    for (;;) {
      const item = await this.next();
      items.push(item);
      if (item.kind === 'caught-up') return items;
    }
  }

  abort(): void {
    this.#abort.abort();
  }

  /** Aborts and drains what is left, so that nothing of this feed outlives the case. */
  async stop(): Promise<void> {
    this.#abort.abort();
    while ((await this.#items.next()).done !== true);
  }
}
