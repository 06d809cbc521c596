import { createHash } from 'node:crypto';
import { DeleteObjectCommand, GetObjectLegalHoldCommand, GetObjectRetentionCommand, HeadObjectCommand, PutObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { EvidenceRef } from '@maestro/ports';
import { clientOf, makeBucket, settingsFor } from '../../fixtures/gateway-bucket.ts';
import { startVersitygw } from '../../fixtures/versitygw.ts';
import type { Versitygw } from '../../fixtures/versitygw.ts';
import { itemName, packName, parseLocation } from '../evidence-names.ts';
import { S3EvidenceStore } from '../s3-evidence-store.ts';
import { LockedObjects } from './locked-objects.ts';
import { S3Calls } from './s3-calls.ts';

let gateway: Versitygw;
let s3: S3Client;
let store: S3EvidenceStore;
beforeAll(async () => {
  gateway = await startVersitygw();
  await makeBucket(gateway, 'evidence');
  s3 = clientOf(gateway);
});
afterAll(async () => {
  s3.destroy();
  await gateway.dispose();
});
beforeEach(async () => {
  store = await S3EvidenceStore.open(settingsFor(gateway, { retentionDays: 30 }));
});
afterEach(() => store.close());

/** The same bucket without the store around it. */
async function withObjects(work: (objects: LockedObjects) => Promise<void>, listPageMax = 1_000): Promise<void> {
  const calls = new S3Calls(settingsFor(gateway, { prefix: 'raw/' }));
  await work(new LockedObjects(calls, listPageMax)).finally(() => calls.close());
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The object of evidence, and its version. */
function objectOf({ location, digest }: EvidenceRef): { readonly Bucket: string; readonly Key: string; readonly VersionId: string } {
  const at = parseLocation(location);
  if (at === undefined) throw new Error(`not a location: ${location}`);
  return { Bucket: 'evidence', Key: `mc/${at.kind === 'item' ? itemName(at.key, digest) : packName(at.pack)}`, VersionId: at.versionId };
}

const text = async (ref: EvidenceRef): Promise<string> => Buffer.from(await store.get(ref)).toString();
const refused = expect.objectContaining({ $metadata: expect.objectContaining({ httpStatusCode: 403 }) }) as object;

/** Evidence of each kind, new for each test. */
async function both(name: string): Promise<EvidenceRef[]> {
  const single = await store.put({ key: `${name}/alone`, bytes: Buffer.from(`${name}: alone`) });
  return [single, ...(await store.putMany([{ key: `${name}/packed`, bytes: Buffer.from(`${name}: packed`) }]))];
}

describe('evidence under Object Lock', () => {
  it('is locked in COMPLIANCE mode until at least the retention of the settings', async () => {
    const earliest = Date.now() + 30 * 86_400_000;
    for (const ref of await both('dates')) {
      const head = await s3.send(new HeadObjectCommand(objectOf(ref)));
      expect(head.ObjectLockMode).toBe('COMPLIANCE');
      expect(head.ObjectLockRetainUntilDate?.getTime()).toBeGreaterThanOrEqual(earliest);
    }
  });

  it('is locked for longer where a put asks for it, and never for less than the settings say', async () => {
    const later = await store.put({ key: 'asked/later', bytes: Buffer.from('x'), retainUntil: '2051-01-05T10:00:00.123Z' });
    const earlier = await store.put({ key: 'asked/earlier', bytes: Buffer.from('x'), retainUntil: '2020-01-01T00:00:00Z' });
    const [head, other] = await Promise.all([later, earlier].map((ref) => s3.send(new HeadObjectCommand(objectOf(ref)))));
    expect(head?.ObjectLockRetainUntilDate?.toISOString()).toBe('2051-01-05T10:00:01.000Z');
    expect(other?.ObjectLockRetainUntilDate?.getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    expect((await store.head(earlier))?.retainUntil).toBe('2020-01-01T00:00:00Z');
    await expect(store.put({ key: 'asked/nonsense', bytes: Buffer.from('x'), retainUntil: 'soon' })).rejects.toThrow(RangeError);
  });

  it('cannot be deleted, and is read as before', async () => {
    for (const ref of await both('delete')) {
      await expect(s3.send(new DeleteObjectCommand(objectOf(ref)))).rejects.toEqual(refused);
      await expect(s3.send(new DeleteObjectCommand({ ...objectOf(ref), BypassGovernanceRetention: true }))).rejects.toEqual(refused);
      expect(await text(ref)).toMatch(/^delete: /);
    }
  });

  it('is read as before behind a delete marker, which does not free its key either', async () => {
    for (const ref of await both('marker')) {
      const { Bucket, Key } = objectOf(ref);
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      await expect(s3.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
      expect(await text(ref)).toMatch(/^marker: /);
      expect(await store.head(ref)).toMatchObject({ digest: ref.digest });
    }
    const again = await S3EvidenceStore.open(settingsFor(gateway, { recentPacksMax: 0 }));
    await expect(again.put({ key: 'marker/alone', bytes: Buffer.from('other') })).rejects.toMatchObject({ code: 'EVIDENCE_EXISTS' });
    await again.close();
  });

  it('cannot be overwritten: what is put over it is another version, which nobody is given', async () => {
    for (const ref of await both('overwrite')) {
      const { Bucket, Key } = objectOf(ref);
      await expect(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'forged', IfNoneMatch: '*' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'forged' }));
      expect(await text(ref)).toMatch(/^overwrite: /);
      await expect(s3.send(new DeleteObjectCommand(objectOf(ref)))).rejects.toEqual(refused);
    }
    const [single] = await both('overwrite');
    const again = await S3EvidenceStore.open(settingsFor(gateway));
    expect(await again.put({ key: 'overwrite/alone', bytes: Buffer.from('overwrite: alone') })).toEqual(single);
    await again.close();
  });

  it('keeps its mode: it cannot be weakened to GOVERNANCE', async () => {
    for (const ref of await both('mode')) {
      const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date('2061-01-01T00:00:00Z') } as const;
      await expect(s3.send(new PutObjectRetentionCommand({ ...objectOf(ref), Retention }))).rejects.toEqual(refused);
      expect((await s3.send(new GetObjectRetentionCommand(objectOf(ref)))).Retention?.Mode).toBe('COMPLIANCE');
    }
  });

  it('holds a pack as long as one of its items is held', async () => {
    const bytes = Buffer.from('x');
    const [one, two] = await store.putMany([{ key: 'held/1', bytes }, { key: 'held/2', bytes: Buffer.from('y') }]);
    if (one === undefined || two === undefined) throw new Error('two items have two refs');
    const isPackHeld = async (): Promise<boolean> => (await s3.send(new GetObjectLegalHoldCommand(objectOf(one)))).LegalHold?.Status === 'ON';
    await store.hold(one, true);
    await store.hold(two, true);
    await store.hold(one, false);
    expect([await isPackHeld(), (await store.head(one))?.held, (await store.head(two))?.held]).toEqual([true, false, true]);
    await store.hold(two, false);
    expect([await isPackHeld(), (await store.head(two))?.held]).toEqual([false, false]);
  });

  it('says of what was overwritten or hidden that it is held', async () => {
    const ref = await store.put({ key: 'held/hidden', bytes: Buffer.from('x') });
    await store.hold(ref, true);
    const { Bucket, Key } = objectOf(ref);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'forged' }));
    expect(await store.head(ref)).toEqual({ digest: ref.digest, sizeBytes: 1, held: true, retainUntil: null });
  });

  it('does not take an object that was there before and is not locked for its own', async () => {
    const bytes = Buffer.from('planted');
    const ref = await store.put({ key: 'elsewhere/planted', bytes });
    const Key = `mc/${itemName('planted', ref.digest)}`;
    const ChecksumSHA256 = Buffer.from(ref.digest, 'hex').toString('base64');
    await s3.send(new PutObjectCommand({ Bucket: 'evidence', Key, Body: bytes, ChecksumSHA256 }));
    await expect(store.put({ key: 'planted', bytes })).rejects.toMatchObject({ code: 'S3_MISCONFIGURED', message: expect.stringContaining('no locked version') as string });
  });

  it('finds the oldest version over many pages of a list, and gives up on a list without end', async () => {
    const bytes = Buffer.from('first');
    const object = { name: 'paged', bytes, digest: sha256(bytes), lockUntil: new Date('2031-01-05T10:00:00Z') };
    await withObjects(async (objects) => {
      const versionId = await objects.put(object);
      for (let i = 0; i < 6; i += 1) await s3.send(new PutObjectCommand({ Bucket: 'evidence', Key: 'raw/paged', Body: `forged ${i}` }));
      expect(await objects.put(object)).toBe(versionId);
      expect(await objects.versionsUnder('paged')).toHaveLength(7);
    }, 2);
    for (let i = 0; i < 15; i += 1) await s3.send(new PutObjectCommand({ Bucket: 'evidence', Key: 'raw/paged', Body: `forged ${i}` }));
    await withObjects(async (objects) => {
      await expect(objects.put(object)).rejects.toMatchObject({ code: 'S3_MISCONFIGURED', message: expect.stringContaining('more than 20 pages') as string });
    }, 1);
  });

  it('is not acknowledged where the lock ends before what was asked for', async () => {
    const bytes = Buffer.from('short');
    // this server keeps whole seconds only
    const lockUntil = new Date('2031-01-05T10:00:00.999Z');
    await withObjects(async (objects) => {
      const put = objects.put({ name: 'short', bytes, digest: sha256(bytes), lockUntil });
      await expect(put).rejects.toMatchObject({ code: 'S3_MISCONFIGURED', message: expect.stringContaining('until 2031-01-05T10:00:00.999Z, and is until 2031-01-05T10:00:00.000Z') as string });
    });
  });

  it('is refused by the server where the bytes are not those of the digest', async () => {
    await withObjects(async (objects) => {
      const put = objects.put({ name: 'other', bytes: Buffer.from('other'), digest: sha256(Buffer.from('bytes')), lockUntil: new Date('2031-01-05T10:00:00Z') });
      await expect(put).rejects.toMatchObject({ code: 'S3_MISCONFIGURED', message: expect.stringContaining('400') as string });
      expect(await objects.versionsUnder('other')).toEqual([]);
    });
  });
});
