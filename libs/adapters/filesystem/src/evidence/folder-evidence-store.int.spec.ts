import { evidenceStoreConformance } from '@maestro/conformance';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderEvidenceStore } from './folder-evidence-store.ts';

evidenceStoreConformance('filesystem', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evidence-'));
  let store = await FolderEvidenceStore.open(folder);
  return {
    store,
    reopen: async () => {
      await store.close();
      return (store = await FolderEvidenceStore.open(folder));
    },
    damage: async ({ location }) => {
      const [kind, name = '', offset = 0, length = 0] = location.split(':');
      const path = kind === 'pack' ? join(folder, 'packs', `${name}.pack`) : join(folder, 'files', name.replaceAll('/', '+'));
      await flipBit(path, kind === 'pack' ? Number(offset) + 50 + Number(length) : 3);
    },
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});

async function flipBit(path: string, at: number): Promise<void> {
  await chmod(path, 0o600);
  const file = openSync(path, constants.O_RDWR);
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 4), 0, 1, at);
  closeSync(file);
}
