/** Pause before what ended or failed is begun anew. */
const RETRY_MS = 1_000;

/** Something that is begun anew whenever it ends. `stop` resolves when it has ended for good; idempotent. */
export type KeptUp = { stop(): Promise<void> };

/**
 * Runs `run` until stopped: when it ends, and when it throws, it is begun anew after a second. The signal fires on `stop`,
 * and `run` must end then. `failed` hears of each failure but those of stopping.
 */
export function keepUp(run: (signal: AbortSignal) => Promise<void>, failed: (error: unknown) => void): KeptUp {
  const abort = new AbortController();
  const running = (async () => {
    while (!abort.signal.aborted) {
      try {
        await run(abort.signal);
      } catch (error) {
        if (!abort.signal.aborted) failed(error);
      }
      if (!abort.signal.aborted) await pause(abort.signal);
    }
  })();
  return {
    stop() {
      abort.abort();
      return running;
    },
  };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    const wake = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', wake, { once: true });
  });
}
