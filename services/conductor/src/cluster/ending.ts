import type { Log } from '@maestro/ports';

/** What has to be ended, the last that began first. */
export class Ending {
  readonly #log: Log;
  readonly #steps: { readonly what: string; readonly end: () => Promise<void> }[] = [];
  #ending: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  get hasBegun(): boolean {
    return this.#ending !== undefined;
  }

  add(what: string, end: () => Promise<void>): void {
    this.#steps.push({ what, end });
  }

  /** Idempotent; never rejects. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    for (const { what, end } of this.#steps.splice(0).reverse()) {
      await end().catch((error: unknown) => this.#log.log('warn', 'a part could not be ended', { what, error }));
    }
  }
}
