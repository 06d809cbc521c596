import { commitmentFrame, frameOf, unframeValue } from '@maestro/codec';
import type { UnparsedPlace } from '@maestro/codec';
import type { SealedValue } from '@maestro/contracts';
import { Fault } from '@maestro/ports';
import type { DataKeyId, EvidenceStore, KeyVault } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { hashInSlices, joinInSlices } from './byte-slices.ts';
import type { Pause } from './byte-slices.ts';

type BlobRef = NonNullable<SealedValue['blob']>;

/** Opened blobs kept in memory at most: one of the largest, or some of ordinary size. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Values that are too large for their event: each one ciphertext of its own in the evidence store.
 * B1. A blob is durable before `seal` answers, so before any event can name it. One that no event names is harmless:
 *     its name is its digest, and nothing leads to it.
 * B2. Its additional data is its commitment, known before the event is: a blob opens for the value it was made for,
 *     at that value's place, and nowhere else.
 * B3. What is opened is served only once its commitment was computed again.
 * B4. One blob at a time is sealed or opened, so that memory is bounded by one, and in slices, so that others run.
 */
export class ValueBlobs {
  readonly #vault: KeyVault;
  readonly #evidence: EvidenceStore;
  readonly #pause: Pause;
  readonly #opened = new LRUCache<string, UnparsedPlace>({ maxSize: CACHE_BYTES_MAX });
  #last: Promise<unknown> = Promise.resolve();

  constructor(vault: KeyVault, evidence: EvidenceStore, pause: Pause) {
    this.#vault = vault;
    this.#evidence = evidence;
    this.#pause = pause;
  }

  /** Seals canonical JSON for a place. Faults: those of vault and evidence store. */
  seal(keyId: DataKeyId, { pointer, salt, value }: UnparsedPlace): Promise<SealedValue & { readonly blob: BlobRef }> {
    return this.#inTurn(async () => {
      const { before, after } = commitmentFrame(salt, pointer);
      const commitment = await hashInSlices([before, value, after], this.#pause);
      const frame = frameOf(pointer, salt, value.length);
      const plaintext = await joinInSlices([frame.before, value, frame.after], frame.sizeBytes, this.#pause);
      const bytes = await this.#vault.seal({ keyId, eventId: placeOf(commitment), plaintext });
      const key = `blobs/${await hashInSlices([bytes], this.#pause)}`;
      const { digest, location } = await this.#evidence.put({ key, bytes });
      return { commitment, blob: { digest, paddedBytes: plaintext.length, dataKeyId: keyId, location } };
    });
  }

  /** The place that a blob holds. Faults: KEY_DESTROYED (erased), EVIDENCE_DAMAGED, EVIDENCE_MISSING, SEAL_DAMAGED. */
  open(pointer: string, commitment: string, blob: BlobRef): Promise<UnparsedPlace> {
    return this.#inTurn(async () => {
      // also where it is remembered: what was erased is shown to nobody
      await this.#vault.derive(blob.dataKeyId, 'still there');
      const name = `${blob.digest}/${commitment}/${pointer}`;
      const known = this.#opened.get(name);
      if (known !== undefined) return known;
      const place = await this.#read(commitment, blob);
      if (place?.pointer !== pointer || (await this.#commitmentOf(place)) !== commitment) {
        throw new Fault('SEAL_DAMAGED', `blob ${blob.digest} does not open to the commitment at ${pointer}`);
      }
      this.#opened.set(name, place, { size: place.value.buffer.byteLength });
      return place;
    });
  }

  async #read(commitment: string, { digest, location, dataKeyId }: BlobRef): Promise<UnparsedPlace | undefined> {
    const ciphertext = await this.#evidence.get({ digest, location });
    return unframeValue(await this.#vault.open(dataKeyId, placeOf(commitment), ciphertext));
  }

  #commitmentOf({ salt, pointer, value }: UnparsedPlace): Promise<string> {
    const { before, after } = commitmentFrame(salt, pointer);
    return hashInSlices([before, value, after], this.#pause);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** Additional data of a blob's ciphertext. */
function placeOf(commitment: string): string {
  return `blob/${commitment}`;
}
