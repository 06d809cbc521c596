import { createHash } from 'node:crypto';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Fault } from '@maestro/ports';
import type { EvidenceRef } from '@maestro/ports';
import { formatLocation, newPack, packDigest, packName, packOfName } from '../evidence-names.ts';
import type { PackLocation } from '../evidence-names.ts';
import type { LockedObjects } from '../objects/locked-objects.ts';
import type { S3Calls } from '../objects/s3-calls.ts';
import { PACK_HEAD_BYTES, decodePackIndex, encodePack, packIndexEnd } from './pack-format.ts';
import type { NewItem, PackedItem } from './pack-format.ts';

/** most indexes fit; a longer one costs a second request */
const FIRST_READ_BYTES = 64 * 1024;

/** Packs in the bucket: each one object that is written once, with the index of its items at its start. */
export class Packs {
  readonly #calls: S3Calls;
  readonly #objects: LockedObjects;
  readonly #nowMs: () => number;

  constructor(calls: S3Calls, objects: LockedObjects, nowMs: () => number) {
    this.#calls = calls;
    this.#objects = objects;
    this.#nowMs = nowMs;
  }

  /** One durable put for all items. Refs in order. */
  async write(items: readonly NewItem[], lockUntil: Date): Promise<readonly EvidenceRef[]> {
    const { bytes, placed } = encodePack(items);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const pack = newPack(this.#nowMs(), digest);
    const versionId = await this.#objects.put({ name: packName(pack), bytes, digest, lockUntil });
    return placed.map((item) => refOf(pack, versionId, item));
  }

  /** Names of the newest packs, newest first. */
  async newest(countMax: number): Promise<readonly string[]> {
    if (countMax === 0) return [];
    const at = { Bucket: this.#calls.bucket, Prefix: this.#calls.keyOf(packName('')), MaxKeys: countMax };
    const listed = await this.#calls.call('listing packs', 0, (s3, o) => s3.send(new ListObjectsV2Command(at), o));
    const names = (listed.Contents ?? []).map(({ Key }) => packOfName(this.#calls.nameOf(Key) ?? ''));
    return names.filter((pack) => pack !== undefined);
  }

  /** The items of a pack, by key. Null: there is no such pack. Faults: EVIDENCE_DAMAGED. */
  async refsOf(pack: string): Promise<readonly (readonly [key: string, ref: EvidenceRef])[] | null> {
    const found = await this.#objects.find(packName(pack), packDigest(pack));
    if (found === null) return null;
    const items = await this.itemsOf(pack, found.versionId);
    return items?.map((item) => [item.key, refOf(pack, found.versionId, item)] as const) ?? null;
  }

  /** The index of one version. Null: it is not there. Faults: EVIDENCE_DAMAGED. */
  async itemsOf(pack: string, versionId: string): Promise<readonly PackedItem[] | null> {
    const at = { name: packName(pack), versionId };
    const first = await this.#objects.read(at, 0, FIRST_READ_BYTES);
    if (first === undefined) return null;
    const end = packIndexEnd(first) ?? PACK_HEAD_BYTES;
    const rest = end > first.length ? await this.#objects.read(at, first.length, end - first.length) : undefined;
    const items = decodePackIndex(rest === undefined ? first : Buffer.concat([first, rest]));
    if (items === undefined) throw new Fault('EVIDENCE_DAMAGED', `the index of pack ${pack} does not match its digest`);
    return items;
  }
}

function refOf(pack: string, versionId: string, { digest, offset, length }: PackedItem): EvidenceRef {
  const location: PackLocation = { kind: 'pack', pack, versionId, offset, length };
  return { digest, location: formatLocation(location) };
}
