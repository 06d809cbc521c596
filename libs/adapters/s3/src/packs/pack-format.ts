import { createHash } from 'node:crypto';

/** One item of a pack, as its index knows it. `offset` and `length` in bytes from the start of the pack. */
export type PackedItem = {
  readonly key: string;
  readonly digest: string;
  readonly offset: number;
  readonly length: number;
  /** as the put asked; null: it asked for nothing */
  readonly retainUntil: string | null;
};

// A pack, integers big-endian:
//   0  magic "mcs3pack"          8
//   8  version 1                 4
//  12  index length              4
//  16  SHA-256 of the index     32
//  48  index: JSON array of [key, digest, length, retainUntil], then the bytes of the items in the same order
const MAGIC = 'mcs3pack';
const VERSION = 1;

/** bytes of a pack before its index */
export const PACK_HEAD_BYTES = 48;

export type NewItem = { readonly key: string; readonly digest: string; readonly bytes: Uint8Array; readonly retainUntil: string | null };

/** Joins items into one pack. Copies their bytes. */
export function encodePack(items: readonly NewItem[]): { readonly bytes: Buffer; readonly placed: readonly PackedItem[] } {
  const index = Buffer.from(JSON.stringify(items.map(({ key, digest, bytes, retainUntil }) => [key, digest, bytes.length, retainUntil])));
  const head = Buffer.alloc(PACK_HEAD_BYTES);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32BE(VERSION, 8);
  head.writeUInt32BE(index.length, 12);
  createHash('sha256').update(index).digest().copy(head, 16);
  const bytes = Buffer.concat([head, index, ...items.map((item) => item.bytes)]);
  return { bytes, placed: placesOf(parseIndex(index), PACK_HEAD_BYTES + index.length) };
}

/** How many bytes head and index take together. Undefined: not a pack that this release reads. */
export function packIndexEnd(head: Buffer): number | undefined {
  const isPack = head.length >= PACK_HEAD_BYTES && head.toString('latin1', 0, 8) === MAGIC && head.readUInt32BE(8) === VERSION;
  return isPack ? PACK_HEAD_BYTES + head.readUInt32BE(12) : undefined;
}

/** The items of a pack from its first bytes. Undefined: cut or damaged. */
export function decodePackIndex(bytes: Buffer): readonly PackedItem[] | undefined {
  const end = packIndexEnd(bytes);
  if (end === undefined || bytes.length < end) return undefined;
  const index = bytes.subarray(PACK_HEAD_BYTES, end);
  if (!createHash('sha256').update(index).digest().equals(bytes.subarray(16, PACK_HEAD_BYTES))) return undefined;
  return placesOf(parseIndex(index), end);
}

type IndexRow = readonly [key: string, digest: string, length: number, retainUntil: string | null];

// its digest stands before it: what it holds is what encodePack wrote
function parseIndex(index: Buffer): readonly IndexRow[] {
  return JSON.parse(index.toString()) as readonly IndexRow[];
}

function placesOf(rows: readonly IndexRow[], start: number): readonly PackedItem[] {
  let offset = start;
  return rows.map(([key, digest, length, retainUntil]) => {
    const place = { key, digest, offset, length, retainUntil };
    offset += length;
    return place;
  });
}
