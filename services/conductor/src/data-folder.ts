import * as nodeFiles from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault, isFault } from '@maestro/ports';
import type { FaultCode } from '@maestro/ports';

/** Raised when the layout of the folder changes; a folder of a newer release is refused. */
export const LAYOUT_VERSION = 1;

/** Where things lie in a data folder. */
export type DataFolder = {
  readonly dir: string;
  readonly version: string;
  readonly events: string;
  readonly processState: string;
  readonly views: string;
  readonly evidence: string;
  readonly keys: string;
  readonly dataKeys: string;
  readonly token: string;
  readonly presence: string;
  /** there while an import into the folder is not done */
  readonly importing: string;
  /** there once somebody accepted that acknowledged events are gone */
  readonly acceptedLosses: string;
};

/** The file calls of a start; tests hand in ones that fail. */
export type Files = Pick<typeof nodeFiles, 'accessSync' | 'mkdirSync' | 'chmodSync' | 'readFileSync' | 'writeFileSync' | 'renameSync'>;

/** Paths only; touches nothing. */
export function pathsOf(dir: string): DataFolder {
  return {
    dir,
    version: join(dir, 'version'),
    events: join(dir, 'events.db'),
    processState: join(dir, 'state.db'),
    views: join(dir, 'views.db'),
    evidence: join(dir, 'evidence'),
    keys: join(dir, 'keys'),
    dataKeys: join(dir, 'keys', 'vault'),
    token: join(dir, 'token'),
    presence: join(dir, 'conductor.json'),
    importing: join(dir, 'importing'),
    acceptedLosses: join(dir, 'accepted-losses.json'),
  };
}

/**
 * Makes the folder private to the user, and refuses one that cannot be used, each for its own reason.
 * Faults: DATA_FOLDER_INVALID, DATA_FOLDER_DENIED, DATA_FOLDER_READ_ONLY, DATA_FOLDER_FULL, STORE_NEWER.
 */
export function openDataFolder(dir: string, files: Files = nodeFiles): DataFolder {
  const folder = pathsOf(dir);
  refusing(dir, () => {
    makeFolder(dir, files);
    files.chmodSync(dir, 0o700);
    const found = readLayoutVersion(folder, files);
    if (found !== undefined) checkLayoutVersion(dir, found);
    refuseHalfImported(folder);
    // written at every start: a folder that takes no more is refused now, not by the first command
    replaceFile(folder.version, `${LAYOUT_VERSION}\n`, files);
  });
  return folder;
}

/** Fault DATA_FOLDER_INVALID: what is there is only the beginning of a history. */
export function refuseHalfImported({ dir, importing }: DataFolder): void {
  if (nodeFiles.existsSync(importing)) throw new Fault('DATA_FOLDER_INVALID', `an import into ${dir} was not finished: run the same import again, it goes on where it was`);
}

/** Node says ENOENT where a folder above takes no new ones: asked again, that one tells why. */
function makeFolder(dir: string, files: Files): void {
  try {
    files.mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    let above = dirname(dir);
    while (!nodeFiles.existsSync(above)) above = dirname(above);
    files.accessSync(above, nodeFiles.constants.W_OK);
    throw error;
  }
}

/** Layout of a folder as its `version` file says; undefined: none yet. NaN: it says nothing known. */
export function readLayoutVersion({ version }: DataFolder, files: Pick<Files, 'readFileSync'> = nodeFiles): number | undefined {
  try {
    const text = files.readFileSync(version, 'utf8').trim();
    return /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Faults: STORE_NEWER, DATA_FOLDER_INVALID. */
export function checkLayoutVersion(dir: string, found: number): void {
  if (found > LAYOUT_VERSION) {
    throw new Fault('STORE_NEWER', `${dir} was written by a newer release (layout ${found}, this one knows ${LAYOUT_VERSION}): upgrade, or use another --data folder`);
  }
  if (Number.isNaN(found)) throw new Fault('DATA_FOLDER_INVALID', `${dir}/version holds no layout number: restore it from a backup, or write "${LAYOUT_VERSION}" where this release made the folder`);
}

const REFUSALS: { readonly [errno: string]: readonly [FaultCode, string] } = {
  ENOTDIR: ['DATA_FOLDER_INVALID', 'a part of the path is a file'],
  EEXIST: ['DATA_FOLDER_INVALID', 'there is a file of this name'],
  ELOOP: ['DATA_FOLDER_INVALID', 'the path is a circle of links'],
  ENAMETOOLONG: ['DATA_FOLDER_INVALID', 'the path is too long'],
  ENOENT: ['DATA_FOLDER_INVALID', 'no folder can be made there'],
  EISDIR: ['DATA_FOLDER_INVALID', 'a folder lies where a file of the program belongs'],
  EACCES: ['DATA_FOLDER_DENIED', 'this user may not use it'],
  EPERM: ['DATA_FOLDER_DENIED', 'this user may not use it'],
  EROFS: ['DATA_FOLDER_READ_ONLY', 'its file system is mounted read-only'],
  ENOSPC: ['DATA_FOLDER_FULL', 'no space is left where it lies'],
  EDQUOT: ['DATA_FOLDER_FULL', 'the quota of this user is used up'],
};

const ADVICE: { readonly [code in FaultCode]?: string } = {
  DATA_FOLDER_INVALID: 'choose another folder with --data',
  DATA_FOLDER_DENIED: 'give it to this user (chown), or choose another folder with --data',
  DATA_FOLDER_READ_ONLY: 'mount it writable, or choose another folder with --data',
  DATA_FOLDER_FULL: 'free space, then start again, or choose another folder with --data',
};

/** What an errno means for whoever chose the folder; other errors pass as they are. */
export function refusing<T>(dir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const refusal = REFUSALS[errnoOf(error) ?? ''];
    if (isFault(error) || refusal === undefined) throw error;
    const [code, why] = refusal;
    throw new Fault(code, `the data folder ${dir} cannot be used: ${why} (${errnoOf(error)}); ${ADVICE[code]}`, { cause: error });
  }
}

/** Whole or not at all, and private to the user. */
export function replaceFile(path: string, text: string, files: Pick<Files, 'writeFileSync' | 'renameSync'> = nodeFiles): void {
  files.writeFileSync(`${path}.new`, text, { mode: 0o600 });
  files.renameSync(`${path}.new`, path);
}

function errnoOf(error: unknown): string | undefined {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
