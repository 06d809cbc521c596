import { constants, existsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { TaskError } from './task-error.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;
/** Linux reaches an open folder by its descriptor; elsewhere a path has to do. */
const BY_DESCRIPTOR = existsSync('/proc/self/fd');

/** An open folder. What is done below `anchor` is done in this very folder, whatever its path leads to by then. */
export type OpenFolder = { readonly anchor: string; close(): Promise<void> };

/** How a refusal is told: `forbidden` for a folder outside, `failed` for an error of the system. */
export type Refusals = { readonly forbidden: () => TaskError; readonly failed: (error: unknown) => never };

/**
 * Opens the folder that `segments` lead to, below `root`, itself a resolved path.
 * F1. One folder at a time, each reached through the one before, which is open: a folder that is swapped for a link
 *     meanwhile is either the old one or is judged as the link that it is.
 * F2. A link may be followed; the folder that it led to is judged by where it is, after it was opened.
 * F3. With `make`, what is missing is made, and never in a folder that was not judged.
 */
export async function openWorkspaceFolder(root: string, segments: readonly string[], make: boolean, on: Refusals): Promise<OpenFolder> {
  let handle = await open(root, FOLDER).catch(on.failed);
  let anchor = await placeOf(handle, root);
  try {
    for (const segment of segments) {
      const path = join(anchor, segment);
      if (make) await mkdir(path).catch((error: unknown) => unlessExisting(error, on));
      const next = await open(path, FOLDER).catch(on.failed);
      const before = handle;
      handle = next;
      await before.close();
      anchor = await placeOf(handle, path);
      if (!isWithin(root, BY_DESCRIPTOR ? await readlink(anchor) : anchor)) throw on.forbidden();
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { anchor, close: () => handle.close() };
}

async function placeOf(handle: FileHandle, path: string): Promise<string> {
  return BY_DESCRIPTOR ? `/proc/self/fd/${handle.fd}` : realpath(path);
}

function isWithin(root: string, place: string): boolean {
  return place === root || place.startsWith(root.endsWith(sep) ? root : root + sep);
}

function unlessExisting(error: unknown, on: Refusals): void {
  if ((error as { code?: unknown }).code !== 'EEXIST') on.failed(error);
}
