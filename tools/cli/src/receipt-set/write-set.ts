import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { README_FILE } from '@maestro/receipt';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';

const FOLDER_MODE = 0o755;

/**
 * Writes a set as a folder, whole or not at all. A folder that holds the same set already is left as it is ('kept').
 * CliError FOLDER_NOT_EMPTY: it holds something else, which is never overwritten.
 */
export async function writeSet(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<'written' | 'kept'> {
  const present = await entriesOf(folder);
  if (present.length > 0) {
    if (await holds(folder, files)) return 'kept';
    throw new CliError(EXIT.usage, 'FOLDER_NOT_EMPTY', `${folder} holds other files; nothing is overwritten`, [
      'choose a new folder with --out DIR',
    ]);
  }
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const partial = await mkdtemp(join(dirname(folder), `.${basename(folder)}.part-`));
  try {
    for (const [name, bytes] of files) await writeFile(join(partial, name), bytes, { flag: 'wx' });
    // a set is made to be handed on: it holds commitments, never values
    await chmod(partial, FOLDER_MODE);
    // takes the place of an empty folder, and of no other
    await rename(partial, folder);
    return 'written';
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR')
      throw new CliError(EXIT.usage, 'NOT_A_FOLDER', `${folder} is a file`, ['choose a new folder with --out DIR'], error);
    throw error;
  }
}

/** The words of the README may change between releases; the evidence may not. */
async function holds(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
  for (const [name, bytes] of files) {
    if (name === README_FILE) continue;
    const found = await readFile(join(folder, name)).catch(() => undefined);
    if (found?.equals(bytes) !== true) return false;
  }
  return true;
}
