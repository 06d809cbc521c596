import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWrapKeyFile } from './wrap-key-file.ts';

const KEY = Buffer.alloc(32, 7);
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-wrap-'));
  path = join(folder, 'wrap.keys');
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = async (work: Promise<Uint8Array>): Promise<string> => Buffer.from(await work).toString('hex');

describe('a file of wrap keys', () => {
  it('is made once, for its user alone, and gives the same key to everybody who opens it', async () => {
    const [one, other] = [openWrapKeyFile(path), openWrapKeyFile(path)];
    expect([statSync(path).mode & 0o777, readdirSync(folder), one.keyId === other.keyId]).toEqual([0o600, ['wrap.keys'], true]);
    expect(await bytes(other.unwrap(one.keyId, await one.wrap(KEY, 'pool'), 'pool'))).toBe(KEY.toString('hex'));
  });

  it('wraps differently each time, and hides what it wraps', async () => {
    const key = openWrapKeyFile(path);
    const [a, b] = [await bytes(key.wrap(KEY, 'pool')), await bytes(key.wrap(KEY, 'pool'))];
    expect(a).not.toBe(b);
    expect(a).not.toContain(KEY.toString('hex'));
    expect(readFileSync(path, 'utf8')).not.toContain(key.keyId.slice('file:'.length));
  });

  it('opens nothing for another context, or with a flipped bit', async () => {
    const key = openWrapKeyFile(path);
    const wrapped = await key.wrap(KEY, 'pool');
    await expect(key.unwrap(key.keyId, wrapped, 'another')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    for (let at = 0; at < wrapped.length; at += 1) {
      const flipped = Buffer.from(wrapped);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await expect(key.unwrap(key.keyId, flipped, 'pool')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    }
    await expect(key.unwrap(key.keyId, Buffer.alloc(5), 'pool')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
  });

  it('is given a newer key as its last line; what the older one wrapped still opens', async () => {
    const old = openWrapKeyFile(path);
    const wrapped = await old.wrap(KEY, 'pool');
    writeFileSync(path, `${readFileSync(path, 'utf8')}${Buffer.alloc(32, 9).toString('base64')}\n`);
    const both = openWrapKeyFile(path);
    expect(both.keyId).not.toBe(old.keyId);
    expect(await bytes(both.unwrap(old.keyId, wrapped, 'pool'))).toBe(KEY.toString('hex'));
    await expect(old.unwrap(both.keyId, wrapped, 'pool')).rejects.toMatchObject({
      code: 'WRAP_KEY_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining(both.keyId),
    });
  });

  it.each([
    ['other users can read it', () => chmodSync(path, 0o640), 'chmod 600'],
    ['a line is no key', () => writeFileSync(path, 'c2hvcnQ=\n'), 'line 1'],
    ['it is empty', () => writeFileSync(path, ''), 'it holds no key'],
  ])('is refused where %s', (_, change, said) => {
    openWrapKeyFile(path);
    change();
    expect(() => openWrapKeyFile(path)).toThrow(said);
  });

  it('is refused where its folder is missing', () => {
    expect(() => openWrapKeyFile(join(folder, 'none', 'wrap.keys'))).toThrow('WRAP_KEY_UNAVAILABLE');
  });
});
