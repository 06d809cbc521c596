import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FolderKeyVault, openSigningKeys } from '@maestro/adapter-filesystem';
import { systemClock } from '@maestro/adapter-memory';
import type { DataFolder } from '../data-folder.ts';
import { broken, fine, problem } from './finding.ts';
import type { Finding } from './finding.ts';

/** Signing keys with their registry, and the data keys of the vault. Reads only. */
export async function checkKeys(folder: DataFolder, hasEvents: boolean): Promise<readonly Finding[]> {
  return [checkSigningKeys(folder, hasEvents), await checkVault(folder)];
}

function checkSigningKeys({ keys }: DataFolder, hasEvents: boolean): Finding {
  if (!existsSync(join(keys, 'registry.json'))) {
    if (!hasEvents) return fine('signing-keys', 'none yet; the first start makes them');
    return problem('signing-keys', `${join(keys, 'registry.json')} is missing, and there are events`, 'restore the keys folder from a backup: receipts under new keys need new trust');
  }
  try {
    // a registry that is there is read; nothing is made
    const { keyId, rootKeyId, registry } = openSigningKeys(keys, systemClock);
    const root = existsSync(join(keys, 'root', 'root.pem')) ? '; root.pem is still here: keep it in a safe place, no start needs it' : '';
    return fine('signing-keys', `signs with ${keyId}, root ${rootKeyId}, registry version ${registry.version}${root}`);
  } catch (error) {
    return broken('signing-keys', error, 'restore the keys folder from a backup; no receipt can be signed meanwhile, and the conductor does not start');
  }
}

async function checkVault({ dataKeys }: DataFolder): Promise<Finding> {
  try {
    const { live, destroyed, damaged } = await FolderKeyVault.survey(dataKeys);
    if (damaged.length === 0) return fine('key-vault', `${live} keys, ${destroyed} destroyed on purpose`);
    return problem('key-vault', `${damaged.length} records of keys cannot be read; what they seal cannot be opened`, 'restore these files from a backup; hashes and receipts hold without them', { items: damaged });
  } catch (error) {
    return broken('key-vault', error, `make ${dataKeys} readable`);
  }
}
