import type { Intent } from '@maestro/domain';
import type { Clock } from '@maestro/ports';

/** A timer is set in steps of at most this: longer ones overflow, and a clock that was set shows at the next step. */
const TIMER_STEP_MS = 3_600_000;
/** Clocks of processes that divide the streams may differ by this much, and no timer is early by more than they differ. */
export const CLOCKS_APART_MS = 15 * 60_000;
/** A check may wait so much longer than its deadline says where policy answers others meanwhile. */
export const CHECK_QUEUES_MAX_MS = 5 * 60_000;

type Timer = Extract<Intent, { kind: 'timer' }>;

/** When the timers of one dispatcher are due. */
export type DueTimes = {
  /** until it is to be looked at again, milliseconds; 0: it is due */
  delayMs(timer: Timer): number;
  /** of one that is closed */
  forget(timer: Timer): void;
  /** Policy answered some check just now: it is there, and whatever waits for it waits in a queue. */
  policyAnswered(): void;
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
    policyAnswered: () => checks.policyAnswered(),
  };
}

/**
 * Times that another process may have set, by a wall clock that may be wrong; so may be the one here.
 * T1. Only the span from the event to its due time is taken from the event: one clock has set both.
 * T2. A span is waited for anew from when this process first sees the timer, by time that passes and not by any wall clock.
 * T3. Of a span longer than CLOCKS_APART_MS, what has passed before by wall clocks counts, down to that much.
 * T4. The deadline of a check is for a policy that is silent: its span begins anew with each answer of policy to any check,
 *     until CHECK_QUEUES_MAX_MS after it would have ended, since this one may be what nobody can answer.
 */
export class DueSinceSeen implements DueTimes {
  readonly #clock: Clock;
  /** by key of the timer: of which event it is, and when it is due by monotonic time */
  readonly #seen = new Map<string, { readonly eventId: string; readonly dueUs: number }>();
  #answeredUs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  delayMs(timer: Timer): number {
    const known = this.#seen.get(timer.key);
    const seen = known?.eventId === timer.eventId ? known : this.#see(timer);
    const dueUs = timer.timer.kind === 'policy-deadline' ? this.#unlessInQueue(timer, seen.dueUs) : seen.dueUs;
    return Math.min(TIMER_STEP_MS, Math.max(0, Math.ceil((dueUs - this.#clock.monotonicUs()) / 1_000)));
  }

  forget({ key }: Timer): void {
    this.#seen.delete(key);
  }

  policyAnswered(): void {
    this.#answeredUs = this.#clock.monotonicUs();
  }

  #unlessInQueue({ at, dueAt, waitMs = spanMs(at, dueAt) }: Timer, dueUs: number): number {
    return Math.max(dueUs, Math.min(this.#answeredUs + waitMs * 1_000, dueUs + CHECK_QUEUES_MAX_MS * 1_000));
  }

  #see({ key, eventId, at, dueAt, waitMs = spanMs(at, dueAt) }: Timer): { readonly eventId: string; readonly dueUs: number } {
    const leftMs = Date.parse(dueAt) - this.#clock.nowMs();
    const stillMs = Math.min(waitMs, Math.max(leftMs, Math.min(waitMs, CLOCKS_APART_MS)));
    const seen = { eventId, dueUs: this.#clock.monotonicUs() + stillMs * 1_000 };
    this.#seen.set(key, seen);
    return seen;
  }
}

function spanMs(at: string, dueAt: string): number {
  return Math.max(0, Date.parse(dueAt) - Date.parse(at));
}
