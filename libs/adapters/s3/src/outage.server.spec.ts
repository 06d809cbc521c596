import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import type { EvidenceRef } from '@maestro/ports';
import { clientOf, makeBucket, settingsFor } from '../fixtures/gateway-bucket.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { startVersitygw } from '../fixtures/versitygw.ts';
import type { Versitygw } from '../fixtures/versitygw.ts';
import { S3EvidenceStore } from './s3-evidence-store.ts';

let gateway: Versitygw;
let proxy: TcpProxy;
let stores: S3EvidenceStore[] = [];
beforeAll(async () => {
  gateway = await startVersitygw();
  await makeBucket(gateway, 'evidence');
});
afterAll(() => gateway.dispose());
beforeEach(async () => {
  proxy = await TcpProxy.open(gateway.port);
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  stores = [];
  await proxy.close();
});

const LIMITS = { connectTimeoutMs: 500, attemptTimeoutMs: 500, callTimeoutMs: 3_000 };
async function storeOn(prefix: string, endpoint = gateway.url): Promise<S3EvidenceStore> {
  const store = await S3EvidenceStore.open(settingsFor(gateway, { endpoint, prefix, ...LIMITS }));
  stores.push(store);
  return store;
}
const unavailable = { name: 'Fault', code: 'S3_UNAVAILABLE', retryable: true };
const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const text = async (store: S3EvidenceStore, ref: EvidenceRef | undefined): Promise<string> => {
  if (ref === undefined) throw new Error('no ref');
  return Buffer.from(await store.get(ref)).toString();
};

/** How many versions lie under a prefix. */
async function versionsUnder(Prefix: string): Promise<number> {
  const s3 = clientOf(gateway);
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'evidence', Prefix }));
  s3.destroy();
  return Versions.length;
}

describe('a gateway that was killed', () => {
  it('makes every call fail with a fault that says so, and loses nothing that was acknowledged', async () => {
    const store = await storeOn('killed/');
    const single = await store.put({ key: 'kept/alone', bytes: bytesOf('alone') });
    const [packed] = await store.putMany([{ key: 'kept/packed', bytes: bytesOf('packed') }]);
    await gateway.kill();
    const calls = [
      store.put({ key: 'late/alone', bytes: bytesOf('late') }),
      store.putMany([{ key: 'late/packed', bytes: bytesOf('late') }]),
      store.get(single),
      store.head(single),
      store.hold(single, true),
    ];
    for (const outcome of await Promise.allSettled(calls)) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    await gateway.restart();
    expect([await text(store, single), await text(store, packed)]).toEqual(['alone', 'packed']);
    const [late] = await store.putMany([{ key: 'late/packed', bytes: bytesOf('late') }]);
    expect(await text(store, late)).toBe('late');
    const again = await storeOn('killed/');
    expect(await again.putMany([{ key: 'kept/packed', bytes: bytesOf('packed') }])).toEqual([packed]);
  });

  it('is survived by puts that were under way: each was acknowledged and is there, or failed and can be put again', async () => {
    const store = await storeOn('under-way/');
    const items = Array.from({ length: 60 }, (_, i) => ({ key: `item/${i}`, bytes: bytesOf(`value ${i}`) }));
    const puts = items.map((item, i) => (i % 2 === 0 ? store.put(item) : store.putMany([item]).then(([ref]) => ref)));
    await Promise.race(puts);
    await gateway.kill();
    const outcomes = await Promise.allSettled(puts);
    await gateway.restart();
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(unavailable);
      const ref = outcome.status === 'fulfilled' ? outcome.value : await store.put(items[i] ?? { key: '', bytes: bytesOf('') });
      expect(await text(store, ref)).toBe(`value ${i}`);
    }
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  });
});

describe('a gateway that accepts and does not answer', () => {
  it('is given up after the time limit, and answers the next call once it goes on', async () => {
    const store = await storeOn('paused/');
    const ref = await store.put({ key: 'before', bytes: bytesOf('before') });
    gateway.pause();
    const outcomes = await Promise.allSettled([store.put({ key: 'during', bytes: bytesOf('during') }), store.get(ref), S3EvidenceStore.open(settingsFor(gateway, LIMITS))]);
    gateway.resume();
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    expect(await text(store, ref)).toBe('before');
    expect(await text(store, await store.put({ key: 'during', bytes: bytesOf('during') }))).toBe('during');
  });
});

describe('an answer that is lost', () => {
  it('to a put: the SDK repeats it, and the version that was made first is the one that is answered', async () => {
    const store = await storeOn('lost/', proxy.url);
    proxy.lose('cut', 'PUT', 1);
    const single = await store.put({ key: 'alone', bytes: bytesOf('alone') });
    proxy.lose('cut', 'PUT', 1);
    const [packed] = await store.putMany([{ key: 'packed', bytes: bytesOf('packed') }]);
    expect(proxy.lostCount).toBe(2);
    expect([await text(store, single), await text(store, packed)]).toEqual(['alone', 'packed']);
    expect([await versionsUnder('lost/items/'), await versionsUnder('lost/packs/')]).toEqual([1, 1]);
  });

  it('to every try of a put: the fault says that it may be repeated, and then it answers what the first try made', async () => {
    const store = await storeOn('silent/', proxy.url);
    proxy.lose('silent', 'PUT', 3);
    await expect(store.put({ key: 'alone', bytes: bytesOf('alone') })).rejects.toMatchObject(unavailable);
    expect(proxy.lostCount).toBe(3);
    expect(await text(store, await store.put({ key: 'alone', bytes: bytesOf('alone') }))).toBe('alone');
    expect(await versionsUnder('silent/items/')).toBe(1);
  });

  it('to the look-up after a put: nothing is acknowledged before it was answered', async () => {
    const store = await storeOn('head/', proxy.url);
    proxy.lose('cut', 'HEAD', 3);
    await expect(store.put({ key: 'alone', bytes: bytesOf('alone') })).rejects.toMatchObject(unavailable);
    expect(await text(store, await store.put({ key: 'alone', bytes: bytesOf('alone') }))).toBe('alone');
    expect(await versionsUnder('head/items/')).toBe(1);
  });
});
