import type { StreamName } from '@maestro/domain';
import {
  checkCall,
  checkEvents,
  checkStreamName,
  pageLimit,
  type AllPage,
  type Appended,
  type CallOptions,
  type Conflict,
  type Cursor,
  type EventFilter,
  type EventStore,
  type NewEvent,
  type StoreLimits,
  type StreamPage,
  type SubscriptionItem,
  type Version,
} from '@maestro/ports';
import { CommitWriter } from './commit-writer.ts';
import { followLog } from './follow-log.ts';
import { InFlightRoom } from './in-flight-room.ts';
import { findIncarnation } from './incarnation.ts';
import { LogReader } from './log-reader.ts';
import { Namespace } from './namespace.ts';
import { CursorForm, comparePositions } from './place-cursor.ts';
import { StreamReader } from './stream-reader.ts';
import { SupervisedClient } from './supervised-client.ts';
import { pause } from './time-limit.ts';

export type EventStoreDbOptions = {
  /** `esdb://…` or `esdb+discover://…`, with user and password where the server asks for them. Name all nodes, or a DNS name of all */
  readonly connectionString: string;
  /** streams are called `<namespace>.<stream>`; `[a-z][a-z0-9]{0,31}`, default `mc`. Deployments that share a server need one each */
  readonly namespace?: string;
  /** the server's own limit of one append; default 1 MiB, that of servers before 25.1 */
  readonly appendBytesMax?: number;
  /** a try of a call ends when nothing comes for so long; a call makes as many as its own time allows. Default 2,000 */
  readonly attemptMs?: number;
  /** a call without a time limit of its own goes on for so long, as over an election. Default 5,000 */
  readonly patienceMs?: number;
  /** false: appends are calls of their own even where the server offers BatchAppend. Default true */
  readonly useBatchAppend?: boolean;
  /** how long opening waits for a server; default 10,000 */
  readonly openTimeoutMs?: number;
};

const APPEND_BYTES_MAX = 1024 * 1024;
/** What envelopes and types of a full commit may take of it. */
const ENVELOPES_BYTES_MAX = 64 * 1024;
/** Closing waits so long for the answers of appends that were sent. */
const CLOSE_GRACE_MS = 2_000;

/** Revision that a caller stands on: -1 for none; undefined for a token that this store never made. */
function revisionOf(expected: 'none' | Version): bigint | undefined {
  if (expected === 'none') return -1n;
  return /^\d{1,18}$/.test(expected.token) ? BigInt(expected.token) : undefined;
}

type Parts = {
  readonly client: SupervisedClient;
  readonly namespace: Namespace;
  readonly cursors: CursorForm;
  readonly reader: StreamReader;
  readonly log: LogReader;
};

/**
 * The event store in an EventStoreDB. Reads that decisions stand on, appends and subscriptions ask for the leader. An
 * acknowledged append was replicated to a majority of the nodes and flushed there, as the server promises it.
 */
export class EventStoreDbEventStore implements EventStore {
  readonly limits: StoreLimits;
  readonly #parts: Parts;
  readonly #writer: CommitWriter;
  readonly #room: InFlightRoom;
  readonly #appendBytesMax: number;
  #closing: Promise<void> | undefined;

  /** Use `openEventStoreDb`. */
  constructor(parts: Parts, appendBytesMax: number) {
    this.#parts = parts;
    this.#room = new InFlightRoom();
    this.#writer = new CommitWriter({ ...parts, room: this.#room });
    this.#appendBytesMax = appendBytesMax;
    this.limits = {
      eventBytesMax: Math.min(512 * 1024, appendBytesMax - ENVELOPES_BYTES_MAX),
      commitEventsMax: 256,
      commitBytesMax: appendBytesMax - ENVELOPES_BYTES_MAX,
      pageEventsMax: 1_000,
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
    if (at !== undefined) return this.#writer.append({ stream, at, events }, o, this.#appendBytesMax);
    const page = await this.#parts.reader.backward(stream, undefined, 1, o);
    return { kind: 'conflict', actual: page.kind === 'missing' ? undefined : page.version };
  }

  /** A page ends early where its events are large; go on from the last one. */
  async readStream(
    stream: StreamName,
    o: { readonly from?: bigint; readonly direction: 'forward' | 'backward'; readonly limit: number } & CallOptions,
  ): Promise<StreamPage> {
    this.#check(o.signal);
    checkStreamName(stream);
    const limit = pageLimit(o.limit, this.limits);
    const { reader } = this.#parts;
    if (o.direction === 'forward') return reader.forward(stream, o.from ?? 0n, limit, o);
    return reader.backward(stream, o.from, limit, o);
  }

  /** A page holds fewer than `limit` events where the filter is sparse or the events are large; go on from `next`. */
  async readAll(
    o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly limit: number } & CallOptions,
  ): Promise<AllPage> {
    this.#check(o.signal);
    return this.#parts.log.page({ ...o, limit: pageLimit(o.limit, this.limits), consideredMax: this.limits.pageEventsMax });
  }

  async *subscribe(o: {
    readonly after: Cursor | null;
    readonly filter?: EventFilter;
    readonly signal: AbortSignal;
  }): AsyncGenerator<SubscriptionItem, void, undefined> {
    this.#check();
    const { log } = this.#parts;
    const after = log.startOf(o.after);
    if (o.signal.aborted) return;
    yield* followLog(this.#parts, { after, filter: o.filter, signal: o.signal });
  }

  async head(): Promise<Cursor | null> {
    this.#check();
    return this.#parts.log.head({});
  }

  compare(a: Cursor, b: Cursor): number {
    const { cursors } = this.#parts;
    return comparePositions(cursors.positionOf(a), cursors.positionOf(b));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const isDrained = new AbortController();
    void this.#room.drained().then(() => isDrained.abort());
    await pause(CLOSE_GRACE_MS, isDrained.signal);
    this.#parts.client.close();
  }

  #check(signal?: AbortSignal): void {
    checkCall(this.#closing !== undefined, signal);
  }

}

/**
 * Connects, and finds or makes the marker of this namespace. Faults: STORE_UNAVAILABLE (no server answers in time),
 * STORE_DENIED, STORE_DAMAGED. Throws for a connection string or namespace that is none.
 */
export async function openEventStoreDb(o: EventStoreDbOptions): Promise<EventStoreDbEventStore> {
  const namespace = new Namespace(o.namespace ?? 'mc');
  const { connectionString, attemptMs = 2_000, patienceMs = 5_000, useBatchAppend = true } = o;
  const client = new SupervisedClient({ connectionString, attemptMs, patienceMs, useBatchAppend });
  try {
    const { id, origin } = await findIncarnation(client, namespace, o.openTimeoutMs ?? 10_000);
    const cursors = new CursorForm(id);
    const reader = new StreamReader(client, namespace, cursors);
    const log = new LogReader({ client, namespace, cursors, reader, origin });
    return new EventStoreDbEventStore({ client, namespace, cursors, reader, log }, o.appendBytesMax ?? APPEND_BYTES_MAX);
  } catch (error) {
    client.close();
    throw error;
  }
}
