import { createHash } from 'node:crypto';
import { PACK_HEAD_BYTES, decodePackIndex, encodePack, packIndexEnd } from './pack-format.ts';

const itemOf = (key: string, text: string, retainUntil: string | null = null) => {
  const bytes = Buffer.from(text);
  return { key, bytes, digest: createHash('sha256').update(bytes).digest('hex'), retainUntil };
};
const ITEMS = [itemOf('a', 'first'), itemOf('b', ''), itemOf('c/d', 'thïrd', '2031-01-05T10:00:00.123Z')];

describe('a pack', () => {
  it('says of each item where its bytes are', () => {
    const { bytes, placed } = encodePack(ITEMS);
    expect(decodePackIndex(bytes)).toEqual(placed);
    expect(placed.map(({ key, digest, retainUntil }) => [key, digest, retainUntil])).toEqual(ITEMS.map(({ key, digest, retainUntil }) => [key, digest, retainUntil]));
    expect(placed.map(({ offset, length }) => bytes.toString('utf8', offset, offset + length))).toEqual(['first', '', 'thïrd']);
  });

  it('is the same for the same items: its digest is its name', () => {
    expect(encodePack(ITEMS).bytes.equals(encodePack(ITEMS).bytes)).toBe(true);
  });

  it('has no index once any bit of head or index is another one', () => {
    const { bytes } = encodePack(ITEMS);
    const end = packIndexEnd(bytes) ?? 0;
    for (let bit = 0; bit < end * 8; bit += 1) {
      const harmed = Buffer.from(bytes);
      harmed[bit >> 3] = (harmed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodePackIndex(harmed)).toBeUndefined();
    }
  });

  it('has no index while a byte of it is missing', () => {
    const { bytes } = encodePack(ITEMS);
    const end = packIndexEnd(bytes) ?? 0;
    for (const length of [0, 1, PACK_HEAD_BYTES - 1, PACK_HEAD_BYTES, end - 1]) expect(decodePackIndex(bytes.subarray(0, length))).toBeUndefined();
    expect(decodePackIndex(bytes.subarray(0, end))).toHaveLength(3);
  });
});
