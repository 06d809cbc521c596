import type { Json } from '@maestro/domain';

/** `policy`: evaluate a pack set. `task`: run a package. */
export type WorkKind = 'policy' | 'task';

/** One thing to do, derived from an intent event; it can always be derived again. */
export type Work = {
  readonly kind: WorkKind;
  /** id of the event that opened the intent: publishing it twice delivers it once while it is queued or leased */
  readonly intentId: string;
  /** runner class of a task (`small`, `medium`, `large`), `default` otherwise */
  readonly workClass: string;
  /** group for fairness: runs take turns, where the engine can order by it; else first come, first served */
  readonly executionId: string;
  readonly payload: Json;
  /** goes back with each report on it: 64 hex; absent where nobody asks for it */
  readonly token?: string;
  /** W3C trace context of what asked for it: passed on, never decided on */
  readonly traceparent?: string;
};

/** Work handed to one consumer until it answers or `ackWaitMs` passes. */
export type Leased<W extends Work = Work> = { readonly work: W; readonly leaseId: string; readonly delivery: number };

/** `ack`: done, forget it. `retry`: hand it out again, not before `delayMs`. `reject`: never again (poison); kept by name. */
export type Settlement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'reject'; readonly reason: string };

/** Work that a handler rejected: it is not handed out again while this queue lives. `at`: RFC 3339. */
export type ParkedWork = { readonly intentId: string; readonly kind: WorkKind; readonly executionId: string; readonly reason: string; readonly at: string };

export type QueueDepth = { readonly waiting: number; readonly leased: number };

export type Consumption = {
  /** Stops taking work, waits for the handlers in flight, at most `graceMs`; then aborts their signals. Idempotent. */
  stop(graceMs: number): Promise<void>;
};

export type ConsumeOptions = {
  readonly classes?: readonly string[];
  /** handlers in flight at most */
  readonly concurrencyMax: number;
  /** a lease not settled by then is handed out again (delivery + 1) and its handler's signal aborts; default 30,000 */
  readonly ackWaitMs?: number;
};

/**
 * Work waiting for a consumer. At least once: a handler may see the same intent again (`delivery` > 1).
 * Work may be lost with the queue (a crash); the dispatcher publishes open intents again.
 * Faults: QUEUE_CLOSED, QUEUE_FULL (back-pressure: publish later).
 */
export interface WorkQueue {
  /** Idempotent per intent while it is queued or leased. All or nothing where QUEUE_FULL. */
  publish(work: readonly [Work, ...Work[]]): Promise<void>;
  consume(
    kind: WorkKind,
    handler: (leased: Leased, signal: AbortSignal) => Promise<Settlement>,
    o: ConsumeOptions,
  ): Consumption;
  /** Best effort: drops waiting work of these intents and aborts the signals of leased work. */
  revoke(intentIds: readonly string[]): Promise<void>;
  /** Of all classes, or of one; counting one may look at every entry. */
  depth(kind: WorkKind, workClass?: string): Promise<QueueDepth>;
  /** The oldest first; how many are kept is bounded by the adapter. */
  parked(): Promise<readonly ParkedWork[]>;
  /**
   * Calls the listener when work that was taken may be gone (the engine lost it, not this process), so that what is open is
   * published again. Answers what ends that. Absent where work is gone only with the process that published it.
   */
  onLost?(listener: () => void): () => void;
  /** Idempotent. */
  close(): Promise<void>;
}
