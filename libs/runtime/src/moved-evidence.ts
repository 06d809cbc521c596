import { isFault } from '@maestro/ports';
import type { EvidenceHead, EvidenceItem, EvidenceRef, EvidenceStore } from '@maestro/ports';

const DIGEST = /^[0-9a-f]{64}$/;

/** The key under which an import puts what another deployment stored. `digest`: SHA-256 of the bytes, 64 hex. */
export function movedKey(digest: string): string {
  return `moved/${digest}`;
}

/**
 * Evidence of a deployment that may have come from elsewhere. Events say where their evidence lies, are hashed, and so still
 * name the place of the store that they were made with. Where nothing sound lies at that place, the bytes with the same digest
 * that an import brought along are served; the store checks them against the digest as always.
 */
export class MovedEvidence implements EvidenceStore {
  readonly #inner: EvidenceStore;

  constructor(inner: EvidenceStore) {
    this.#inner = inner;
  }

  put(item: EvidenceItem): Promise<EvidenceRef> {
    return this.#inner.put(item);
  }

  putMany(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]> {
    return this.#inner.putMany(items);
  }

  get(ref: EvidenceRef): Promise<Uint8Array> {
    return this.#inner.get(ref).catch(async (error: unknown) => this.#inner.get(await this.#movedOr(ref, error)));
  }

  find(key: string): Promise<EvidenceRef | null> {
    return this.#inner.find(key);
  }

  async head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    try {
      const own = await this.#inner.head(ref);
      if (own !== null) return own;
    } catch (error) {
      return this.#inner.head(await this.#movedOr(ref, error));
    }
    const moved = await this.#moved(ref);
    return moved && this.#inner.head(moved);
  }

  hold(ref: EvidenceRef, on: boolean): Promise<void> {
    return this.#inner.hold(ref, on).catch(async (error: unknown) => this.#inner.hold(await this.#movedOr(ref, error), on));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** A place of another store may be one of this store by chance, and then holds something else, or the middle of it. */
  async #movedOr(ref: EvidenceRef, error: unknown): Promise<EvidenceRef> {
    const isElsewhere = isFault(error, 'EVIDENCE_MISSING') || isFault(error, 'EVIDENCE_DAMAGED');
    const moved = isElsewhere ? await this.#moved(ref) : null;
    if (moved === null) throw error;
    return moved;
  }

  async #moved({ digest }: EvidenceRef): Promise<EvidenceRef | null> {
    if (!DIGEST.test(digest)) return null;
    const moved = await this.#inner.find(movedKey(digest));
    return moved?.digest === digest ? moved : null;
  }
}
