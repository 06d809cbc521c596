import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { clientOf, makeBucket, settingsFor } from '../../fixtures/gateway-bucket.ts';
import { startVersitygw } from '../../fixtures/versitygw.ts';
import type { Versitygw } from '../../fixtures/versitygw.ts';
import { S3EvidenceStore } from '../s3-evidence-store.ts';
import type { S3SettingsInput } from '../settings.ts';
import { makeLockedBucket } from './make-bucket.ts';

let gateway: Versitygw;
beforeAll(async () => {
  gateway = await startVersitygw();
  await makeBucket(gateway, 'evidence');
});
afterAll(() => gateway.dispose());

const fault = (code: string, message: RegExp): object => expect.objectContaining({ name: 'Fault', code, message: expect.stringMatching(message) }) as object;
const opening = (o: Partial<S3SettingsInput>): Promise<S3EvidenceStore> => S3EvidenceStore.open(settingsFor(gateway, o));

describe('opening evidence in S3', () => {
  it('refuses a bucket that is not there', async () => {
    await expect(opening({ bucket: 'elsewhere' })).rejects.toEqual(fault('S3_MISCONFIGURED', /no bucket elsewhere/));
  });

  it('takes a bucket that was made with Object Lock, by whomever and however often', async () => {
    await makeBucket(gateway, 'made');
    await makeBucket(gateway, 'made');
    await (await opening({ bucket: 'made' })).close();
    const credentials = { accessKeyId: 'nobody', secretAccessKey: 'x' };
    await expect(makeLockedBucket(settingsFor(gateway, { bucket: 'refused', credentials }))).rejects.toThrow();
    await expect(opening({ credentials })).rejects.toEqual(fault('S3_DENIED', /UserNotFound/));
  });

  it('refuses a bucket without versioning', async () => {
    const s3 = clientOf(gateway);
    await s3.send(new CreateBucketCommand({ Bucket: 'plain' }));
    await expect(opening({ bucket: 'plain' })).rejects.toEqual(fault('S3_MISCONFIGURED', /plain: versioning is off/));
    s3.destroy();
  });

  it('refuses a bucket that keeps versions, but does not lock them', async () => {
    const s3 = clientOf(gateway);
    await s3.send(new CreateBucketCommand({ Bucket: 'versions' }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'versions', VersioningConfiguration: { Status: 'Enabled' } }));
    await expect(opening({ bucket: 'versions' })).rejects.toEqual(fault('S3_MISCONFIGURED', /versions: Object Lock is off/));
    s3.destroy();
  });

  it('refuses credentials that S3 does not know, and does not name them', async () => {
    const credentials = { accessKeyId: gateway.credentials.accessKeyId, secretAccessKey: 'wrong-secret' };
    const refused = opening({ credentials });
    await expect(refused).rejects.toEqual(fault('S3_DENIED', /403/));
    await expect(refused).rejects.not.toEqual(fault('S3_DENIED', /wrong-secret/));
  });

  it('says that nobody answers, in bounded time', async () => {
    const settings = settingsFor(gateway, { endpoint: 'http://127.0.0.1:1', callTimeoutMs: 5_000 });
    await expect(S3EvidenceStore.open(settings)).rejects.toMatchObject({ name: 'Fault', code: 'S3_UNAVAILABLE', retryable: true });
  });

  it('takes credentials from the environment where none are given', async () => {
    const before = { ...process.env };
    process.env['AWS_ACCESS_KEY_ID'] = gateway.credentials.accessKeyId;
    process.env['AWS_SECRET_ACCESS_KEY'] = gateway.credentials.secretAccessKey;
    try {
      const store = await opening({ credentials: null });
      await store.put({ key: 'chain', bytes: Buffer.from('x') });
      await store.close();
    } finally {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  it('refuses each put of a bucket that stopped keeping versions', async () => {
    const store = await opening({ prefix: 'stopped/' });
    await gateway.restart({ versioning: false });
    await expect(store.put({ key: 'a', bytes: Buffer.from('x') })).rejects.toEqual(fault('S3_MISCONFIGURED', /without a VersionId/));
    await expect(opening({})).rejects.toEqual(fault('S3_MISCONFIGURED', /VersioningNotConfigured/));
    await gateway.restart();
    await store.close();
  });
});
