import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What /proc says of a process. Anonymous memory is its own; the rest are pages of files that the system may drop. */
export type ProcessSample = {
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  readonly files: number;
  readonly sockets: number;
};

const KIB = 1_024;

/** Throws where there is no such process. */
export function sampleProcess(pid: number): ProcessSample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN) * KIB;
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => targetOf(`/proc/${pid}/fd/${fd}`));
  const sockets = targets.filter((target) => target.startsWith('socket:')).length;
  return { rssBytes: field('VmRSS'), anonymousBytes: field('RssAnon'), files: targets.length - sockets, sockets };
}

/** Bytes of all files below a folder whose names end so; one that goes away meanwhile counts nothing. */
export function folderBytes(folder: string, ending = ''): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith(ending));
  return files.reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed since the folder was read
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
