import { readFile, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { verifyRegistry } from '@maestro/receipt';
import type { Trust, TrustedKey } from '@maestro/receipt';
import { pemKey, verifySignature } from './p256.ts';
import { VerifyError } from './verify-error.ts';

/** What the verifying side trusts. Several sources add up; with none, no set can pass. */
export type TrustOptions = {
  /** public key PEM: pins one key, without a window */
  readonly keyFile?: string | undefined;
  /** signed key registry (DSSE envelope as JSON) and the public key PEM of the root that signed it; both or neither */
  readonly registryFile?: string | undefined;
  readonly rootFile?: string | undefined;
  /** lowest registry version to accept: the highest that was seen before */
  readonly registryVersionMin?: number | undefined;
  /** the user's trust store */
  readonly lookupKey?: ((keyId: string) => TrustedKey | undefined | Promise<TrustedKey | undefined>) | undefined;
  /** verified time of the signature (RFC 3339, UTC, milliseconds); null or absent: nobody says */
  readonly trustedTime?: string | null | undefined;
};

/**
 * Gathers the trusted keys. A key file inside the set is the set's own word: it is left out, so that row 2 answers
 * SELF_ASSERTED. VerifyError: BAD_TRUST, NO_INPUT, USAGE.
 */
export async function gatherTrust(folder: string, keyId: string | undefined, options: TrustOptions): Promise<Trust> {
  const { keyFile, registryFile, rootFile, lookupKey } = options;
  if ((registryFile === undefined) !== (rootFile === undefined)) {
    throw new VerifyError('USAGE', '--registry needs --root, and --root needs --registry: a registry is worth what its root is');
  }
  const keys: TrustedKey[] = [];
  if (keyFile !== undefined && !(await isInside(folder, keyFile))) keys.push(await pinned(keyFile));
  if (registryFile !== undefined && rootFile !== undefined) {
    // A root from the set would make the registry the set's own word, too.
    const isOwn = await isInside(folder, rootFile);
    keys.push(...(isOwn ? [] : await registryKeys(registryFile, rootFile, options.registryVersionMin ?? 1)));
  }
  const known = keyId === undefined ? undefined : await lookupKey?.(keyId);
  return { keys: known === undefined ? keys : [...keys, known], verifySignature, trustedTime: options.trustedTime ?? null };
}

async function pinned(file: string): Promise<TrustedKey> {
  const key = pemKey(await read(file));
  if (key === undefined) throw new VerifyError('BAD_TRUST', `${file} is not a P-256 public key in PEM (BEGIN PUBLIC KEY)`);
  return key;
}

async function registryKeys(registryFile: string, rootFile: string, versionMin: number): Promise<readonly TrustedKey[]> {
  const root = await pinned(rootFile);
  let envelope: unknown;
  try {
    envelope = JSON.parse((await read(registryFile)).toString('utf8'));
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw new VerifyError('BAD_TRUST', `${registryFile} is not JSON`);
  }
  const verdict = verifyRegistry(envelope, root.spki, verifySignature);
  if (verdict.kind === 'refused') throw new VerifyError('BAD_TRUST', `${registryFile}: ${verdict.detail}`);
  const { version, keys } = verdict.registry;
  if (version < versionMin) throw new VerifyError('BAD_TRUST', `${registryFile} is version ${version}; version ${versionMin} was seen before`);
  return keys;
}

async function isInside(folder: string, file: string): Promise<boolean> {
  // A file that is not there is reported when it is read.
  const path = await realpath(file).catch(() => file);
  return path.startsWith(`${await realpath(folder)}${sep}`);
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new VerifyError('NO_INPUT', `${file} cannot be read: ${(error as Error).message}`);
  }
}
