type Waiting = { readonly bytes: number; readonly enter: () => void };

/**
 * Bounds what is in flight.
 *
 * T1. At most `requestsMax` requests run, and their bodies are at most `bytesMax` together; a larger body runs alone.
 * T2. First come, first served: a large body is not overtaken, so it never starves.
 */
export class TransferGate {
  readonly #requestsMax: number;
  readonly #bytesMax: number;
  readonly #waiting: Waiting[] = [];
  #requests = 0;
  #bytes = 0;

  constructor(requestsMax: number, bytesMax: number) {
    this.#requestsMax = requestsMax;
    this.#bytesMax = bytesMax;
  }

  /** Runs `work` when there is room for it and for `bytes` of body. */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((enter) => {
      this.#waiting.push({ bytes, enter });
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#requests -= 1;
      this.#bytes -= bytes;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const isFull = this.#requests > 0 && this.#bytes + next.bytes > this.#bytesMax;
      if (this.#requests >= this.#requestsMax || isFull) return;
      this.#waiting.shift();
      this.#requests += 1;
      this.#bytes += next.bytes;
      next.enter();
    }
  }
}
