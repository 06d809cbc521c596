import { join } from 'node:path';
import { Fault } from '@maestro/ports';
import type { EvidenceHead, EvidenceItem, EvidenceRef, EvidenceStore, Log } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { digestInSlices } from '../byte-slices.ts';
import { diskFault, errnoOf, makeFolder, nodeDisk, readAt } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { EvidenceBatches, fileRef } from './evidence-batches.ts';
import { EvidenceFiles, evidenceDamaged, evidenceExists } from './evidence-files.ts';
import { assertEvidenceKey, formatLocation, packName, parseLocation } from './evidence-key.ts';
import type { EvidenceLocation } from './evidence-key.ts';
import type { PackFinding } from './pack-index.ts';
import { listPacks, loadPack } from './pack-reader.ts';
import { RECORD_HEAD_BYTES_MAX, decodeRecordHead, digestOf } from './pack-record.ts';
import { PackWriter } from './pack-writer.ts';

type PackLocation = Extract<EvidenceLocation, { kind: 'pack' }>;
type FolderEvidenceOptions = {
  readonly log?: Log;
  /** a pack at least this large gets no further commit; default 64 MiB */
  readonly packBytesMax?: number;
  /** one commit of `putMany` calls, default 8 MiB; also about what one commit costs in memory */
  readonly commitBytesMax?: number;
  /** packed keys that are remembered, default 100,000 (about 35 MB) */
  readonly recentKeysMax?: number;
  readonly disk?: Disk;
};

/**
 * EvidenceStore in a folder that belongs to this process: `packs/` for `putMany`, `files/` for `put`.
 *
 * Write-once is guarded by key for all single files and for the `recentKeysMax` keys that were packed last, across
 * restarts. The bytes of an older packed key, put again, are stored a second time under a second ref; its first ref
 * stays as it was. Nothing stored is ever overwritten.
 */
