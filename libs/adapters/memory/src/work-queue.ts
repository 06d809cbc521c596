import {
  Fault,
  type Clock,
  type ConsumeOptions,
  type Consumption,
  type Entropy,
  type Leased,
  type ParkedWork,
  type QueueDepth,
  type Settlement,
  type Work,
  type WorkKind,
  type WorkQueue,
} from '@maestro/ports';
import { Lanes, type Entry } from './work-lanes.ts';

type Handler = (leased: Leased, signal: AbortSignal) => Promise<Settlement>;
type Consumer = {
  readonly kind: WorkKind;
  readonly handler: Handler;
  readonly classes: ReadonlySet<string> | undefined;
  readonly concurrencyMax: number;
  readonly ackWaitMs: number;
  /** handlers that have not answered, whether or not their lease still holds */
  readonly running: Map<Promise<void>, { readonly entry: Entry; readonly lease: AbortController }>;
  stopping: Promise<void> | undefined;
};

export type MemoryWorkQueueOptions = {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** works waiting or delayed at most; beyond it publish answers QUEUE_FULL; default 100,000 */
  readonly waitingMax?: number;
  /** how long work rests whose handler threw; default 1,000 */
  readonly throwDelayMs?: number;
  /** names of rejected intents that are kept, the oldest go first; default 10,000 */
  readonly rejectedMax?: number;
};

const DEFAULT_ACK_WAIT_MS = 30_000;
const retryAfter = (delayMs: number): Settlement => ({ kind: 'retry', delayMs });

/**
 * Work in the memory of one process, gone with it: the dispatcher publishes what is still open again at start.
 *
 * Q1. An intent is in `#entries` exactly while it waits, rests or is leased; it is in a lane exactly while it waits.
 * Q2. Whoever takes an entry's lease away (answer, expiry, stop) does so once: the lease is held while
 *     `entry.abort` is the controller made for it. What the handler says later has no effect.
 * Q3. A consumer has at most `concurrencyMax` handlers running, counting those whose lease is lost: a slot is free
 *     only when its handler has answered.
 * Q4. Handlers start in a microtask after the change that made it possible, never inside a caller's `publish`.
 */
