import { createHash } from 'node:crypto';
import { formatLocation, isContentAddress, itemName, itemPrefix, newPack, packDigest, packName, packOfName, parseLocation } from './evidence-names.ts';

const digest = createHash('sha256').digest('hex');

describe('names of evidence in S3', () => {
  it('order packs by time, the newest first', () => {
    const packs = [1, 1_700_000_000_000, 1_700_000_000_001, 1_900_000_000_000].map((nowMs) => newPack(nowMs, digest));
    expect(packs.toSorted()).toEqual(packs.toReversed());
    for (const pack of packs) expect([packDigest(pack), packOfName(packName(pack))]).toEqual([digest, pack]);
  });

  it('of items under one key never begin those of another key', () => {
    const names = ['a', 'a/b', 'a/b/c', 'ab', 'a-b'].map((key) => itemName(key, digest));
    for (const key of ['a', 'a/b', 'ab']) expect(names.filter((name) => name.startsWith(itemPrefix(key)))).toEqual([itemName(key, digest)]);
  });

  it('know a key that its bytes decide', () => {
    expect(isContentAddress(`receipts/${digest}`, digest)).toBe(true);
    expect(isContentAddress(digest, digest)).toBe(true);
    expect(isContentAddress(`receipts/x${digest}`, digest)).toBe(false);
    expect(isContentAddress(`receipts/${'0'.repeat(64)}`, digest)).toBe(false);
  });
});

describe('locations of evidence in S3', () => {
  it('are read as they were written, whatever the server calls its versions', () => {
    for (const versionId of ['01M82NG1Q6', 'null', 'a:b/c%d é', '3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo']) {
      const item = { kind: 'item', key: 'receipts/x', versionId, length: 0 } as const;
      const pack = { kind: 'pack', pack: newPack(5, digest), versionId, offset: 48, length: 812 } as const;
      expect(parseLocation(formatLocation(item))).toEqual(item);
      expect(parseLocation(formatLocation(pack))).toEqual(pack);
    }
  });

  it('of other stores, cut or forged are none', () => {
    const pack = newPack(5, digest);
    const foreign = ['', 'file:x', 'pack:000001:4096:812', 's3-item:a:v', 's3-item:a::1', 's3-item:A:v:1', 's3-item:a:v:-1', 's3-item:a:%:1', 's3-item:a:v:1:2', `s3-pack:${pack}:v:1`, `s3-pack:${pack}:v:1:x`, 's3-pack:../x:v:1:2', 's3-item:a:v:1234567890123456'];
    for (const location of foreign) expect(parseLocation(location)).toBeUndefined();
  });
});
