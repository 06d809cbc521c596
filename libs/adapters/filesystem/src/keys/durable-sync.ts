import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PRIVATE_FILE, PRIVATE_FOLDER, diskFault, errnoOf } from '../disk.ts';

// Synchronous on purpose: key files are a few kilobytes, read at start and written once in a while, and a
// read-change-write without a pause in it cannot be interleaved with another one of this process.

/** Makes a folder and its missing parents, private to the user, durable. Existing ones are left as they are. */
export function makeFolderSync(folder: string): void {
  const first = attempt(`making ${folder}`, () => mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER }));
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) syncFolderSync(dirname(made));
}

/** Undefined: there is no such file. */
export function readTextSync(path: string): string | undefined {
  return attempt(`reading ${path}`, () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** Writes a whole file, private to the user, durable before it answers. `create` refuses to replace one (EEXIST). */
export function writeTextSync(path: string, text: string, how: 'create' | 'replace'): void {
  const draft = `${path}.${randomBytes(8).toString('hex')}.draft`;
  attempt(`writing ${path}`, () => {
    try {
      const file = openSync(draft, 'wx', PRIVATE_FILE);
      try {
        writeFileSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      if (how === 'replace') renameSync(draft, path);
      else linkSync(draft, path);
    } finally {
      removeSync(draft);
    }
  });
  syncFolderSync(dirname(path));
}

function removeSync(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function syncFolderSync(folder: string): void {
  attempt(`syncing ${folder}`, () => {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  });
}

function attempt<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw diskFault(error, doing);
  }
}
