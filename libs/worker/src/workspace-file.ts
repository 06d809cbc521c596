import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { isAbsolute, join, win32 } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { PackageContext } from './define-package.ts';
import { TaskError } from './task-error.ts';
import { openWorkspaceFolder } from './workspace-folder.ts';
import type { OpenFolder } from './workspace-folder.ts';

// The rule: a task reaches regular files under `settings.workspaceDir` and nothing else. Its parents may be links as
// long as they end inside; the file itself may not be one. Folders are held open while they are used, so that none can
// be swapped for a link between check and use.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK; // NONBLOCK: a FIFO must not hang the open
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** JSON Schema of a path inside the workspace, for input schemas. */
export const WORKSPACE_PATH_SCHEMA = { type: 'string', minLength: 1, maxLength: 1024 } as const;

/**
 * Opens a regular file of the workspace for reading; the caller closes it. `path` is relative.
 * Throws TaskError WORKSPACE_MISSING, PATH_FORBIDDEN, FILE_NOT_FOUND, FILE_NOT_REGULAR; none is retryable.
 */
export async function openWorkspaceFile(context: Pick<PackageContext, 'settings'>, path: string): Promise<FileHandle> {
  const { folder, name } = await locate(context, path, false);
  const opening = open(join(folder.anchor, name), READ).catch((error: unknown) => refuse(path, error));
  const file = await opening.finally(() => folder.close());
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new TaskError('FILE_NOT_REGULAR', `"${path}" is not a regular file`);
}

/**
 * Reads a whole file of at most `maxBytes`; FILE_TOO_LARGE beyond. The bound holds for a file that grows meanwhile.
 */
export async function readWorkspaceFile(
  context: Pick<PackageContext, 'settings'>,
  path: string,
  maxBytes: number,
): Promise<Buffer> {
  const file = await openWorkspaceFile(context, path);
  try {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 })) {
      sizeBytes += (chunk as Buffer).byteLength;
      if (sizeBytes > maxBytes) throw new TaskError('FILE_TOO_LARGE', `"${path}" is larger than ${maxBytes} bytes`);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

/**
 * Writes a file of the workspace atomically: readers see the old bytes or the new, never a part. Parent folders are
 * made. A link in the file's place is replaced, not followed. Idempotent. Errors as `openWorkspaceFile`.
 */
export async function writeWorkspaceFile(
  context: Pick<PackageContext, 'settings'>,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const { folder, name } = await locate(context, path, true);
  try {
    await replaceFile(folder.anchor, name, path, bytes);
  } finally {
    await folder.close();
  }
}

async function replaceFile(anchor: string, name: string, path: string, bytes: Uint8Array): Promise<void> {
  const target = join(anchor, name);
  const existing = await lstat(target).catch(() => null);
  if (existing?.isDirectory() === true) throw new TaskError('FILE_NOT_REGULAR', `"${path}" is a folder`);
  const draft = join(anchor, `.${name.slice(0, 100)}.${randomUUID()}.tmp`);
  try {
    const file = await open(draft, CREATE, 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    refuse(path, error);
  }
}

/** The folder of `path`, open and proven to lie inside, and the name in it; the file itself may not exist. The caller closes the folder. */
async function locate(
  context: Pick<PackageContext, 'settings'>,
  path: string,
  makeParents: boolean,
): Promise<{ readonly folder: OpenFolder; readonly name: string }> {
  const dir = context.settings['workspaceDir'];
  if (typeof dir !== 'string' || !isAbsolute(dir)) {
    throw new TaskError(
      'WORKSPACE_MISSING',
      'this deployment gives tasks no workspace; set workspaceDir to an absolute path',
    );
  }
  const segments = segmentsOf(path);
  const root = await realpath(dir).catch(() => {
    throw new TaskError('WORKSPACE_MISSING', 'the workspace folder of this deployment does not exist; create it');
  });
  const on = { forbidden: () => forbidden(path), failed: (error: unknown) => refuse(path, error) };
  return { folder: await openWorkspaceFolder(root, segments.slice(0, -1), makeParents, on), name: segments.at(-1) as string };
}

function segmentsOf(path: string): string[] {
  const segments = path.split(/[/\\]/).filter((segment) => segment !== '' && segment !== '.');
  const bad = isAbsolute(path) || win32.isAbsolute(path) || /^[a-z]:/i.test(path) || path.includes('\0');
  if (bad || segments.length === 0 || segments.includes('..') || /[/\\]\.?$/.test(path)) throw forbidden(path);
  return segments;
}

function forbidden(path: string): TaskError {
  return new TaskError(
    'PATH_FORBIDDEN',
    `${JSON.stringify(path)} is not a path inside the workspace; give a relative path without ".."`,
  );
}

// System messages carry absolute paths of the host: only their code is passed on.
function refuse(path: string, error: unknown): never {
  const code = String((error as { code?: unknown }).code);
  if (code === 'ELOOP' || code === 'EMLINK') throw forbidden(path);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    throw new TaskError('FILE_NOT_FOUND', `"${path}" does not exist in the workspace`);
  if (code === 'EISDIR' || code === 'ENXIO') throw new TaskError('FILE_NOT_REGULAR', `"${path}" is not a regular file`);
  throw new TaskError('FILE_UNUSABLE', `"${path}" could not be used: ${code}`, {
    retryable: code === 'EMFILE' || code === 'EIO',
  });
}
