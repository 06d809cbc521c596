import { mkdtempSync, readdirSync, rmSync, writeFileSync, chmodSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { FolderEvidenceStore } from './evidence/folder-evidence-store.ts';
import { FolderKeyVault } from './vault/folder-key-vault.ts';

const SLICE_BYTES = 4 * 1024 * 1024;
const bytesOf = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'large-bytes-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('bytes of more than one slice', () => {
  it.each([[0], [1], [SLICE_BYTES - 1], [SLICE_BYTES], [SLICE_BYTES + 1], [2 * SLICE_BYTES + 7]])('are sealed and opened alike: %d', async (count) => {
    const vault = await FolderKeyVault.open(folder);
    const keyId = await vault.create('execution:x');
    const plaintext = bytesOf(count);
    const ciphertext = await vault.seal({ keyId, eventId: 'blob/x', plaintext });

    expect(ciphertext).toHaveLength(count + 28);
    expect(digestOf(await vault.open(keyId, 'blob/x', ciphertext))).toBe(digestOf(plaintext));
    for (const at of [0, 12, count + 12, count + 27]) {
      const changed = ciphertext.map((byte, i) => (i === at ? byte ^ 1 : byte));
      await expect(vault.open(keyId, 'blob/x', changed)).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    }
    await expect(vault.open(keyId, 'blob/y', ciphertext)).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    await vault.close();
  });

  it('are stored under their digest, found again by another process, and never served once a bit flipped', async () => {
    const bytes = bytesOf(SLICE_BYTES + 9);
    const key = `blobs/${digestOf(bytes)}`;
    const first = await FolderEvidenceStore.open(folder);
    const ref = await first.put({ key, bytes });
    expect(ref).toEqual({ digest: key.slice('blobs/'.length), location: `file:${key}` });
    await first.close();

    const second = await FolderEvidenceStore.open(folder);
    expect(digestOf(await second.get(ref))).toBe(ref.digest);
    const [name] = readdirSync(join(folder, 'files'));
    const path = join(folder, 'files', String(name));
    const stored = readFileSync(path);
    stored[SLICE_BYTES + 3] = (stored[SLICE_BYTES + 3] ?? 0) ^ 1;
    chmodSync(path, 0o600);
    writeFileSync(path, stored);
    await expect(second.get(ref)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    await second.close();
  });
});
