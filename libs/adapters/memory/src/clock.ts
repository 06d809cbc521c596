import type { Clock } from '@maestro/ports';

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => Math.round(performance.now() * 1000),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

type Timer = { readonly dueMs: number; readonly order: number; fn: (() => void) | undefined };

const before = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/**
 * Time that stands still until told. Timers fire in the order in which they fall due, those of one instant in the
 * order in which they were set; a timer set by a timer fires within the same `advance` when it falls due in it.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #pending = 0;
  /** binary heap by `before`; a cancelled timer stays, without its function, until it comes up */
  readonly #heap: Timer[] = [];
  readonly #startMs: number;

  constructor(startMs = Date.UTC(2026, 0, 5)) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicUs(): number {
    return (this.#nowMs - this.#startMs) * 1000;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fn };
    this.#push(timer);
    this.#pending += 1;
    return () => {
      if (timer.fn !== undefined) this.#pending -= 1;
      timer.fn = undefined;
    };
  }

  /** Timers set and neither fired nor cancelled. */
  get pending(): number {
    return this.#pending;
  }

  /** When the next timer falls due; undefined without one. */
  get nextDueMs(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].fn === undefined) this.#pop();
    return this.#heap[0]?.dueMs;
  }

  /** Moves on by `ms` and fires, synchronously, all that falls due on the way. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let dueMs = this.nextDueMs; dueMs !== undefined && dueMs <= endMs; dueMs = this.nextDueMs) {
      const timer = this.#pop();
      const fn = timer?.fn;
      if (timer === undefined || fn === undefined) continue;
      timer.fn = undefined;
      this.#pending -= 1;
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      fn();
    }
    this.#nowMs = endMs;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || before(parent, timer)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const child = left !== undefined && right !== undefined && before(right, left) ? right : left;
      if (child === undefined || before(last, child)) break;
      heap[at] = child;
      at = child === left ? 2 * at + 1 : 2 * at + 2;
    }
    heap[at] = last;
    return first;
  }
}
