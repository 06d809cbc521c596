import { resolve } from 'node:path';
import { openTrustStore } from '@maestro/adapter-filesystem';
import type { SetConclusion } from '@maestro/receipt';
import { verifyFolder } from '@maestro/verify';
import type { CliSettings } from '../config.ts';

/** Whom the caller trusts beside the user's trust store; paths as given. */
export type TrustFlags = {
  readonly key?: string | undefined;
  readonly registry?: string | undefined;
  readonly root?: string | undefined;
};

/** Verifies a set offline, by the flags and the user's trust store. VerifyError: it could not begin. */
export function verifySet(
  folder: string,
  flags: TrustFlags,
  settings: CliSettings,
  executionId?: string,
): Promise<SetConclusion> {
  const path = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(settings.cwd, given);
  const store = openTrustStore(settings.trustStorePath);
  return verifyFolder(folder, {
    keyFile: path(flags.key),
    registryFile: path(flags.registry),
    rootFile: path(flags.root),
    lookupKey: (keyId) => store.lookup(keyId),
    expected: { executionId },
  });
}
