import type { Clock } from '@maestro/ports';

/** What a call of a dead process gets: no answer, ever. A new one each time: one for all would keep whoever waits for it. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** One life of a process: until it is cut, its ports answer; afterwards nothing that it asked for ever comes back. */
export class Lifeline {
  readonly died: Promise<'died'>;
  readonly #timers = new Set<() => void>();
  #isCut = false;
  #resolve: (how: 'died') => void = () => undefined;

  constructor() {
    this.died = new Promise((resolve) => (this.#resolve = resolve));
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** As SIGKILL: no code of this life gets an answer any more, no timer of it fires. */
  cut(): void {
    this.#isCut = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#resolve('died');
  }

  /** A clock whose timers end with this life. */
  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      monotonicUs: () => clock.monotonicUs(),
      after: (delayMs, fn) => {
        if (this.#isCut) return () => undefined;
        const cancel = clock.after(delayMs, () => {
          this.#timers.delete(cancel);
          fn();
        });
        this.#timers.add(cancel);
        return () => {
          this.#timers.delete(cancel);
          cancel();
        };
      },
    };
  }

  /** The answer, for as long as there is somebody who asked. */
  async whileAlive<T>(answer: Promise<T>): Promise<T> {
    try {
      return await (this.#isCut ? never() : answer);
    } finally {
      if (this.#isCut) await never();
    }
  }
}
