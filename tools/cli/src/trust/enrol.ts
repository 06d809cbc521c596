import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTrustStore } from '@maestro/adapter-filesystem';
import { isFault } from '@maestro/ports';
import type { Screen } from '../screen.ts';

/**
 * Trusts the root of the conductor of a data folder of this user, and takes its newest key registry. Says so the first
 * time. What cannot be taken is told and changes nothing: the verifier goes on with what the user trusts already.
 */
export async function enrolConductor(dataDir: string, trustStorePath: string, screen: Screen): Promise<void> {
  const keys = join(dataDir, 'keys');
  try {
    const spki = (await readFile(join(keys, 'root', 'root.pub'), 'utf8')).trim();
    const registry: unknown = JSON.parse(await readFile(join(keys, 'registry.json'), 'utf8'));
    const store = openTrustStore(trustStorePath);
    const known = new Set(store.roots().map(({ rootKeyId }) => rootKeyId));
    const { rootKeyId } = store.enrol({ name: `conductor of ${dataDir}`, spki });
    if (!known.has(rootKeyId)) {
      screen.note(`trust      enrolled root key ${rootKeyId} of ${dataDir}`);
      screen.note(`           in ${trustStorePath}: its receipts verify on this account from now on`);
    }
    const learned = store.learn(registry);
    if (learned.kind === 'refused')
      warn(screen, `the key registry of ${dataDir} is not taken: ${learned.reason}, ${learned.detail}`);
  } catch (error) {
    if (!isFault(error) && (error as { readonly code?: unknown }).code === undefined && !(error instanceof SyntaxError))
      throw error;
    warn(screen, `the keys of ${dataDir} are not enrolled: ${(error as Error).message}`);
  }
}

function warn(screen: Screen, text: string): void {
  screen.note(screen.paintNote('attention', `trust      ${text}`));
}
