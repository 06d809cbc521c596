import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readSigningKeys } from '@maestro/adapter-filesystem';
import { syncFolder } from '../backup/copied-files.ts';

/** Signing key, registry and root of a deployment; the private root key only where it still lies there. */
const FILES = ['registry.json', 'root/root.pem', 'root/root.pub', 'signing.pem'];

/** Those that are there: the name within the folder, and where it lies. */
export function signingFiles(folder: string): readonly (readonly [name: string, path: string])[] {
  return FILES.map((name) => [name, join(folder, name)] as const).filter(([, path]) => existsSync(path));
}

/**
 * Gives a folder the signing keys of another one, durable. What lies there otherwise is set aside beside them; the name of that
 * folder, or null. The same keys again change nothing. Faults: KEY_MISSING, KEY_DAMAGED, where they do not belong together.
 */
export async function adoptSigningFiles(from: string, to: string, now: string): Promise<string | null> {
  const wanted = new Map(await Promise.all(signingFiles(from).map(async ([name, path]) => [name, await readFile(path)] as const)));
  const present = new Map(signingFiles(to).map(([name, path]) => [name, readFileSync(path)] as const));
  const isSame = (name: string): boolean => present.get(name)?.equals(wanted.get(name) ?? Buffer.alloc(0)) === true;
  const others = [...present.keys()].filter((name) => wanted.has(name) && !isSame(name));
  // a private root key is often in a safe place: one that only this folder has belongs to its registry, and goes with it, first
  const odd = others.length === 0 ? [] : [...[...present.keys()].filter((name) => !wanted.has(name)), ...others];
  const aside = join(to, `before-${now.replaceAll(/[-:]|\.\d+/g, '')}`);
  for (const name of odd) {
    mkdirSync(dirname(join(aside, name)), { recursive: true, mode: 0o700 });
    renameSync(join(to, name), join(aside, name));
  }
  for (const [name, bytes] of wanted) {
    if (isSame(name)) continue;
    const path = join(to, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, bytes, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    await syncFolder(dirname(path));
  }
  readSigningKeys(to);
  return odd.length === 0 ? null : aside;
}
