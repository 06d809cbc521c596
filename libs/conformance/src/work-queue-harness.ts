import type { ConsumeOptions, Consumption, Leased, Settlement, Work, WorkKind, WorkQueue } from '@maestro/ports';

/** One empty queue, made by the binding for one case. */
export type WorkQueueHarness = {
  readonly queue: WorkQueue;
  /** the queue was made to take this many waiting works and no more; 20 or more */
  readonly waitingMax: number;
  /** hands out by run, one of each in turn; an engine that keeps one order for all cannot */
  readonly takesTurns?: true;
  /** Lets time pass (simulated or real) and everything that is due happen. */
  advance(ms: number): Promise<void>;
  dispose(): Promise<void>;
};
export type WorkQueueFactory = () => Promise<WorkQueueHarness>;

export function newWork(intentId: string, o: Partial<Work> = {}): Work {
  return { kind: 'task', intentId, workClass: 'default', executionId: 'run-1', payload: { intentId }, ...o };
}

export function newWorks(count: number, o: Partial<Work> = {}): [Work, ...Work[]] {
  const prefix = o.executionId ?? 'intent';
  return Array.from({ length: count }, (_, i) => newWork(`${prefix}-${i}`, o)) as [Work, ...Work[]];
}

/** A handler in flight, answered by the test. */
export type Call = {
  readonly leased: Leased;
  readonly signal: AbortSignal;
  settle(answer: Settlement): void;
  fail(error: Error): void;
};

/** A consumer whose every handler waits until the test answers it. */
export class Hand {
  readonly #calls: Call[] = [];
  #wake: (() => void) | undefined;
  readonly consumption: Consumption;
  /** every call ever, in order */
  readonly seen: Call[] = [];

  constructor(queue: WorkQueue, o: Partial<ConsumeOptions> & { readonly kind?: WorkKind } = {}) {
    const { kind = 'task', ...rest } = o;
    const options = { concurrencyMax: 100, ...rest };
    this.consumption = queue.consume(kind, (leased, signal) => this.#handle(leased, signal), options);
  }

  #handle(leased: Leased, signal: AbortSignal): Promise<Settlement> {
    return new Promise((settle, fail) => {
      const call: Call = { leased, signal, settle, fail };
      this.#calls.push(call);
      this.seen.push(call);
      this.#wake?.();
    });
  }

  /** The next call in order; waits for it. */
  async next(): Promise<Call> {
    for (;;) {
      const call = this.#calls.shift();
      if (call !== undefined) return call;
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  async take(count: number): Promise<Call[]> {
    const calls: Call[] = [];
    while (calls.length < count) calls.push(await this.next());
    return calls;
  }

  /** Intents handed out so far and not yet taken by `next`. */
  get untaken(): string[] {
    return this.#calls.map((c) => c.leased.work.intentId);
  }
}

export const ack: Settlement = { kind: 'ack' };