export class FolderEvidenceStore implements EvidenceStore {
  /** What the packs read at open hold beside records: each was also logged. */
  readonly findings: readonly PackFinding[];
  readonly #disk: Disk;
  readonly #packs: string;
  readonly #files: EvidenceFiles;
  readonly #batches: EvidenceBatches;
  /** of the keys that were packed last; about 350 bytes of memory each */
  readonly #refs: LRUCache<string, EvidenceRef>;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(
    disk: Disk,
    packs: string,
    files: EvidenceFiles,
    batches: EvidenceBatches,
    refs: LRUCache<string, EvidenceRef>,
    findings: readonly PackFinding[],
  ) {
    this.#disk = disk;
    this.#packs = packs;
    this.#files = files;
    this.#batches = batches;
    this.#refs = refs;
    this.findings = findings;
  }

  /** Makes the folder when it is missing. Seals what an earlier process left open. Faults: STORE_READ_ONLY. */
  static async open(folder: string, o: FolderEvidenceOptions = {}): Promise<FolderEvidenceStore> {
    const disk = o.disk ?? nodeDisk;
    const packs = join(folder, 'packs');
    const files = new EvidenceFiles(disk, folder);
    try {
      await makeFolder(disk, packs);
      await files.prepare();
      const refs = new LRUCache<string, EvidenceRef>({ max: o.recentKeysMax ?? 100_000 });
      const numbers = await listPacks(disk, packs);
      const findings = await loadRecent(disk, packs, numbers, refs, o.recentKeysMax ?? 100_000);
      for (const finding of findings) o.log?.log('warn', 'an evidence pack holds bytes that are no record', { ...finding });
      const writer = new PackWriter(disk, packs, (numbers.at(-1) ?? 0) + 1, o.packBytesMax ?? 64 * 1024 * 1024, o.log);
      const batches = new EvidenceBatches(writer, files, refs, o.commitBytesMax ?? 8 * 1024 * 1024);
      return new FolderEvidenceStore(disk, packs, files, batches, refs, findings);
    } catch (error) {
      throw diskFault(error, `opening evidence in ${folder}`);
    }
  }

  async put({ key, bytes, retainUntil }: EvidenceItem): Promise<EvidenceRef> {
    return this.#call(`storing evidence ${key}`, async () => {
      assertEvidenceKey(key);
      const digest = await digestInSlices(bytes);
      const packed = this.#refs.get(key);
      if (packed === undefined) {
        await this.#files.put(key, bytes, digest, retainUntil ?? null);
        return fileRef(key, digest);
      }
      if (packed.digest !== digest) throw evidenceExists(key);
      return packed;
    });
  }

  async putMany(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]> {
    return this.#call('storing a batch of evidence', async () => {
      for (const { key } of items) assertEvidenceKey(key);
      return items.length === 0 ? [] : this.#batches.put(items);
    });
  }

  async get(ref: EvidenceRef): Promise<Uint8Array> {
    return this.#call(`reading evidence ${ref.location}`, async () => {
      const location = parseLocation(ref.location);
      const bytes =
        location?.kind === 'pack' ? await this.#getPacked(location, ref.digest) : await this.#getFile(location, ref.digest);
      if (bytes === undefined) throw evidenceMissing(ref);
      return bytes;
    });
  }

  async find(key: string): Promise<EvidenceRef | null> {
    return this.#call(`looking for evidence ${key}`, async () => {
      assertEvidenceKey(key);
      const packed = this.#refs.get(key);
      if (packed !== undefined) return packed;
      const digest = await this.#files.digestOf(key);
      return digest === undefined ? null : fileRef(key, digest);
    });
  }

  async head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    return this.#call(`looking up evidence ${ref.location}`, () => this.#head(ref));
  }

  async hold(ref: EvidenceRef, on: boolean): Promise<void> {
    return this.#call(`holding evidence ${ref.location}`, async () => {
      if ((await this.#head(ref)) === null) throw evidenceMissing(ref);
      await this.#files.setHold(ref.location, on);
    });
  }

  /** Waits for calls that were taken, then seals the open pack. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.#batches.drain();
  }

  async #call<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the evidence store was closed');
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw diskFault(error, doing);
    } finally {
      this.#running.delete(running);
    }
  }

  async #head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    const location = parseLocation(ref.location);
    if (location === undefined) return null;
    const head =
      location.kind === 'pack' ? await this.#headPacked(location, ref.digest) : await this.#files.head(location.key, ref.digest);
    return head && { ...head, held: this.#files.isHeld(formatLocation(location)) };
  }

  async #headPacked(location: PackLocation, digest: string): Promise<Omit<EvidenceHead, 'held'> | null> {
    const record = await this.#readRecord(location, digest, 0);
    return record && { digest, sizeBytes: record.head.length, retainUntil: record.head.retainUntil };
  }

  async #getFile(location: EvidenceLocation | undefined, digest: string): Promise<Uint8Array | undefined> {
    return location?.kind === 'file' ? this.#files.get(location.key, digest) : undefined;
  }

  async #getPacked(location: PackLocation, digest: string): Promise<Uint8Array | undefined> {
    const record = await this.#readRecord(location, digest, location.length);
    if (record === undefined || record === null) return undefined;
    const body = record.bytes.subarray(record.head.bodyAt, record.head.end);
    if (digestOf(body) !== digest) throw evidenceDamaged(this.#packPath(location), location.offset, digest);
    return body;
  }

  /** The record at a location. Null: there is no such pack, or an intact record of something else. */
  async #readRecord(location: PackLocation, digest: string, bodyBytes: number) {
    const bytes = await this.#readPack(location, RECORD_HEAD_BYTES_MAX + bodyBytes);
    if (bytes === undefined) return null;
    const head = decodeRecordHead(bytes);
    if (head === undefined) throw evidenceDamaged(this.#packPath(location), location.offset, digest);
    return head.digest === digest && head.length === location.length ? { head, bytes } : null;
  }

  async #readPack(location: PackLocation, bytes: number): Promise<Buffer | undefined> {
    try {
      const handle = await this.#disk.open(this.#packPath(location), 'r');
      try {
        // A location comes from outside: never allocate more than there is.
        const { size } = await handle.stat();
        return await readAt(handle, location.offset, Math.max(0, Math.min(bytes, size - location.offset)));
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #packPath({ pack }: PackLocation): string {
    return join(this.#packs, `${packName(pack)}.pack`);
  }
}

/** Fills `refs` from the newest packs, as many as it takes; answers what else those packs hold. */
async function loadRecent(
  disk: Disk,
  folder: string,
  numbers: readonly number[],
  refs: LRUCache<string, EvidenceRef>,
  countMax: number,
): Promise<PackFinding[]> {
  const findings: PackFinding[] = [];
  const found: [string, EvidenceRef][] = [];
  for (const pack of numbers.toReversed()) {
    if (found.length >= countMax) break;
    const index = await loadPack(disk, folder, pack);
    findings.push(...index.findings);
    for (const { key, digest, offset, length } of index.records.toReversed()) {
      found.push([key, { digest, location: formatLocation({ kind: 'pack', pack, offset, length }) }]);
    }
  }
  // Oldest first, so that the newest are forgotten last.
  for (const [key, ref] of found.toReversed()) refs.set(key, ref);
  return findings;
}

function evidenceMissing(ref: EvidenceRef): Fault {
  return new Fault('EVIDENCE_MISSING', `nothing with digest ${ref.digest} is stored at ${JSON.stringify(ref.location)}`);
}
