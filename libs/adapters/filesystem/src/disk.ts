import { randomBytes } from 'node:crypto';
import * as nodeFiles from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '@maestro/ports';

/** The file calls that may fail in ways that matter. Tests hand in one that fails; everybody else leaves the default. */
export type Disk = Pick<typeof nodeFiles, 'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink'>;
export const nodeDisk: Disk = nodeFiles;

export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;
/** write-once files: nobody writes them again, not even their owner by mistake */
export const SEALED_FILE = 0o444;

// Out of space or failing hardware: nothing is wrong with the call, and it works again once the disk does.
const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE']);

/** The errno of a failed file call; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Turns a full or failing disk into STORE_READ_ONLY (retryable); any other error is given back as it is. */
export function diskFault(error: unknown, doing: string): unknown {
  const code = errnoOf(error);
  if (code === undefined || !DISK_CODES.has(code)) return error;
  return new Fault('STORE_READ_ONLY', `${doing}: ${code}; free space or repair the disk, then try again`, {
    retryable: true,
    cause: error,
  });
}

/** Makes entries of a folder (new names, renames, removals) durable. */
export async function syncFolder(disk: Disk, folder: string): Promise<void> {
  const handle = await disk.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and its missing parents, private to the user, durable. Existing ones are left as they are. Faults:
 * STORE_READ_ONLY where Node answers ENOENT: it makes parents itself, so that is what it says of a disk that failed.
 */
export async function makeFolder(disk: Disk, folder: string): Promise<void> {
  const first = await disk.mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER }).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const detail = `the folder ${folder} could not be made, as the disk fails; free space or repair the disk, then try again`;
    throw new Fault('STORE_READ_ONLY', detail, { retryable: true, cause: error });
  });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(disk, dirname(made));
}

/** Writes all bytes at a position; a short write goes on where it stopped. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Reads up to `length` bytes at a position; fewer only at the end of the file. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/**
 * Writes a new file that is either complete and durable or not there: staging file, fsync, link, fsync of the folder.
 * Answers false, and changes nothing, when the name is taken. `staging` must lie on the same file system.
 */
export async function writeOnce(disk: Disk, staging: string, path: string, bytes: Uint8Array, mode: number): Promise<boolean> {
  const draft = join(staging, `draft-${randomBytes(8).toString('hex')}`);
  let linked = true;
  try {
    const handle = await disk.open(draft, 'wx', PRIVATE_FILE);
    try {
      await writeAll(handle, bytes, 0);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await disk.link(draft, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    linked = false;
  } finally {
    await disk.unlink(draft).catch(() => undefined);
  }
  // Also when the name was taken: whoever made it may have died before its own fsync.
  await syncFolder(disk, dirname(path));
  return linked;
}

/** Removes what a crash left in a staging folder. */
export async function clearStaging(disk: Disk, staging: string): Promise<void> {
  for (const name of await disk.readdir(staging)) await disk.unlink(join(staging, name));
}
