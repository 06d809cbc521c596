import { createHash } from 'node:crypto';
import { Fault } from '@maestro/ports';
import type { EvidenceHead, EvidenceItem, EvidenceRef, EvidenceStore } from '@maestro/ports';

const KEY = /^[a-z0-9/._-]{1,200}$/;

type Entry = { readonly ref: EvidenceRef; readonly bytes: Uint8Array; readonly retainUntil: string | null; held: boolean };

/** EvidenceStore in memory, for tests and simulations: nothing survives `close`, memory grows with what is stored. */
export class MemoryEvidenceStore implements EvidenceStore {
  readonly #byKey = new Map<string, Entry>();
  readonly #byLocation = new Map<string, Entry>();
  #closed = false;

  async put(item: EvidenceItem): Promise<EvidenceRef> {
    const [ref] = await this.putMany([item]);
    if (ref === undefined) throw new Error('one item has one ref');
    return ref;
  }

  async putMany(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]> {
    this.#assertOpen();
    for (const { key } of items) assertKey(key);
    const added = new Map<string, Entry>();
    const refs = items.map((item) => this.#place(item, added).ref);
    for (const [key, entry] of added) {
      this.#byKey.set(key, entry);
      this.#byLocation.set(entry.ref.location, entry);
    }
    return refs;
  }

  async get(ref: EvidenceRef): Promise<Uint8Array> {
    return Uint8Array.from(this.#find(ref).bytes);
  }

  async find(key: string): Promise<EvidenceRef | null> {
    this.#assertOpen();
    assertKey(key);
    return this.#byKey.get(key)?.ref ?? null;
  }

  async head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    this.#assertOpen();
    const entry = this.#byLocation.get(ref.location);
    if (entry === undefined || entry.ref.digest !== ref.digest) return null;
    return { digest: ref.digest, sizeBytes: entry.bytes.length, held: entry.held, retainUntil: entry.retainUntil };
  }

  async hold(ref: EvidenceRef, on: boolean): Promise<void> {
    this.#find(ref).held = on;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#byKey.clear();
    this.#byLocation.clear();
  }

  /** The entry of an item, made on first sight; `added` is what this call will keep if all of it fits. */
  #place(item: EvidenceItem, added: Map<string, Entry>): Entry {
    const digest = createHash('sha256').update(item.bytes).digest('hex');
    const known = this.#byKey.get(item.key) ?? added.get(item.key);
    if (known !== undefined) {
      if (known.ref.digest === digest) return known;
      throw new Fault('EVIDENCE_EXISTS', `other bytes are stored under ${item.key}; evidence is write-once, use a new key`);
    }
    const location = `memory:${this.#byKey.size + added.size}`;
    const entry = {
      ref: { digest, location },
      bytes: Uint8Array.from(item.bytes),
      retainUntil: item.retainUntil ?? null,
      held: false,
    };
    added.set(item.key, entry);
    return entry;
  }

  #find(ref: EvidenceRef): Entry {
    this.#assertOpen();
    const entry = this.#byLocation.get(ref.location);
    if (entry === undefined || entry.ref.digest !== ref.digest) {
      throw new Fault('EVIDENCE_MISSING', `nothing with digest ${ref.digest} is stored at ${ref.location}`);
    }
    return entry;
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the evidence store was closed');
  }
}

// Keys are chosen by the program, never by a user: a bad one is a bug.
function assertKey(key: string): void {
  if (KEY.test(key) && key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) return;
  throw new RangeError(`not an evidence key: ${JSON.stringify(key)}`);
}
