import type { KeyObject } from 'node:crypto';
import type { DataKeyId } from '@maestro/ports';

/** The keys used last, at most `countMax`, so that a busy run costs no file read. */
export class RecentKeys {
  readonly #keys = new Map<DataKeyId, KeyObject>();
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get(keyId: DataKeyId): KeyObject | undefined {
    const key = this.#keys.get(keyId);
    if (key !== undefined) this.set(keyId, key);
    return key;
  }

  /** Makes it the newest; forgets the one that was unused for longest when there are too many. */
  set(keyId: DataKeyId, key: KeyObject): void {
    this.#keys.delete(keyId);
    this.#keys.set(keyId, key);
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
