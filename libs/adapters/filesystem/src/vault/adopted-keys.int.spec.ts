import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderKeyVault } from './folder-key-vault.ts';

const KEY = 'k-0badcafe0badcafe-07-1234abcd';
const key = (fill: number): Uint8Array => Buffer.alloc(32, fill);

let root = '';
let vault: FolderKeyVault;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vault-'));
  vault = await FolderKeyVault.open(root);
});
afterEach(async () => {
  await vault.close();
  rmSync(root, { recursive: true });
});

const adoptedFiles = (): readonly string[] => readdirSync(join(root, 'data')).filter((name) => name.startsWith('adopted-')).map((name) => join(root, 'data', name));
/** Opens the folder again, so that nothing is remembered. */
async function again(): Promise<FolderKeyVault> {
  await vault.close();
  return (vault = await FolderKeyVault.open(root));
}

describe('keys of another vault in a folder', () => {
  it('are private, surveyed, and survive many adoptions', async () => {
    const keys = Array.from({ length: 600 }, (_, i) => ({ keyId: `k-0badcafe0badcafe-00-${i.toString(16).padStart(8, '0')}`, key: key(i % 256) }));
    await vault.adopt(keys.slice(0, 400));
    await vault.adopt(keys.slice(200));
    await again();
    for (const { keyId, key: own } of keys) expect(Buffer.from(await vault.reveal(keyId)).equals(own)).toBe(true);
    expect(adoptedFiles().map((file) => statSync(file).mode & 0o777).every((mode) => mode === 0o600)).toBe(true);
    expect((await FolderKeyVault.survey(root)).live).toBe(600 + 2 * 256);
    expect(readdirSync(join(root, 'data', 'staging'))).toEqual([]);
  });

  it('are overwritten in place when they are destroyed', async () => {
    await vault.adopt([{ keyId: KEY, key: key(7) }]);
    await vault.destroy(KEY);
    const [file = ''] = adoptedFiles();
    expect(readFileSync(file).includes(Buffer.from(key(7)))).toBe(false);
    expect((await FolderKeyVault.survey(root)).destroyed).toBe(1);
  });

  it('that are damaged are told, named by the survey, and mended by the same adoption', async () => {
    await vault.adopt([{ keyId: KEY, key: key(7) }]);
    const [file = ''] = adoptedFiles();
    const bytes = readFileSync(file);
    bytes[70] = (bytes[70] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await again();
    await expect(vault.reveal(KEY)).rejects.toMatchObject({ code: 'KEY_DAMAGED', message: expect.stringContaining(file) as string });
    expect((await FolderKeyVault.survey(root)).damaged).toEqual([`${file} at offset 0`]);
    await vault.adopt([{ keyId: KEY, key: key(7) }]);
    expect(Buffer.from(await vault.reveal(KEY)).equals(key(7))).toBe(true);
    expect((await FolderKeyVault.survey(root)).damaged).toEqual([]);
  });
});
