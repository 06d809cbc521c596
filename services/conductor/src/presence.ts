import { readFileSync, rmSync } from 'node:fs';
import { Fault, isFault } from '@maestro/ports';
import { replaceFile } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';

/** How others find the conductor that holds a data folder: `conductor.json`. */
export type Presence = { readonly pid: number; readonly url: string; readonly startedAt: string; readonly version: string };

export function announce({ presence: path }: DataFolder, presence: Presence): void {
  replaceFile(path, `${JSON.stringify(presence)}\n`);
}

export function withdraw({ presence }: DataFolder): void {
  rmSync(presence, { force: true });
}

/** What was announced; it may be a leftover of a process that was killed. Undefined: nothing, or nothing readable. */
export function readPresence({ presence }: DataFolder): Presence | undefined {
  try {
    const { pid, url, startedAt, version } = JSON.parse(readFileSync(presence, 'utf8')) as Partial<Presence>;
    const isWhole = Number.isInteger(pid) && typeof url === 'string' && URL.canParse(url);
    return isWhole ? { pid: pid as number, url: url as string, startedAt: String(startedAt), version: String(version) } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there is such a process; another user's counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { readonly code?: unknown }).code === 'EPERM';
  }
}

/** A refusal because the folder is held names its holder; everything else passes as it is. */
export function namingHolder(folder: DataFolder, error: unknown): unknown {
  if (!isFault(error, 'STORE_IN_USE')) return error;
  const holder = readPresence(folder);
  const who = holder === undefined || !isAlive(holder.pid) ? 'another process, which does not serve yet or is ending' : `pid ${holder.pid}, which serves at ${holder.url} since ${holder.startedAt}`;
  return new Fault('STORE_IN_USE', `${folder.dir} is held by ${who}: use that one, end it, or choose another --data folder`, { cause: error });
}
