import type { Intent } from '@maestro/domain';
import type { Consumption, Log, WakeUps } from '@maestro/ports';

/** A timer that is due sooner is left to the process's own clock: most are closed before a wake-up could help. */
export const WAKE_UP_FROM_MS = 10_000;
const STOP_MS = 1_000;

type Timer = Extract<Intent, { kind: 'timer' }>;

/** Asks to be woken for the timers of one dispatcher. Whatever fails here is noted only: a timer does not need it. */
export class TimerWakeUps {
  readonly #wakeUps: WakeUps;
  readonly #lane: string;
  readonly #log: Log;
  /** keys that this process asked for and nobody took back */
  readonly #asked = new Set<string>();
  #following: Consumption | undefined;

  constructor(wakeUps: WakeUps, lane: string, log: Log) {
    this.#wakeUps = wakeUps;
    this.#lane = lane;
    this.#log = log;
  }

  follow(lookAgain: (key: string) => void): void {
    this.#following = this.#wakeUps.follow(this.#lane, async (key) => lookAgain(key));
  }

  /** `delayMs`: until it is due by the clock of this process. */
  set({ key, dueAt }: Timer, delayMs: number): void {
    if (delayMs < WAKE_UP_FROM_MS) return;
    this.#asked.add(key);
    this.#wakeUps.set({ lane: this.#lane, key, dueAt }).catch((error: unknown) => this.#note('set', key, error));
  }

  /** One that another process asked for may come: then there is nothing to look at. */
  cancel({ key }: Timer): void {
    if (this.#asked.delete(key)) this.#wakeUps.cancel({ lane: this.#lane, key }).catch((error: unknown) => this.#note('taken back', key, error));
  }

  async stop(): Promise<void> {
    await this.#following?.stop(STOP_MS);
  }

  #note(what: string, key: string, error: unknown): void {
    this.#log.log('debug', `a wake-up could not be ${what}`, { key, error });
  }
}
