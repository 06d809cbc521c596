/**
 * Calls that touch the same key run one after the other, in the order they came; others run at once.
 * A call takes its place at all of its keys in one step, so that no two wait for each other.
 */
export class KeyTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = Promise.all(keys.map((key) => this.#last.get(key)));
    const own = before.then(work);
    const settled = own.then(() => undefined, () => undefined);
    for (const key of keys) this.#last.set(key, settled);
    try {
      return await own;
    } finally {
      for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}
