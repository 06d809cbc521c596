import type { StoredEvent } from '@maestro/ports';

/** Events that are held while the reader is busy; beyond that it reads them from the store. */
const HELD_MAX = 16;

/** What has come of one stream for one reader, and that reader's wait for more. */
export class Tail {
  #held: StoredEvent[] = [];
  #isBehind = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  /** Holds it for the reader; one too many, and all of them are to be read from the store. */
  take(event: StoredEvent): void {
    if (this.#isBehind) return;
    if (this.#held.length < HELD_MAX) this.#held.push(event);
    else {
      this.#held = [];
      this.#isBehind = true;
    }
    this.#wake();
  }

  /** The reader gets it as an error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** `behind`: read the stream again, and ask again; `ended`: the signal fired. Throws what `fail` was given. */
  async next(signal: AbortSignal): Promise<StoredEvent | 'behind' | 'ended'> {
    if (this.#held.length === 0 && !this.#isBehind && this.#failure === undefined) await this.#something(signal);
    if (signal.aborted) return 'ended';
    if (this.#failure !== undefined) throw this.#failure.error;
    const isBehind = this.#isBehind;
    this.#isBehind = false;
    return isBehind ? 'behind' : (this.#held.shift() ?? 'behind');
  }

  #something(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
  }
}
