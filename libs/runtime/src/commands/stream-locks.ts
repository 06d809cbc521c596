/** One piece of work per stream at a time, in the order of asking; streams never wait for each other. */
export class StreamLocks {
  readonly #tails = new Map<string, Promise<unknown>>();

  async run<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(stream);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#tails.set(stream, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(stream) === mine) this.#tails.delete(stream);
    }
  }
}
