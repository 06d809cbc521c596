/** Wakes those who wait for a request: one of this process at once, one of another process when it is looked for. */
export class RebuildRequests {
  readonly #pollMs: number;
  readonly #waiting = new Set<() => void>();

  /** `pollMs`: how often a request of another process is looked for */
  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /** Everybody who waits looks again. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Until `wake`, the next look, or the signal. */
  woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, this.#pollMs).unref();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
