import type { Intent } from '@maestro/domain';
import type { Clock } from '@maestro/ports';

/** A timer is set in steps of at most this: longer ones overflow, and a clock that was set shows at the next step. */
const TIMER_STEP_MS = 3_600_000;
/** Clocks of processes that divide the streams may differ by this much, and no timer is early by more than they differ. */
export const CLOCKS_APART_MS = 15 * 60_000;

type Timer = Extract<Intent, { kind: 'timer' }>;

/** When the timers of one dispatcher are due. */
export type DueTimes = {
  /** until it is to be looked at again, milliseconds; 0: it is due */
  delayMs(timer: Timer): number;
  /** of one that is closed */
  forget(timer: Timer): void;
};

/**
 * One process sets all times and reads them: due is what its wall clock says is due, also where that was set or the process was down
 * meanwhile. Only the deadline of a check is waited for anew: a process that was down is no policy that did not answer.
 */
export function dueByWallClock(clock: Clock): DueTimes {
  const checks = new DueSinceSeen(clock);
  return {
    delayMs: (timer) => (timer.timer.kind === 'policy-deadline' ? checks.delayMs(timer) : Math.min(TIMER_STEP_MS, Math.max(0, Date.parse(timer.dueAt) - clock.nowMs()))),
    forget: (timer) => checks.forget(timer),
  };
}

/**
 * Times that another process may have set, by a wall clock that may be wrong; so may be the one here.
 * T1. Only the span from the event to its due time is taken from the event: one clock has set both.
 * T2. A span is waited for anew from when this process first sees the timer, by time that passes and not by any wall clock.
 * T3. Of a span longer than CLOCKS_APART_MS, what has passed before by wall clocks counts, down to that much.
 */
export class DueSinceSeen implements DueTimes {
  readonly #clock: Clock;
  /** by key of the timer: of which event it is, and when it is due by monotonic time */
  readonly #seen = new Map<string, { readonly eventId: string; readonly dueUs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  delayMs(timer: Timer): number {
    const known = this.#seen.get(timer.key);
    const { dueUs } = known?.eventId === timer.eventId ? known : this.#see(timer);
    return Math.min(TIMER_STEP_MS, Math.max(0, Math.ceil((dueUs - this.#clock.monotonicUs()) / 1_000)));
  }

  forget({ key }: Timer): void {
    this.#seen.delete(key);
  }

  #see({ key, eventId, at, dueAt, waitMs = Math.max(0, Date.parse(dueAt) - Date.parse(at)) }: Timer): { readonly eventId: string; readonly dueUs: number } {
    const leftMs = Date.parse(dueAt) - this.#clock.nowMs();
    const stillMs = Math.min(waitMs, Math.max(leftMs, Math.min(waitMs, CLOCKS_APART_MS)));
    const seen = { eventId, dueUs: this.#clock.monotonicUs() + stillMs * 1_000 };
    this.#seen.set(key, seen);
    return seen;
  }
}
