import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrustedKey } from '@maestro/receipt';
import { pemKey, verifySignature } from './p256.ts';
import { rebuildFolder } from './rebuild-folder.ts';
import { FILE_BYTES_MAX } from './receipt-folder.ts';
import { runVerify } from './run-verify.ts';
import { verifyFolder } from './verify-folder.ts';

const golden = fileURLToPath(new URL('../../../contracts/golden/receipts/', import.meta.url));
const trust = (file: string): string => join(golden, 'trust', file);
const sound = join(golden, 'OK-one-task');
const keyFile = trust('signing.pub');
const plain = { color: false };

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maestro-verify-'));
  folder = join(root, 'set');
  cpSync(sound, folder, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const detailOf = async (row: number, options = { keyFile }): Promise<string | undefined> =>
  (await verifyFolder(folder, options)).results.find((result) => result.row === row)?.detail;

describe('verifyFolder', () => {
  it.each(['receipt.sigstore.json', 'events.jsonl', 'manifest.json', 'receipt.json'])('names the missing file %s', async (file) => {
    unlinkSync(join(folder, file));
    expect(await verifyFolder(folder, { keyFile })).toMatchObject({ ok: false, code: 'MALFORMED', exitCode: 1 });
    expect(await detailOf(1)).toContain(`${file} is missing`);
  });

  it('does not follow a link out of the folder', async () => {
    unlinkSync(join(folder, 'events.jsonl'));
    symlinkSync(join(sound, 'events.jsonl'), join(folder, 'events.jsonl'));
    expect(await detailOf(1)).toContain('events.jsonl is missing');
  });

  it('reads no file above its bound', async () => {
    truncateSync(join(folder, 'manifest.json'), FILE_BYTES_MAX.other + 1);
    expect(await detailOf(1)).toContain('manifest.json is missing');
  });

  it('takes a key file inside the set, even by way of a link, for the set itself', async () => {
    const link = join(root, 'trusted.pub');
    symlinkSync(join(folder, 'key.pub'), link);
    for (const own of [join(folder, 'key.pub'), link]) expect(await verifyFolder(folder, { keyFile: own })).toMatchObject({ code: 'SELF_ASSERTED' });
    expect(await verifyFolder(folder)).toMatchObject({ code: 'SELF_ASSERTED', exitCode: 2 });
  });

  it('takes a registry under a root that lies in the set for the set itself', async () => {
    cpSync(trust('root.pub'), join(folder, 'root.pub'));
    expect(await verifyFolder(folder, { registryFile: trust('registry.json'), rootFile: join(folder, 'root.pub') })).toMatchObject({ code: 'SELF_ASSERTED' });
  });

  it('does not mind a set without its own key, or with another file of that name', async () => {
    unlinkSync(join(folder, 'key.pub'));
    expect(await verifyFolder(folder, { keyFile })).toMatchObject({ ok: true });
    writeFileSync(join(folder, 'key.pub'), 'no key');
    expect(await verifyFolder(folder)).toMatchObject({ code: 'UNKNOWN_KEY' });
  });

  it('asks the trust store for the key that the bundle names, and only where it names one', async () => {
    const asked: string[] = [];
    const key = pemKey(readFileSync(keyFile));
    const lookupKey = (keyId: string): TrustedKey | undefined => {
      asked.push(keyId);
      return key;
    };
    expect(await verifyFolder(folder, { lookupKey })).toMatchObject({ ok: true });
    expect(await verifyFolder(folder, { lookupKey: () => undefined })).toMatchObject({ code: 'SELF_ASSERTED' });
    writeFileSync(join(folder, 'receipt.sigstore.json'), '{}');
    expect(await verifyFolder(folder, { lookupKey })).toMatchObject({ code: 'MALFORMED' });
    expect(asked).toEqual([key?.keyId]);
  });

  it('refuses trust that is none, and says which file', async () => {
    const registryFile = trust('registry.json');
    const rootFile = trust('root.pub');
    writeFileSync(join(root, 'broken.json'), '{');
    const cases = [
      [{ keyFile: join(root, 'nowhere.pub') }, 'NO_INPUT', 'nowhere.pub'],
      [{ keyFile: trust('TEST-ONLY-signing.private.pem') }, 'BAD_TRUST', 'not a P-256 public key'],
      [{ registryFile }, 'USAGE', '--root'],
      [{ rootFile }, 'USAGE', '--registry'],
      [{ registryFile, rootFile: trust('second.pub') }, 'BAD_TRUST', 'not by the root'],
      [{ registryFile: join(root, 'broken.json'), rootFile }, 'BAD_TRUST', 'not JSON'],
      [{ registryFile: join(root, 'nowhere.json'), rootFile }, 'NO_INPUT', 'nowhere.json'],
      [{ registryFile, rootFile, registryVersionMin: 2 }, 'BAD_TRUST', 'version 2 was seen before'],
    ] as const;
    for (const [options, code, message] of cases) {
      await expect(verifyFolder(folder, options)).rejects.toMatchObject({ name: 'VerifyError', code, message: expect.stringContaining(message) });
    }
  });

  it('takes the registry version that was seen before', async () => {
    const options = { registryFile: trust('registry.json'), rootFile: trust('root.pub'), registryVersionMin: 1 };
    expect(await verifyFolder(folder, options)).toMatchObject({ ok: true });
  });
});

describe('rebuildFolder', () => {
  it('names each document that the events do not make', async () => {
    writeFileSync(join(folder, 'receipt.json'), '{}');
    writeFileSync(join(folder, 'manifest.json'), '{}');
    unlinkSync(join(folder, 'receipt.sigstore.json'));
    const { identical, compared } = await rebuildFolder(folder);
    expect([identical, ...compared.map((one) => one.identical)]).toEqual([false, false, false, false]);
    expect(compared.map(({ detail }) => detail)).toEqual(['not what the events make', 'missing or unreadable', 'not the manifest that the run pinned']);
  });

  it.each([
    ['no events', undefined, 'missing'],
    ['a line that is no event', '{}\n', 'line 1: not a stored event'],
    ['an incomplete history', '', 'does not begin with execution.requested'],
  ])('says why nothing can be made of %s', async (_, events, detail) => {
    unlinkSync(join(folder, 'events.jsonl'));
    if (events !== undefined) writeFileSync(join(folder, 'events.jsonl'), events);
    writeFileSync(join(folder, 'receipt.sigstore.json'), '{}');
    expect(await rebuildFolder(folder)).toMatchObject({ identical: false, compared: [{ detail: expect.stringContaining(detail) }] });
  });

  it('does not guess at events of a newer version', async () => {
    const { compared } = await rebuildFolder(join(golden, 'UNSUPPORTED_VERSION-newer-event_fail'));
    expect(compared).toMatchObject([{ detail: 'execution.task-annotated.v1 at revision 4' }]);
  });
});

describe('runVerify', () => {
  it('prints a table, what a failure means and what to do; the exit code is the row', async () => {
    const good = await runVerify([folder, '--key', keyFile], plain);
    expect(good).toMatchObject({ exitCode: 0, error: '' });
    expect(good.out).toContain('VERIFIED');
    expect(good.out).toContain('✓ signature');
    expect(good.out).not.toContain('\u001b');
    const bad = await runVerify([join(golden, 'MISSING_EVENT-middle_fail'), '--key', keyFile], plain);
    expect(bad.exitCode).toBe(6);
    expect(bad.out).toContain('NOT VERIFIED: MISSING_EVENT');
    expect(bad.out).toContain('✗ every event, chained');
    expect(bad.out).toContain('it means: an event in the middle of the history was taken out');
    expect(bad.out).toContain('to do:');
    expect(Math.max(...bad.out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
  });

  it('colours only where it is told to', async () => {
    expect((await runVerify([folder, '--key', keyFile], { color: true })).out).toContain('\u001b[32mVERIFIED');
  });

  it('shows no control characters that a set smuggles in', async () => {
    const statement = Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', predicateType: 'evil\u001b[2J\u202e' }));
    const bundle = JSON.parse(readFileSync(join(folder, 'receipt.sigstore.json'), 'utf8')) as { dsseEnvelope: { payload: string } };
    bundle.dsseEnvelope.payload = statement.toString('base64');
    writeFileSync(join(folder, 'receipt.sigstore.json'), JSON.stringify(bundle));
    const { out } = await runVerify([folder, '--key', keyFile], plain);
    expect(out).toContain('evil');
    expect(out).not.toMatch(/[\u001b\u202e]/);
  });

  it('speaks JSON to machines', async () => {
    const { out, exitCode } = await runVerify([folder, '--key', keyFile, '--json', '--workflow', 'other'], plain);
    expect(exitCode).toBe(5);
    expect(JSON.parse(out)).toMatchObject({ ok: false, exitCode: 5, code: 'REPLAYED_RECEIPT', run: { workflow: 'hello' } });
    unlinkSync(join(folder, 'receipt.sigstore.json'));
    expect(JSON.parse((await runVerify([folder, '--json'], plain)).out)).toMatchObject({ code: 'MALFORMED', run: null, keyId: null });
  });

  it('compares what it was told to expect', async () => {
    const { executionId, digests } = JSON.parse(readFileSync(join(folder, 'receipt.json'), 'utf8')) as { executionId: string; digests: { manifest: string } };
    const expected = ['--execution', executionId, '--workflow', 'hello', '--manifest', digests.manifest];
    expect(await runVerify([folder, '--key', keyFile, ...expected], plain)).toMatchObject({ exitCode: 0 });
    expect(await runVerify([folder, '--key', keyFile, '--execution', 'another'], plain)).toMatchObject({ exitCode: 5 });
  });

  it('fails where more is required than can be shown', async () => {
    expect(await runVerify([folder, '--key', keyFile, '--require', 'logged'], plain)).toMatchObject({ exitCode: 10 });
    expect(await runVerify([folder, '--key', keyFile, '--require', 'policy'], plain)).toMatchObject({ exitCode: 9 });
  });

  it('rebuilds', async () => {
    expect(await runVerify([folder, '--rebuild'], plain)).toMatchObject({ exitCode: 0, out: expect.stringContaining('✓ receipt.json') });
    writeFileSync(join(folder, 'receipt.json'), '{}');
    const { exitCode, out } = await runVerify([folder, '--rebuild', '--json'], plain);
    expect([exitCode, JSON.parse(out)]).toMatchObject([8, { identical: false }]);
    expect((await runVerify([folder, '--rebuild'], plain)).out).toContain('✗ receipt.json');
  });

  it('answers usage faults with 64 and above, on stderr', async () => {
    expect(await runVerify([], plain)).toMatchObject({ exitCode: 64, out: '', error: expect.stringContaining('usage') });
    expect(await runVerify([folder, folder], plain)).toMatchObject({ exitCode: 64 });
    expect(await runVerify([folder, '--what'], plain)).toMatchObject({ exitCode: 64 });
    expect(await runVerify([folder, '--require', 'everything'], plain)).toMatchObject({ exitCode: 64 });
    expect(await runVerify([folder, '--key', join(folder, 'receipt.json')], plain)).toMatchObject({ exitCode: 2 });
    expect(await runVerify([folder, '--key', join(sound, 'receipt.json')], plain)).toMatchObject({ exitCode: 65 });
    expect(await runVerify([join(root, 'nowhere')], plain)).toMatchObject({ exitCode: 66 });
    expect(await runVerify(['--help'], plain)).toMatchObject({ exitCode: 0, out: expect.stringContaining('usage') });
  });
});

describe('verifySignature', () => {
  it('is false, and no fault, for what is no key and no signature', () => {
    const { spki = '' } = pemKey(readFileSync(keyFile)) ?? {};
    expect(verifySignature('bm9uZQ==', Buffer.from('x'), Buffer.from('y'))).toBe(false);
    expect(verifySignature(spki, Buffer.from('x'), Buffer.from('y'))).toBe(false);
    expect(pemKey('-----BEGIN PUBLIC KEY-----\nbm9uZQ==\n-----END PUBLIC KEY-----\n')).toBeUndefined();
  });
});
