import { Fault } from '@maestro/ports';
import type { EvidenceHead, EvidenceItem, EvidenceRef, EvidenceStore, Log } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { digestOf } from './byte-digest.ts';
import { assertEvidenceKey, formatLocation, isContentAddress, itemName, itemPrefix, packDigest, packName, parseLocation } from './evidence-names.ts';
import type { ItemLocation, PackLocation } from './evidence-names.ts';
import { KeyTurns } from './key-turns.ts';
import { checkBucket } from './objects/bucket-check.ts';
import { LockedObjects } from './objects/locked-objects.ts';
import { S3Calls } from './objects/s3-calls.ts';
import { HoldMarks } from './packs/hold-marks.ts';
import { PackBatches, evidenceExists } from './packs/pack-batches.ts';
import type { LockedItem } from './packs/pack-batches.ts';
import { Packs } from './packs/packs.ts';
import type { S3Settings } from './settings.ts';

type S3EvidenceOptions = {
  readonly log?: Log;
  /** milliseconds since 1970, for the dates of locks; default: the machine's */
  readonly nowMs?: () => number;
};

const DAY_MS = 86_400_000;
const RETAIN_UNTIL = 'retain-until';
/** turns that are no key's: `:` is outside the alphabet of keys */
const INTAKE = ':intake';

/**
 * EvidenceStore in one bucket with Object Lock (COMPLIANCE): `items/` for `put`, `packs/` for `putMany`.
 *
 * Everything is locked until the later of what the put asked for and `retentionDays` from now; a second put of the same bytes
 * changes no date. Write-once is guarded by key for items, and for the packed keys that are remembered (`recentKeysMax`, those
 * of the newest packs across restarts). A key that ends in the digest of its bytes is not looked up: nobody can mean other bytes
 * by it. The bytes of a forgotten packed key, put again, are stored a second time; the first ref stays as it was.
 * Further faults: S3_UNAVAILABLE (retryable), S3_DENIED, S3_MISCONFIGURED.
 */
