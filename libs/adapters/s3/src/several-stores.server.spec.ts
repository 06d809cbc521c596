import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { CopyObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { isFault } from '@maestro/ports';
import type { EvidenceRef, Log } from '@maestro/ports';
import { clientOf, makeBucket, settingsFor } from '../fixtures/gateway-bucket.ts';
import { startVersitygw } from '../fixtures/versitygw.ts';
import type { Versitygw } from '../fixtures/versitygw.ts';
import { itemName, packName, parseLocation } from './evidence-names.ts';
import { S3EvidenceStore } from './s3-evidence-store.ts';
import type { S3SettingsInput } from './settings.ts';

let gateway: Versitygw;
let stores: S3EvidenceStore[] = [];
beforeAll(async () => {
  gateway = await startVersitygw();
  await makeBucket(gateway, 'evidence');
});
afterAll(() => gateway.dispose());
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  stores = [];
});

async function storeOn(prefix: string, o: Partial<S3SettingsInput> = {}, log?: Log): Promise<S3EvidenceStore> {
  const store = await S3EvidenceStore.open(settingsFor(gateway, { prefix, ...o }), log === undefined ? {} : { log });
  stores.push(store);
  return store;
}
const text = async (store: S3EvidenceStore, ref: EvidenceRef): Promise<string> => Buffer.from(await store.get(ref)).toString();
const contentAddressed = (value: string): { key: string; bytes: Buffer } => {
  const bytes = Buffer.from(value);
  return { key: `receipts/${createHash('sha256').update(bytes).digest('hex')}`, bytes };
};

/** This gateway may lose a version, or its lock, where two puts to one name race (a real S3 does not): the put says so and is repeated. */
async function putAgain(store: S3EvidenceStore, item: { key: string; bytes: Buffer }, triesLeft = 5): Promise<EvidenceRef> {
  try {
    return await store.put(item);
  } catch (error) {
    if (triesLeft === 0 || !isFault(error) || !error.retryable) throw error;
    return putAgain(store, item, triesLeft - 1);
  }
}

describe('several stores on one bucket', () => {
  it('put the same bytes at once, and every acknowledged reference is read by each', async () => {
    const both = await Promise.all([storeOn('race/'), storeOn('race/')]);
    const refs = (
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const item = contentAddressed(`receipt ${i}`);
          return Promise.all(both.map((store) => putAgain(store, item)));
        }),
      )
    ).flat();
    for (const store of both) {
      for (const [at, ref] of refs.entries()) expect(await text(store, ref)).toBe(`receipt ${Math.floor(at / 2)}`);
    }
  });

  it('refuse each other other bytes under a key', async () => {
    const [one, two] = await Promise.all([storeOn('keys/'), storeOn('keys/')]);
    const ref = await one.put({ key: 'name', bytes: Buffer.from('first') });
    await expect(two.put({ key: 'name', bytes: Buffer.from('second') })).rejects.toMatchObject({ code: 'EVIDENCE_EXISTS' });
    await expect(two.putMany([{ key: 'name', bytes: Buffer.from('second') }])).rejects.toMatchObject({ code: 'EVIDENCE_EXISTS' });
    expect(await two.putMany([{ key: 'name', bytes: Buffer.from('first') }])).toEqual([ref]);
  });

  it('with different prefixes do not see each other', async () => {
    const [one, two] = await Promise.all([storeOn('left/'), storeOn('left/er/')]);
    const ref = await one.put({ key: 'name', bytes: Buffer.from('left') });
    await expect(two.get(ref)).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    await two.put({ key: 'name', bytes: Buffer.from('other') });
  });
});

describe('packs', () => {
  it('are split where calls are too large for one, and hold what each call gave', async () => {
    const store = await storeOn('split/', { packBytesMax: 64 * 1024 });
    const calls = Array.from({ length: 9 }, (_, c) => store.putMany([{ key: `large/${c}`, bytes: Buffer.alloc(30_000, c) }]));
    const refs = (await Promise.all(calls)).flat();
    expect(new Set(refs.map(({ location }) => location.split(':')[1])).size).toBe(5);
    for (const [c, ref] of refs.entries()) expect(Buffer.from(await store.get(ref)).equals(Buffer.alloc(30_000, c))).toBe(true);
  });

  it('may have an index that is larger than what is read of them first', async () => {
    const store = await storeOn('wide/', { packBytesMax: 8 * 1024 * 1024 });
    const items = Array.from({ length: 1_200 }, (_, i) => contentAddressed(`item ${i}`));
    const refs = await store.putMany(items);
    const last = refs[1_199];
    if (last === undefined) throw new Error('no ref');
    expect(await store.head(last)).toEqual({ digest: last.digest, sizeBytes: 9, held: false, retainUntil: null });
    expect(await (await storeOn('wide/')).putMany(items.slice(-1))).toEqual([last]);
  });

  it('whose index is damaged are named in the log, and the others are remembered', async () => {
    const store = await storeOn('damaged/');
    const [bad] = await store.putMany([{ key: 'bad', bytes: Buffer.from('bad') }]);
    const [good] = await store.putMany([{ key: 'good', bytes: Buffer.from('good') }]);
    if (bad === undefined) throw new Error('no ref');
    const at = parseLocation(bad.location);
    const pack = at?.kind === 'pack' ? at.pack : '';
    writeFileSync(gateway.pathOf('evidence', `damaged/${packName(pack)}`), Buffer.alloc(200, 1));
    const lines: string[] = [];
    const again = await storeOn('damaged/', {}, { log: (level, message, fields) => lines.push(`${level} ${message} ${String(fields?.['pack'])}`) });
    expect(lines).toEqual([`error the index of an evidence pack is damaged ${pack}`]);
    expect(await again.putMany([{ key: 'good', bytes: Buffer.from('good') }])).toEqual([good]);
    await expect(again.head(bad)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    await expect(again.get(bad)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
  });
});

describe('a bucket whose objects were copied from another', () => {
  it('gives what references of the first one name, though its versions have other names', async () => {
    const first = await storeOn('copied/');
    const single = await first.put({ key: 'alone', bytes: Buffer.from('alone') });
    const [packed = single] = await first.putMany([{ key: 'packed', bytes: Buffer.from('packed') }]);
    await makeBucket(gateway, 'copy');
    const s3 = clientOf(gateway);
    for (const ref of [single, packed]) {
      const at = parseLocation(ref.location);
      const Key = `copied/${at?.kind === 'pack' ? packName(at.pack) : itemName('alone', ref.digest)}`;
      const { ObjectLockRetainUntilDate } = await s3.send(new HeadObjectCommand({ Bucket: 'evidence', Key }));
      const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate } as const;
      await s3.send(new CopyObjectCommand({ Bucket: 'copy', Key, CopySource: `evidence/${Key}`, ...lock }));
    }
    s3.destroy();
    const copy = await storeOn('copied/', { bucket: 'copy' });
    expect([await text(copy, single), await text(copy, packed)]).toEqual(['alone', 'packed']);
    expect(await copy.head(packed)).toMatchObject({ digest: packed.digest, sizeBytes: 6 });
    await copy.hold(packed, true);
    expect((await copy.head(packed))?.held).toBe(true);
  });
});
