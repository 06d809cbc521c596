import { EventStoreDBClient } from '@eventstore/db-client';
import { isFault, type CallOptions } from '@maestro/ports';
import { CallFailure, faultOf, toCallFailure, type FailureKind } from './call-failure.ts';
import { guard } from './client-guard.ts';
import { pause, within } from './time-limit.ts';

/** One client of the vendor; `retired` fires when it was replaced, as its streams then end without a word. */
export type LiveClient = { readonly client: EventStoreDBClient; readonly retired: AbortSignal };
/** `left` fires when nobody waits any more; `alive` says that the server is at it, so that the try goes on. */
export type ClientCall<T> = (client: EventStoreDBClient, left: AbortSignal, alive: () => void) => Promise<T>;

/** Appends go over a stream of their own, which may be stuck while reads are answered. */
export type CallKind = 'read' | 'append';

type TryOptions = CallOptions & { readonly timeoutMs: number; readonly kind: CallKind };

export type ClientSettings = {
  readonly connectionString: string;
  readonly attemptMs: number;
  readonly patienceMs: number;
  readonly useBatchAppend: boolean;
};

type Held = LiveClient & {
  readonly retire: () => void;
  failures: number;
  /** when the latest answer to a call of this kind came */
  readonly answeredMs: Record<CallKind, number>;
};

/** Failures after which the same call may well succeed; nothing else is ever tried again here. */
const PASSING: ReadonlySet<FailureKind> = new Set(['not-leader', 'unavailable', 'timed-out']);
/** A client that failed so often in a row is replaced: it may have kept an error for ever. */
const FAILURES_MAX = 2;
const PAUSE_FIRST_MS = 20;
const PAUSE_MAX_MS = 500;

/** Pauses between tries: short at first, doubled up to half a second. */
export const pauseMs = (tries: number): number => Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(tries, 10));

/**
 * Makes calls through a client of the vendor, and replaces it when it no longer works.
 *
 * C1. Every call ends within its own time limit, whatever the client does.
 * C2. A client is replaced after a call that got no answer while no other call of its kind got one, or after two failures
 *     in a row that a connection may cause. A server that is slow, and answers some, keeps its client.
 * C3. A replaced client's streams are cancelled and its connections closed; calls on it fail, and are settled by whoever
 *     made them: a read is made again, a write is read back.
 * C4. What was read through a client that was replaced meanwhile counts as not read.
 */
export class SupervisedClient {
  readonly #connectionString: string;
  readonly #attemptMs: number;
  readonly #useBatchAppend: boolean;
  readonly #closing = new AbortController();
  #held: Held | undefined;

  /** the time of a call whose caller names none */
  readonly patienceMs: number;

  constructor(o: ClientSettings) {
    this.patienceMs = o.patienceMs;
    this.#connectionString = o.connectionString;
    this.#attemptMs = o.attemptMs;
    this.#useBatchAppend = o.useBatchAppend;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  current(): LiveClient {
    this.#held ??= this.#open();
    return this.#held;
  }

  /**
   * One try of at most `timeoutMs`, which ends early when nothing comes for as long as an attempt may take. Rejects with a
   * CallFailure, or the call's own Fault.
   */
  async once<T>(o: TryOptions, call: ClientCall<T>): Promise<T> {
    const held = (this.#held ??= this.#open());
    const startMs = performance.now();
    const timeoutMs = Math.max(1, o.timeoutMs);
    const limit = { timeoutMs, idleMs: this.#attemptMs, signal: o.signal, closing: this.closing };
    try {
      const answer = await within(limit, (left, alive) => call(held.client, left, alive));
      // a cancelled read ends like one that is whole, without a word
      if (o.kind === 'read' && held.retired.aborted) throw new CallFailure('unavailable', new Error('the client was replaced meanwhile'));
      held.failures = 0;
      held.answeredMs[o.kind] = performance.now();
      return answer;
    } catch (error) {
      if (isFault(error)) throw error; // the call was answered, and its answer is damaged
      const failure = toCallFailure(error);
      // as far as this call goes others were answered meanwhile, so that the client itself is well
      if (failure.kind !== 'timed-out' || held.answeredMs[o.kind] < startMs) this.failed(held, failure);
      throw failure;
    }
  }

  /** For calls that only read: tries until the time is over. Rejects with a Fault, or a CallFailure that is an answer. */
  async reading<T>(doing: string, o: CallOptions, call: ClientCall<T>): Promise<T> {
    const endMs = performance.now() + (o.timeoutMs ?? this.patienceMs);
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.once({ ...o, timeoutMs: endMs - performance.now(), kind: 'read' }, call);
      } catch (error) {
        if (isFault(error)) throw error;
        const failure = error as CallFailure;
        if (failure.kind === 'stream-missing') throw failure;
        // a try without time would only say that it had none
        if (!PASSING.has(failure.kind) || performance.now() + pauseMs(tries) >= endMs) throw faultOf(failure, doing);
      }
      await pause(pauseMs(tries), o.signal, this.closing);
    }
  }

  /** Says what became of a client outside of `once`: streams that live long fail late. */
  failed(live: LiveClient, failure: CallFailure): void {
    const held = this.#held;
    if (held === undefined || held.client !== live.client) return;
    if (failure.kind === 'unavailable') held.failures += 1;
    if (failure.kind !== 'timed-out' && held.failures < FAILURES_MAX) return;
    this.#held = undefined;
    held.retire();
  }

  /** Ends all calls; idempotent. */
  close(): void {
    this.#closing.abort();
    this.#held?.retire();
    this.#held = undefined;
  }

  #open(): Held {
    if (this.closing.aborted) throw new CallFailure('closed', new Error('the store was closed'));
    const client = EventStoreDBClient.connectionString(this.#connectionString);
    const { endConnections } = guard(client, { useBatchAppend: this.#useBatchAppend });
    const retired = new AbortController();
    const retire = (): void => {
      retired.abort();
      client.dispose().then(endConnections, endConnections);
    };
    return { client, retired: retired.signal, retire, failures: 0, answeredMs: { read: 0, append: 0 } };
  }
}
