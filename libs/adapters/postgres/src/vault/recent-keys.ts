import type { KeyObject } from 'node:crypto';
import type { DataKeyId } from '@maestro/ports';

type Kept = { readonly key: KeyObject; readonly untilMs: number };

/** The keys used last, at most `countMax`, each for a time: another process may destroy it. */
export class RecentKeys {
  readonly #keys = new Map<DataKeyId, Kept>();
  readonly #countMax: number;
  readonly #keepMs: number;
  readonly #nowMs: () => number;

  /** `nowMs`: monotonic */
  constructor(countMax: number, keepMs: number, nowMs: () => number) {
    this.#countMax = countMax;
    this.#keepMs = keepMs;
    this.#nowMs = nowMs;
  }

  get(keyId: DataKeyId): KeyObject | undefined {
    const kept = this.#keys.get(keyId);
    if (kept === undefined) return undefined;
    this.#keys.delete(keyId);
    if (kept.untilMs <= this.#nowMs()) return undefined;
    this.#keys.set(keyId, kept);
    return kept.key;
  }

  /** Makes it the newest, read just now; forgets the one that was unused for longest when there are too many. */
  set(keyId: DataKeyId, key: KeyObject): void {
    this.#keys.delete(keyId);
    this.#keys.set(keyId, { key, untilMs: this.#nowMs() + this.#keepMs });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > this.#countMax && oldest !== undefined) this.#keys.delete(oldest);
  }

  delete(keyId: DataKeyId): void {
    this.#keys.delete(keyId);
  }

  clear(): void {
    this.#keys.clear();
  }
}
