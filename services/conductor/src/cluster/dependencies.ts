import { isFault } from '@maestro/ports';
import type { Clock, Log } from '@maestro/ports';
import type { ReadinessRow } from '@maestro/service-api';

/** milliseconds */
const FIRST_PAUSE_MS = 250;
const PAUSE_MAX_MS = 5_000;
/** what still does not answer is told again this often */
const TELL_EVERY_MS = 30_000;
const PROBE_TIMEOUT_MS = 2_000;

type Entry = { isOpen: boolean; detail: string; probe: (() => Promise<string>) | undefined };
type Around = { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal };

/**
 * What a process depends on, from the moment it begins to wait for it.
 * W1. Each is waited for by itself, in any order, for as long as the process is not asked to end: a process whose
 *     dependency is away waits, and never ends for it.
 * W2. The pause between tries doubles up to a bound; the first failure, every change of its reason and one reminder in
 *     30 seconds are logged.
 * W3. Faults are waited out, also those that only an operator can mend; anything else is a bug and ends the start.
 */
export class Dependencies {
  readonly #around: Around;
  readonly #entries = new Map<string, Entry>();

  constructor(around: Around) {
    this.#around = around;
  }

  /** Opens it, sooner or later. Rejects where the process is asked to end before, and for bugs. */
  async open<T>(name: string, open: () => Promise<T>, probe?: (opened: T) => Promise<string>): Promise<T> {
    const { clock, log, signal } = this.#around;
    const entry: Entry = { isOpen: false, detail: 'waits for its first answer', probe: undefined };
    this.#entries.set(name, entry);
    let told = { detail: '', atMs: -Infinity };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
      try {
        signal.throwIfAborted();
        const opened = await open();
        Object.assign(entry, { isOpen: true, detail: 'open', probe: probe === undefined ? undefined : () => probe(opened) });
        log.log('info', 'a dependency is there', { dependency: name });
        return opened;
      } catch (error) {
        if (signal.aborted || !isFault(error)) throw error;
        entry.detail = error.message;
        const nowMs = clock.monotonicUs() / 1_000;
        if (told.detail !== entry.detail || nowMs - told.atMs >= TELL_EVERY_MS) {
          log.log(error.retryable ? 'info' : 'error', 'waits for a dependency', { dependency: name, reason: entry.detail });
          told = { detail: entry.detail, atMs: nowMs };
        }
        await pause(clock, pauseMs, signal);
      }
    }
  }

  /** One row each, asked now, in the order in which they were waited for. */
  rows(): Promise<readonly ReadinessRow[]> {
    return Promise.all([...this.#entries].map(([name, entry]) => this.#row(name, entry)));
  }

  async #row(name: string, { isOpen, detail, probe }: Entry): Promise<ReadinessRow> {
    if (!isOpen || probe === undefined) return { name, ok: isOpen, detail };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${PROBE_TIMEOUT_MS} ms`)), PROBE_TIMEOUT_MS);
    });
    try {
      return { name, ok: true, detail: await Promise.race([probe(), late]) };
    } catch (error) {
      return { name, ok: false, detail: (error as Error).message };
    } finally {
      clearTimeout(timer);
    }
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done);
  });
}
