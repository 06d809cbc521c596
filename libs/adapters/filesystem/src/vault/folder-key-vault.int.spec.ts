import { keyVaultConformance } from '@maestro/conformance';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderKeyVault } from './folder-key-vault.ts';

keyVaultConformance('filesystem', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-'));
  let vault = await FolderKeyVault.open(folder);
  return {
    vault,
    reopen: async () => {
      await vault.close();
      return (vault = await FolderKeyVault.open(folder));
    },
    dispose: async () => {
      await vault.close();
      await rm(folder, { recursive: true });
    },
  };
});
