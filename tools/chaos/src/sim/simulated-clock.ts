import { ManualClock } from '@maestro/adapter-memory';
import type { Clock } from '@maestro/ports';

/**
 * Two clocks, as in a machine: one that only goes on, by which timers fire, and the clock on the wall, which may be set
 * to another time and may stand still. Neither moves unless told.
 */
export class SimulatedClock implements Clock {
  readonly #steady = new ManualClock(Date.parse('2026-01-05T10:00:00.000Z'));
  readonly #startMs = this.#steady.nowMs();
  #offsetMs = 0;
  #frozenAtMs: number | undefined;

  nowMs(): number {
    return this.#frozenAtMs ?? this.#steady.nowMs() + this.#offsetMs;
  }

  monotonicUs(): number {
    return this.#steady.monotonicUs();
  }

  after(delayMs: number, fn: () => void): () => void {
    return this.#steady.after(delayMs, fn);
  }

  /** Milliseconds that passed since the start, whatever the wall says. */
  get elapsedMs(): number {
    return this.#steady.nowMs() - this.#startMs;
  }

  /** Sets the clock on the wall so far from the right time. */
  set(offsetMs: number): void {
    if (this.#frozenAtMs !== undefined) this.#frozenAtMs += offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
  }

  /** The clock on the wall stands still until `thaw`; timers go on. */
  freeze(): void {
    this.#frozenAtMs ??= this.nowMs();
  }

  thaw(): void {
    this.#frozenAtMs = undefined;
  }

  /** Goes to the next timer and fires all that are due then; false: there is none. */
  step(): boolean {
    const dueMs = this.#steady.nextDueMs;
    if (dueMs === undefined) return false;
    this.#steady.advance(Math.max(0, dueMs - this.#steady.nowMs()));
    return true;
  }
}
