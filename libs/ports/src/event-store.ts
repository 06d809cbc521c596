import type { StreamName } from '@maestro/domain';
import type { Fault } from './fault.ts';

/**
 * Where a stream stands after its last event. `revision` is dense and 0-based.
 * `token` is the adapter's own guard value (opaque; equals the revision where the store numbers events densely).
 */
export type Version = { readonly revision: bigint; readonly token: string };

/** Opaque place in the order of all events, stable for the life of this store; compare with `compare`, never by text. */
export type Cursor = string;

/** One event to append. The store keeps `bytes` exactly and never parses them. */
export type NewEvent = {
  /** lower-case UUID, unique per event */
  readonly id: string;
  /** `<aggregate>.<noun>-<past verb>.v<N>` */
  readonly type: string;
  /** RFC 8785 bytes of the stored form (docs/architecture.md); may be any bytes for the store */
  readonly bytes: Uint8Array;
  /** 64 hex: SHA-256(0x00 || bytes); checked on every read */
  readonly hash: string;
  /** Ciphertexts of the sealed places; not hashed, kept beside the event */
  readonly sealed: Uint8Array | null;
};

/** One event as read back; `hash` was checked against `bytes`. */
export type StoredEvent = NewEvent & {
  readonly stream: StreamName;
  readonly revision: bigint;
  readonly cursor: Cursor;
};

export type Appended = {
  readonly kind: 'appended';
  readonly version: Version;
  /** cursor of the last event of the commit */
  readonly cursor: Cursor;
  /** true when a retry found exactly these bytes already stored */
  readonly deduplicated: boolean;
};
/** The stream is not where the caller thought. `actual` undefined: the stream does not exist. */
export type Conflict = { readonly kind: 'conflict'; readonly actual: Version | undefined };

export type StreamPage =
  | { readonly kind: 'page'; readonly events: readonly StoredEvent[]; readonly version: Version; readonly end: boolean }
  | { readonly kind: 'missing' };

/** Server-side filter: events whose stream category or type is listed. Both given: both must match. */
export type EventFilter = { readonly categories?: readonly string[]; readonly types?: readonly string[] };

export type AllPage = {
  readonly events: readonly StoredEvent[];
  /** continue from here; moves on even where the filter let nothing through */
  readonly next: Cursor | null;
  readonly end: boolean;
};

export type SubscriptionItem =
  | { readonly kind: 'event'; readonly event: StoredEvent }
  /** everything up to here was considered; safe to persist */
  | { readonly kind: 'checkpoint'; readonly cursor: Cursor }
  /** the event at this place cannot be proved, or is gone: it is passed over. `stream` as far as the store still knows */
  | { readonly kind: 'damaged'; readonly cursor: Cursor; readonly stream: StreamName | null; readonly fault: Fault }
  /** all that was known has been handed out; comes again after events that came live: readers work off what is at hand then */
  | { readonly kind: 'caught-up'; readonly cursor: Cursor | null };

export type StoreLimits = {
  readonly eventBytesMax: number; // bytes + sealed of one event
  readonly commitEventsMax: number;
  readonly commitBytesMax: number;
  readonly pageEventsMax: number;
};

export type CallOptions = { readonly signal?: AbortSignal; /** default 5,000; 15,000 where a cluster may have to elect a leader first */ readonly timeoutMs?: number };

/**
 * The only truth about runs. Append-only, optimistic concurrency, one atomic commit per append.
 *
 * Idempotency: re-sending the same events (same ids and bytes) at the same expected version succeeds with
 * `deduplicated: true`, however late. Same ids with other bytes, or a partial overlap, is a conflict.
 * An acknowledged append is on disk (adapters say under which settings).
 *
 * Faults: STORE_CLOSED, STORE_READ_ONLY, STORE_OUTCOME_UNKNOWN (read back, compare bytes), STORE_UNAVAILABLE, STORE_DENIED,
 * STORE_DAMAGED, STREAM_NAME_INVALID, APPEND_EMPTY, EVENT_TOO_LARGE, COMMIT_TOO_LARGE, CURSOR_INVALID, ABORTED.
 */
export interface EventStore {
  append(
    stream: StreamName,
    expected: 'none' | Version,
    events: readonly [NewEvent, ...NewEvent[]],
    o?: CallOptions,
  ): Promise<Appended | Conflict>;
  /** Forward: from `from` (inclusive, default 0). Backward: from `from` (inclusive, default the last event) down. */
  readStream(
    stream: StreamName,
    o: { readonly from?: bigint; readonly direction: 'forward' | 'backward'; readonly limit: number } & CallOptions,
  ): Promise<StreamPage>;
  /** All events in append order, after a cursor (exclusive); null: from the start. */
  readAll(
    o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly limit: number } & CallOptions,
  ): Promise<AllPage>;
  /**
   * Catches up from `after` (exclusive), then stays live. Ends without error when the signal fires; loses and
   * doubles nothing between catch-up and live. Damage ends nothing: it is one item. A slow reader holds back nobody and costs bounded memory.
   */
  subscribe(o: {
    readonly after: Cursor | null;
    readonly filter?: EventFilter;
    readonly signal: AbortSignal;
  }): AsyncIterable<SubscriptionItem>;
  /** Cursor of the newest event; null when the store is empty. */
  head(): Promise<Cursor | null>;
  /** <0, 0, >0 as by position. CURSOR_INVALID for a cursor of another store. */
  compare(a: Cursor, b: Cursor): number;
  /** Flushes and releases everything; idempotent. */
  close(): Promise<void>;
  readonly limits: StoreLimits;
}
