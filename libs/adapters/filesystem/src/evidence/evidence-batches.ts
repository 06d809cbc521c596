import type { EvidenceItem, EvidenceRef } from '@maestro/ports';
import type { LRUCache } from 'lru-cache';
import { formatLocation } from './evidence-key.ts';
import { evidenceExists } from './evidence-files.ts';
import type { EvidenceFiles } from './evidence-files.ts';
import { digestOf, encodeRecord } from './pack-record.ts';
import type { PackWriter, PackedRecord } from './pack-writer.ts';

/** One call of putMany: its records were copied when it came, so the caller may reuse its buffers. */
type Call = {
  readonly records: readonly PackedRecord[];
  readonly bytes: number;
  readonly resolve: (refs: readonly EvidenceRef[]) => void;
  readonly reject: (error: unknown) => void;
};

/** A call that fits, with the refs of those of its keys that are stored already; the others are about to be. */
type Fitting = { readonly call: Call; readonly stored: ReadonlyMap<string, EvidenceRef> };
type Plan = { readonly fitting: Fitting[]; readonly added: Map<string, PackedRecord> };

/**
 * Groups concurrent calls of putMany into commits of one fsync each.
 *
 * B1. One commit runs at a time; calls that come meanwhile form the next one, in the order they came.
 * B2. A call that does not fit what is stored, or what stands before it in the commit, fails alone and adds nothing.
 * B3. A call is answered after the fsync of its commit; refs are remembered only then.
 * B4. A commit takes whole calls, up to `commitBytesMax` (one larger call is a commit of its own).
 */
export class EvidenceBatches {
  readonly #writer: PackWriter;
  readonly #files: EvidenceFiles;
  readonly #refs: LRUCache<string, EvidenceRef>;
  readonly #commitBytesMax: number;
  #waiting: Call[] = [];
  #running: Promise<void> | undefined;

  constructor(writer: PackWriter, files: EvidenceFiles, refs: LRUCache<string, EvidenceRef>, commitBytesMax: number) {
    this.#writer = writer;
    this.#files = files;
    this.#refs = refs;
    this.#commitBytesMax = commitBytesMax;
  }

  put(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]> {
    const records = items.map(toRecord);
    const bytes = records.reduce((sum, { record }) => sum + record.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, bytes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Waits for every call that was taken, then finishes the pack. */
  async drain(): Promise<void> {
    await this.#running;
    await this.#writer.seal();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const calls = this.#takeCommit();
      try {
        await this.#commit(await this.#plan(calls));
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
    }
    this.#running = undefined;
  }

  #takeCommit(): Call[] {
    let bytes = 0;
    const over = this.#waiting.findIndex((call, at) => (bytes += call.bytes) > this.#commitBytesMax && at > 0);
    return this.#waiting.splice(0, over === -1 ? this.#waiting.length : over);
  }

  async #plan(calls: readonly Call[]): Promise<Plan> {
    const plan: Plan = { fitting: [], added: new Map() };
    for (const call of calls) {
      try {
        const { stored, added } = await this.#fit(call, plan.added);
        for (const [key, record] of added) plan.added.set(key, record);
        plan.fitting.push({ call, stored });
      } catch (error) {
        call.reject(error);
      }
    }
    return plan;
  }

  /** What a call adds to everything before it. EVIDENCE_EXISTS when one of its keys holds other bytes. */
  async #fit(call: Call, before: ReadonlyMap<string, PackedRecord>) {
    const stored = new Map<string, EvidenceRef>();
    const added = new Map<string, PackedRecord>();
    for (const record of call.records) {
      const { key, digest } = record;
      const packed = this.#refs.get(key);
      const known = packed ?? before.get(key) ?? added.get(key);
      if (known !== undefined && known.digest !== digest) throw evidenceExists(key);
      if (packed !== undefined) {
        stored.set(key, packed);
      } else if (known === undefined && this.#files.has(key)) {
        await this.#files.assertSame(key, digest);
        stored.set(key, fileRef(key, digest));
      } else if (known === undefined) {
        added.set(key, record);
      }
    }
    return { stored, added };
  }

  async #commit({ fitting, added }: Plan): Promise<void> {
    const fresh = added.size === 0 ? new Map<string, EvidenceRef>() : await this.#append([...added.values()]);
    for (const { call, stored } of fitting) {
      call.resolve(call.records.map(({ key }) => stored.get(key) ?? expectRef(fresh, key)));
    }
  }

  async #append(records: readonly PackedRecord[]): Promise<Map<string, EvidenceRef>> {
    const { pack, placed } = await this.#writer.append(records);
    const fresh = new Map<string, EvidenceRef>();
    for (const { key, digest, offset, length } of placed) {
      const ref = { digest, location: formatLocation({ kind: 'pack', pack, offset, length }) };
      fresh.set(key, ref);
      this.#refs.set(key, ref);
    }
    return fresh;
  }
}

function expectRef(refs: ReadonlyMap<string, EvidenceRef>, key: string): EvidenceRef {
  const ref = refs.get(key);
  if (ref === undefined) throw new Error(`evidence ${key} was planned, but not written`);
  return ref;
}

function toRecord({ key, bytes, retainUntil }: EvidenceItem): PackedRecord {
  const digest = digestOf(bytes);
  return { key, digest, length: bytes.length, record: encodeRecord(key, bytes, digest, retainUntil ?? null) };
}

/** The ref of evidence in a file of its own. */
export function fileRef(key: string, digest: string): EvidenceRef {
  return { digest, location: formatLocation({ kind: 'file', key }) };
}