export class S3EvidenceStore implements EvidenceStore {
  readonly #settings: S3Settings;
  readonly #nowMs: () => number;
  readonly #calls: S3Calls;
  readonly #objects: LockedObjects;
  readonly #packs: Packs;
  readonly #batches: PackBatches;
  readonly #marks: HoldMarks;
  readonly #turns = new KeyTurns();
  /** of the keys that were put last */
  readonly #refs: LRUCache<string, EvidenceRef>;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(settings: S3Settings, nowMs: () => number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#calls = new S3Calls(settings);
    this.#objects = new LockedObjects(this.#calls);
    this.#packs = new Packs(this.#calls, this.#objects, nowMs);
    this.#marks = new HoldMarks(this.#calls);
    this.#refs = new LRUCache({ max: settings.recentKeysMax });
    this.#batches = new PackBatches(this.#packs, this.#turns, this.#refs, (items) => this.#lookUp(items), settings.packBytesMax);
  }

  /** Looks at the bucket and reads the keys of the newest packs. Faults: S3_MISCONFIGURED, S3_DENIED, S3_UNAVAILABLE. */
  static async open(settings: S3Settings, o: S3EvidenceOptions = {}): Promise<S3EvidenceStore> {
    const store = new S3EvidenceStore(settings, o.nowMs ?? Date.now);
    try {
      await checkBucket(store.#calls);
      await store.#remember(o.log);
      return store;
    } catch (error) {
      store.#calls.close();
      throw error;
    }
  }

  async put(item: EvidenceItem): Promise<EvidenceRef> {
    return this.#call(async () => {
      assertEvidenceKey(item.key);
      const locked = await this.#locked(item);
      return this.#turns.run([item.key], async () => {
        const known = this.#refs.get(item.key) ?? (await this.#lookUp([locked])).get(item.key);
        if (known !== undefined && known.digest !== locked.digest) throw evidenceExists(item.key);
        const ref = known ?? (await this.#putItem(locked));
        this.#refs.set(item.key, ref);
        return ref;
      });
    });
  }

  async putMany(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]> {
    return this.#call(async () => {
      for (const { key } of items) assertEvidenceKey(key);
      if (items.length === 0) return [];
      // hashing takes turns of the loop: calls join a pack in the order they came all the same
      const { refs } = await this.#turns.run([INTAKE], async () => {
        const locked: LockedItem[] = [];
        for (const item of items) locked.push(await this.#locked(item));
        return { refs: this.#batches.put(locked) };
      });
      return refs;
    });
  }

  async get(ref: EvidenceRef): Promise<Uint8Array> {
    return this.#call(async () => {
      const location = parseLocation(ref.location);
      const bytes = location && (await this.#read(location, ref.digest));
      if (bytes === undefined) throw evidenceMissing(ref);
      const digest = await digestOf(bytes);
      if (digest !== ref.digest) throw new Fault('EVIDENCE_DAMAGED', `${ref.location} holds bytes of digest ${digest}, not ${ref.digest}`);
      return bytes;
    });
  }

  async find(key: string): Promise<EvidenceRef | null> {
    return this.#call(async () => {
      assertEvidenceKey(key);
      const ref = this.#refs.get(key) ?? (await this.#findItem(key));
      if (ref !== undefined) this.#refs.set(key, ref);
      return ref ?? null;
    });
  }

  async head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    return this.#call(() => this.#head(ref));
  }

  async hold(ref: EvidenceRef, on: boolean): Promise<void> {
    return this.#call(async () => {
      const location = parseLocation(ref.location);
      const found = location && (await this.#find(location, ref.digest));
      if (location === undefined || found === undefined || found === null) throw evidenceMissing(ref);
      const at = { name: nameOf(location, ref.digest), versionId: found.versionId };
      if (location.kind === 'item') return this.#objects.hold(at, on);
      await this.#turns.run([`:hold:${location.pack}`], () => this.#holdPacked(location, at, on));
    });
  }

  /** Waits for calls that were taken. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    this.#calls.close();
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the evidence store was closed');
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #locked({ key, bytes, retainUntil }: EvidenceItem): Promise<LockedItem> {
    const askedMs = retainUntil === undefined ? 0 : Date.parse(retainUntil);
    if (Number.isNaN(askedMs)) throw new RangeError(`retainUntil of ${key} is not RFC 3339: ${JSON.stringify(retainUntil)}`);
    const lockUntilMs = Math.max(askedMs, this.#nowMs() + this.#settings.retentionDays * DAY_MS);
    const lockUntil = new Date(Math.ceil(lockUntilMs / 1_000) * 1_000);
    return { key, bytes, digest: await digestOf(bytes), retainUntil: retainUntil ?? null, lockUntil };
  }

  async #putItem({ key, bytes, digest, retainUntil, lockUntil }: LockedItem): Promise<EvidenceRef> {
    const metadata = retainUntil === null ? {} : { [RETAIN_UNTIL]: retainUntil };
    const versionId = await this.#objects.put({ name: itemName(key, digest), bytes, digest, lockUntil, metadata });
    return itemRef(key, digest, versionId, bytes.length);
  }

  /** What lies under keys as items of their own. Keys that only their bytes can have are not looked up. */
  async #lookUp(items: readonly LockedItem[]): Promise<ReadonlyMap<string, EvidenceRef>> {
    const byKey = new Map(items.filter(({ key, digest }) => !isContentAddress(key, digest)).map((item) => [item.key, item]));
    const found = new Map<string, EvidenceRef>();
    await Promise.all(
      [...byKey.keys()].map(async (key) => {
        const ref = await this.#findItem(key, byKey.get(key)?.digest);
        if (ref !== undefined) found.set(key, ref);
      }),
    );
    return found;
  }

  /** What lies under a key as an item of its own; of several, the one with the preferred digest. */
  async #findItem(key: string, preferred = ''): Promise<EvidenceRef | undefined> {
    const names = (await this.#objects.versionsUnder(itemPrefix(key))).map(({ name }) => name);
    const own = itemName(key, preferred);
    const name = names.includes(own) ? own : names[0];
    if (name === undefined) return undefined;
    const digest = name.slice(itemPrefix(key).length);
    const version = await this.#objects.find(name, digest);
    return version === null ? undefined : itemRef(key, digest, version.versionId, version.sizeBytes);
  }

  async #remember(log: Log | undefined): Promise<void> {
    const packs = await this.#packs.newest(this.#settings.recentPacksMax);
    const refs = await Promise.all(
      packs.map((pack) =>
        this.#packs.refsOf(pack).catch((error: unknown) => {
          if ((error as { code?: unknown }).code !== 'EVIDENCE_DAMAGED') throw error;
          log?.log('error', 'the index of an evidence pack is damaged', { pack, error });
          return null;
        }),
      ),
    );
    // oldest first, so that the newest are forgotten last
    for (const [key, ref] of refs.reverse().flatMap((each) => each ?? [])) this.#refs.set(key, ref);
  }

  async #read(location: ItemLocation | PackLocation, digest: string): Promise<Buffer | undefined> {
    const name = nameOf(location, digest);
    const offset = location.kind === 'pack' ? location.offset : 0;
    const bytes = await this.#objects.read({ name, versionId: location.versionId }, offset, location.length);
    if (bytes !== undefined) return bytes;
    const other = await this.#objects.find(name, objectDigest(location, digest));
    return other === null ? undefined : this.#objects.read({ name, versionId: other.versionId }, offset, location.length);
  }

  #find(location: ItemLocation | PackLocation, digest: string) {
    const at = { name: nameOf(location, digest), versionId: location.versionId };
    return this.#objects.resolve(at, objectDigest(location, digest));
  }

  async #head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    const location = parseLocation(ref.location);
    const found = location && (await this.#find(location, ref.digest));
    if (location === undefined || found === undefined || found === null) return null;
    if (location.kind === 'item') {
      return { digest: ref.digest, sizeBytes: found.sizeBytes, held: found.held, retainUntil: found.metadata[RETAIN_UNTIL] ?? null };
    }
    const items = await this.#packs.itemsOf(location.pack, found.versionId);
    const item = items?.find(({ offset, length, digest }) => offset === location.offset && length === location.length && digest === ref.digest);
    if (item === undefined) return null;
    const held = found.held && (await this.#marks.has(location));
    return { digest: ref.digest, sizeBytes: item.length, held, retainUntil: item.retainUntil };
  }

  /** The pack is held while any of its items is. Two processes at once end in a hold where one of them set it. */
  async #holdPacked(location: PackLocation, at: { readonly name: string; readonly versionId: string }, on: boolean): Promise<void> {
    await this.#marks.set(location, on);
    if (on) return this.#objects.hold(at, true);
    if (await this.#marks.anyOf(location.pack)) return;
    await this.#objects.hold(at, false);
    if (await this.#marks.anyOf(location.pack)) await this.#objects.hold(at, true);
  }
}

function nameOf(location: ItemLocation | PackLocation, digest: string): string {
  return location.kind === 'item' ? itemName(location.key, digest) : packName(location.pack);
}

/** The digest of the whole object at a location. */
function objectDigest(location: ItemLocation | PackLocation, digest: string): string {
  return location.kind === 'item' ? digest : packDigest(location.pack);
}

function itemRef(key: string, digest: string, versionId: string, length: number): EvidenceRef {
  return { digest, location: formatLocation({ kind: 'item', key, versionId, length }) };
}

function evidenceMissing(ref: EvidenceRef): Fault {
  return new Fault('EVIDENCE_MISSING', `nothing with digest ${ref.digest} is stored at ${JSON.stringify(ref.location)}`);
}