export class MemoryWorkQueue implements WorkQueue {
  readonly #o: Required<MemoryWorkQueueOptions>;
  readonly #entries = new Map<string, Entry>();
  readonly #rejected = new Map<string, ParkedWork>();
  readonly #lanes = new Lanes();
  readonly #consumers = new Set<Consumer>();
  readonly #depths: Record<WorkKind, { waiting: number; leased: number }> = {
    policy: { waiting: 0, leased: 0 },
    task: { waiting: 0, leased: 0 },
  };
  readonly #leasePrefix: string;
  #leases = 0;
  #pumping = false;
  #closed = false;

  constructor(o: MemoryWorkQueueOptions) {
    this.#o = { waitingMax: 100_000, throwDelayMs: 1_000, rejectedMax: 10_000, ...o };
    this.#leasePrefix = Buffer.from(o.entropy.bytes(8)).toString('hex');
  }

  async publish(work: readonly [Work, ...Work[]]): Promise<void> {
    this.#check();
    const fresh = new Map<string, Work>();
    for (const w of work)
      if (!this.#entries.has(w.intentId) && !this.#rejected.has(w.intentId)) fresh.set(w.intentId, w);
    const waiting = this.#depths.policy.waiting + this.#depths.task.waiting;
    if (waiting + fresh.size > this.#o.waitingMax) {
      throw new Fault('QUEUE_FULL', `${waiting} works wait, at most ${this.#o.waitingMax} may; publish again later`, {
        retryable: true,
      });
    }
    for (const w of fresh.values()) {
      const entry: Entry = {
        work: w,
        deliveries: 0,
        state: 'waiting',
        revoked: false,
        cancelTimer: () => {},
        abort: undefined,
      };
      this.#entries.set(w.intentId, entry);
      this.#depths[w.kind].waiting += 1;
      this.#lanes.push(entry);
    }
    this.#pumpSoon();
  }

  consume(kind: WorkKind, handler: Handler, o: ConsumeOptions): Consumption {
    this.#check();
    const consumer: Consumer = {
      kind,
      handler,
      classes: o.classes && new Set(o.classes),
      concurrencyMax: o.concurrencyMax,
      ackWaitMs: o.ackWaitMs ?? DEFAULT_ACK_WAIT_MS,
      running: new Map(),
      stopping: undefined,
    };
    this.#consumers.add(consumer);
    this.#pumpSoon();
    return { stop: (graceMs) => (consumer.stopping ??= this.#stop(consumer, graceMs)) };
  }

  async revoke(intentIds: readonly string[]): Promise<void> {
    this.#check();
    for (const id of intentIds) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      entry.revoked = true;
      if (entry.state === 'leased') entry.abort?.abort(new Fault('ABORTED', `intent ${id} was revoked`));
      else this.#forget(entry);
    }
  }

  async depth(kind: WorkKind, workClass?: string): Promise<QueueDepth> {
    this.#check();
    if (workClass === undefined) return { ...this.#depths[kind] };
    const entries = [...this.#entries.values()].filter(({ work }) => work.kind === kind && work.workClass === workClass);
    const leased = entries.filter(({ state }) => state === 'leased').length;
    return { waiting: entries.length - leased, leased };
  }

  async parked(): Promise<readonly ParkedWork[]> {
    this.#check();
    return [...this.#rejected.values()];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#consumers.clear();
    for (const entry of this.#entries.values()) {
      entry.cancelTimer();
      entry.abort?.abort(new Fault('QUEUE_CLOSED', 'the queue was closed'));
      entry.abort = undefined;
    }
    this.#entries.clear();
  }

  #check(): void {
    if (this.#closed) throw new Fault('QUEUE_CLOSED', 'the queue was closed; nothing was done');
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Hands out one work per consumer and round, so that consumers share; a consumer served goes to the end of the row. */
  #pump(): void {
    for (let progress = true; progress;) {
      progress = false;
      for (const consumer of [...this.#consumers]) {
        if (consumer.running.size >= consumer.concurrencyMax) continue;
        const entry = this.#lanes.take(consumer.kind, consumer.classes);
        if (entry === undefined) continue;
        this.#consumers.delete(consumer);
        this.#consumers.add(consumer);
        this.#lease(consumer, entry);
        progress = true;
      }
    }
  }

  #lease(consumer: Consumer, entry: Entry): void {
    const abort = new AbortController();
    entry.abort = abort;
    entry.deliveries += 1;
    this.#move(entry, 'leased');
    entry.cancelTimer = this.#o.clock.after(consumer.ackWaitMs, () => {
      this.#settle(entry, abort, retryAfter(0));
      abort.abort(
        new Fault('ABORTED', `the lease of intent ${entry.work.intentId} ran out after ${consumer.ackWaitMs} ms`),
      );
    });
    const leaseId = `${this.#leasePrefix}-${++this.#leases}`;
    const run = this.#run(
      consumer.handler,
      { work: entry.work, leaseId, delivery: entry.deliveries },
      abort.signal,
    ).then((answer) => {
      consumer.running.delete(run);
      this.#settle(entry, abort, answer);
      this.#pumpSoon();
    });
    consumer.running.set(run, { entry, lease: abort });
  }

  async #run(handler: Handler, leased: Leased, signal: AbortSignal): Promise<Settlement> {
    try {
      return await handler(leased, signal);
    } catch {
      return retryAfter(this.#o.throwDelayMs);
    }
  }

  #settle(entry: Entry, lease: AbortController, answer: Settlement): void {
    if (entry.abort !== lease) return;
    entry.cancelTimer();
    entry.abort = undefined;
    if (answer.kind === 'reject') this.#reject(entry.work, answer.reason);
    if (answer.kind !== 'retry' || entry.revoked) return this.#forget(entry);
    if (answer.delayMs <= 0) return this.#requeue(entry);
    this.#move(entry, 'delayed');
    entry.cancelTimer = this.#o.clock.after(answer.delayMs, () => this.#requeue(entry));
  }

  #requeue(entry: Entry): void {
    this.#move(entry, 'waiting');
    this.#lanes.push(entry);
    this.#pumpSoon();
  }

  #forget(entry: Entry): void {
    entry.cancelTimer();
    if (entry.state === 'waiting') this.#lanes.remove(entry);
    this.#depths[entry.work.kind][entry.state === 'leased' ? 'leased' : 'waiting'] -= 1;
    this.#entries.delete(entry.work.intentId);
  }

  #move(entry: Entry, to: Entry['state']): void {
    const depth = this.#depths[entry.work.kind];
    depth[entry.state === 'leased' ? 'leased' : 'waiting'] -= 1;
    depth[to === 'leased' ? 'leased' : 'waiting'] += 1;
    entry.state = to;
  }

  #reject({ intentId, kind, executionId }: Work, reason: string): void {
    const at = new Date(this.#o.clock.nowMs()).toISOString();
    this.#rejected.set(intentId, { intentId, kind, executionId, reason, at });
    for (const oldest of this.#rejected.keys()) {
      if (this.#rejected.size <= this.#o.rejectedMax) break;
      this.#rejected.delete(oldest);
    }
  }

  async #stop(consumer: Consumer, graceMs: number): Promise<void> {
    this.#consumers.delete(consumer);
    const running = [...consumer.running.keys()];
    if (running.length === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#o.clock.after(graceMs, () => {
        this.#abandon(consumer, graceMs);
        resolve();
      });
      void Promise.all(running).then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Takes the leases of a stopped consumer away, so that others get the work at once. */
  #abandon(consumer: Consumer, graceMs: number): void {
    for (const { entry, lease } of consumer.running.values()) {
      this.#settle(entry, lease, retryAfter(0));
      lease.abort(new Fault('ABORTED', `the consumer stopped and its grace of ${graceMs} ms is over`));
    }
  }
}
