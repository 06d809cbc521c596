import type { EvidenceRef } from '@maestro/ports';

/** Refs of the keys that were put last, at most `countMax`; the oldest is forgotten first. */
export class RecentRefs {
  readonly #refs = new Map<string, EvidenceRef>();
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get(key: string): EvidenceRef | undefined {
    return this.#refs.get(key);
  }

  set(key: string, ref: EvidenceRef): void {
    this.#refs.set(key, ref);
    if (this.#refs.size <= this.#countMax) return;
    const [oldest] = this.#refs.keys();
    if (oldest !== undefined) this.#refs.delete(oldest);
  }
}
