import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OWN_KEY_FILE, README_FILE, RECEIPT_FILES } from '@maestro/receipt';
import { pemKey, verifyFolder } from '@maestro/verify';
import type { VerifyOptions } from '@maestro/verify';
import type { Attack, AttackedSet } from './attack.ts';
import { PROVING_FILES } from './real-sets.ts';
import type { TamperWorld } from './real-sets.ts';

/** Writes the set as an attack leaves it, lets `look` see its folder, and removes it. */
export async function withAttackedSet<T>(parent: string, world: TamperWorld, attacked: AttackedSet, look: (folder: string) => Promise<T>): Promise<T> {
  const around = await mkdtemp(join(parent, 'attack-'));
  const folder = join(around, 'set');
  try {
    await mkdir(folder);
    for (const file of PROVING_FILES) {
      const path = join(folder, RECEIPT_FILES[file]);
      const given = attacked.files?.[file];
      if (typeof given === 'function') await given(path);
      else if (given !== null) await writeFile(path, given ?? world.set[file]);
    }
    await writeFile(join(folder, OWN_KEY_FILE), attacked.ownKey ?? world.signer.publicPem);
    await writeFile(join(folder, README_FILE), attacked.readme ?? world.readme);
    return await look(folder);
  } finally {
    await rm(around, { recursive: true, force: true });
  }
}

/** What the offline verifier says to one attack: its class, or VERIFIED. `keyFile`: the trusted key, outside of every set. */
export async function verdictOn({ make }: Attack, world: TamperWorld, keyFile: string, parent: string): Promise<string> {
  const attacked = make(world);
  const { executionId } = world.receipt;
  const expected = attacked.isAnyRun === true ? {} : { executionId, workflowId: world.receipt.workflow.id };
  return withAttackedSet(parent, world, attacked, async (folder) => {
    const { ok, code } = await verifyFolder(folder, { ...trustOf(attacked, world, keyFile, folder), expected });
    return ok ? 'VERIFIED' : String(code);
  });
}

function trustOf({ trust = 'signer' }: AttackedSet, { stranger }: TamperWorld, keyFile: string, folder: string): VerifyOptions {
  switch (trust) {
    case 'none':
      return {};
    case 'own':
      return { keyFile: join(folder, OWN_KEY_FILE) };
    case 'signer':
      return { keyFile };
    case 'both':
      return { keyFile, lookupKey: () => pemKey(stranger.publicPem) };
  }
}
