import { Fault } from '@maestro/ports';
import type { EvidenceRef } from '@maestro/ports';
import type { LRUCache } from 'lru-cache';
import type { KeyTurns } from '../key-turns.ts';
import type { NewItem } from './pack-format.ts';
import type { Packs } from './packs.ts';

/** An item with the date until which the object that holds it must be locked. */
export type LockedItem = NewItem & { readonly lockUntil: Date };
/** One call of putMany. */
type Call = {
  readonly items: readonly LockedItem[];
  readonly bytes: number;
  readonly resolve: (refs: readonly EvidenceRef[]) => void;
  readonly reject: (error: unknown) => void;
};
type Plan = { readonly fitting: Call[]; readonly added: Map<string, LockedItem> };

/** Refs of keys that hold an item of their own in the bucket; several digests where something went wrong. */
type LookUp = (items: readonly LockedItem[]) => Promise<ReadonlyMap<string, EvidenceRef>>;

/**
 * Groups concurrent calls of putMany into packs of one put each.
 *
 * B1. One pack is written at a time; calls that come meanwhile form the next one, in the order they came.
 * B2. A call that does not fit what is stored, or what stands before it in the pack, fails alone and adds nothing.
 * B3. A call is answered after its pack was written and looked up; refs are remembered only then.
 * B4. A pack takes whole calls, up to `packBytesMax` (one larger call is a pack of its own).
 */
export class PackBatches {
  readonly #packs: Packs;
  readonly #turns: KeyTurns;
  readonly #refs: LRUCache<string, EvidenceRef>;
  readonly #lookUp: LookUp;
  readonly #packBytesMax: number;
  #waiting: Call[] = [];
  #running: Promise<void> | undefined;

  constructor(packs: Packs, turns: KeyTurns, refs: LRUCache<string, EvidenceRef>, lookUp: LookUp, packBytesMax: number) {
    this.#packs = packs;
    this.#turns = turns;
    this.#refs = refs;
    this.#lookUp = lookUp;
    this.#packBytesMax = packBytesMax;
  }

  put(items: readonly LockedItem[]): Promise<readonly EvidenceRef[]> {
    const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, bytes, resolve, reject });
      if (this.#running === undefined) this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const calls = this.#takePack();
      const keys = new Set(calls.flatMap(({ items }) => items.map(({ key }) => key)));
      try {
        await this.#turns.run([...keys], () => this.#write(calls));
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
    }
    this.#running = undefined;
  }

  #takePack(): Call[] {
    let bytes = 0;
    const over = this.#waiting.findIndex((call, at) => (bytes += call.bytes) > this.#packBytesMax && at > 0);
    return this.#waiting.splice(0, over === -1 ? this.#waiting.length : over);
  }

  async #write(calls: readonly Call[]): Promise<void> {
    const unknown = calls.flatMap(({ items }) => items).filter(({ key }) => this.#refs.get(key) === undefined);
    const stored = new Map(await this.#lookUp(unknown));
    const { fitting, added } = this.#plan(calls, stored);
    const items = [...added.values()];
    const lockUntil = new Date(Math.max(0, ...items.map((item) => item.lockUntil.getTime())));
    const refs = items.length === 0 ? [] : await this.#packs.write(items, lockUntil);
    for (const [at, { key }] of items.entries()) {
      const ref = refs[at];
      if (ref === undefined) throw new Error(`evidence ${key} was planned, but not written`);
      stored.set(key, ref);
      this.#refs.set(key, ref);
    }
    for (const call of fitting) call.resolve(call.items.map(({ key }) => this.#expectRef(stored, key)));
  }

  /** The calls that fit and what they add, each after those before it. */
  #plan(calls: readonly Call[], stored: ReadonlyMap<string, EvidenceRef>): Plan {
    const plan: Plan = { fitting: [], added: new Map() };
    for (const call of calls) {
      const own = new Map<string, LockedItem>();
      const taken = call.items.find((item) => {
        const known = (this.#refs.get(item.key) ?? stored.get(item.key) ?? plan.added.get(item.key) ?? own.get(item.key))?.digest;
        if (known === undefined) own.set(item.key, item);
        return known !== undefined && known !== item.digest;
      });
      if (taken !== undefined) {
        call.reject(evidenceExists(taken.key));
        continue;
      }
      for (const [key, item] of own) plan.added.set(key, item);
      plan.fitting.push(call);
    }
    return plan;
  }

  #expectRef(stored: ReadonlyMap<string, EvidenceRef>, key: string): EvidenceRef {
    const ref = stored.get(key) ?? this.#refs.get(key);
    if (ref === undefined) throw new Error(`evidence ${key} is neither stored nor written`);
    return ref;
  }
}

export function evidenceExists(key: string): Fault {
  return new Fault('EVIDENCE_EXISTS', `other bytes are stored under ${key}; evidence is write-once, use a new key`);
}
