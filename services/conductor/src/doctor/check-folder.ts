import { accessSync, chmodSync, constants, existsSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isFault } from '@maestro/ports';
import { readToken } from '../access-token.ts';
import type { Config } from '../config.ts';
import { LAYOUT_VERSION, checkLayoutVersion, readLayoutVersion, refusing } from '../data-folder.ts';
import type { DataFolder } from '../data-folder.ts';
import { isAlive, readPresence } from '../presence.ts';
import { broken, fine, problem, skipped, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** Below the first a start is likely to fail; below the second somebody should act. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;
const FREE_BYTES_WARN = 1024 * 1024 * 1024;

/** Whether there is anything to look at in the folder. */
export function hasFolder({ dir }: DataFolder): boolean {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Folder, layout, space, and who may read it. */
export function checkFolder(folder: DataFolder): readonly Finding[] {
  const { dir } = folder;
  try {
    const stats = refusing(dir, () => statSync(dir, { throwIfNoEntry: false }));
    if (stats === undefined) return [fine('data-folder', `${dir} does not exist yet; the first start makes it`)];
    if (!stats.isDirectory()) return [problem('data-folder', `${dir} is no folder`, 'choose another folder with --data')];
    refusing(dir, () => accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK));
    const layout = refusing(dir, () => readLayoutVersion(folder));
    if (layout !== undefined) checkLayoutVersion(dir, layout);
    if (existsSync(folder.importing)) return [problem('data-folder', `an import into ${dir} was not finished`, 'run the same import again: it goes on where it was, and no start takes the folder before')];
    return [fine('data-folder', `${dir}, layout ${layout ?? LAYOUT_VERSION}`), checkModes(folder, stats.mode), checkSpace(dir)];
  } catch (error) {
    if (!isFault(error)) throw error;
    return [broken('data-folder', error, 'see above')];
  }
}

function checkModes({ dir, keys }: DataFolder, mode: number): Finding {
  const isOpen = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) % 0o100 !== 0;
  const files = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isFile());
  // folders below are closed by the one above them
  const secret = existsSync(keys) ? readdirSync(keys, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? join(entry.parentPath, entry.name) : [])) : [];
  const open = [...((mode & 0o077) === 0 ? [] : [dir]), ...files.map(({ name }) => join(dir, name)).filter(isOpen), ...secret.filter(isOpen)];
  if (open.length === 0) return fine('file-modes', 'private to the user');
  const mend = async (): Promise<void> => {
    for (const path of open) chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  };
  return problem('file-modes', `${open.length} files or folders can be used by others`, 'take the rights of others away: chmod go-rwx', { items: open, repair: { what: 'took the rights of others away', mend } });
}

function checkSpace(dir: string): Finding {
  const { bavail, bsize } = statfsSync(dir);
  return spaceFinding(dir, bavail * bsize);
}

/** What so much free space means. */
export function spaceFinding(dir: string, freeBytes: number): Finding {
  const free = `${Math.floor(freeBytes / 1_048_576)} MiB free`;
  if (freeBytes < FREE_BYTES_MIN) return problem('disk-space', free, `free space where ${dir} lies: without it nothing is accepted any more`);
  return freeBytes < FREE_BYTES_WARN ? warning('disk-space', free, `free space where ${dir} lies before it runs out`) : fine('disk-space', free);
}

/** The token of the folder, where one is asked for. */
export function checkToken({ token }: DataFolder, { auth, host }: Config): Finding {
  try {
    const found = readToken(token);
    if (auth === 'none') return fine('access', `${host} without login${found === undefined ? '' : '; the token of the folder is not asked for'}`);
    return fine('access', found === undefined ? 'by token; the next start makes it' : 'by the token of the folder');
  } catch (error) {
    return broken('access', error, `delete ${token}; the next start makes a new one, and clients read it by themselves`);
  }
}

/** A conductor that was asked. */
export type RunningConductor = { readonly pid: number; readonly url: string };

/** Whether a conductor holds the folder, and what it says about itself. */
export async function findRunning(folder: DataFolder): Promise<{ readonly running: RunningConductor | undefined; readonly findings: readonly Finding[] }> {
  const presence = readPresence(folder);
  if (presence === undefined) return { running: undefined, findings: [fine('conductor', 'none runs on this folder')] };
  const { pid, url, startedAt } = presence;
  if (!isAlive(pid)) {
    const repair = { what: `removed ${folder.presence}`, mend: async () => rmSync(folder.presence, { force: true }) };
    return { running: undefined, findings: [warning('conductor', `pid ${pid} is gone and left ${folder.presence} behind; what was acknowledged is on disk`, 'none: the next start goes on where it was', { repair })] };
  }
  return { running: { pid, url }, findings: await askConductor(folder, { pid, url, startedAt }) };
}

const ANSWER_TIMEOUT_MS = 5_000;
type Readiness = { readonly ready: boolean; readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[] };

async function askConductor(folder: DataFolder, { pid, url, startedAt }: RunningConductor & { readonly startedAt: string }): Promise<readonly Finding[]> {
  const who = `pid ${pid} at ${url}, since ${startedAt}`;
  try {
    const answer = await fetch(new URL('/readyz', url), { headers: tokenHeader(folder), signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    if (answer.status !== 200 && answer.status !== 503) return [problem('conductor', `${who}, answers ${answer.status}`, 'look at the end of conductor.log in the data folder')];
    const { ready, checks } = (await answer.json()) as Readiness;
    const troubles = await troublesOf(folder, url);
    const items = checks.map(({ name, ok, detail }) => `${name}: ${ok ? 'ok' : 'NOT OK'}, ${detail}`);
    const own = ready ? fine('conductor', `${who}, is ready`, items) : problem('conductor', `${who}, is not ready`, 'look at the items that are not ok, and at conductor.log in the data folder', { items });
    return troubles.length === 0 ? [own] : [own, warning('metrics', 'its metrics count what should not be', 'look at conductor.log for the streams and runs; end the conductor and ask again to see each', { items: troubles })];
  } catch (error) {
    return [problem('conductor', `${who}, does not answer (${(error as Error).message})`, `look at conductor.log in the data folder; end it with kill ${pid} if it hangs`)];
  }
}

/** Metrics that are 0, or absent, where nothing is wrong. */
const TROUBLES = /^(mc_quarantined_streams|mc_parked_work|mc_receipt_verifications_total\{result="(?!verified")\w+"\}) [1-9].*$/gm;

async function troublesOf(folder: DataFolder, url: string): Promise<readonly string[]> {
  const answer = await fetch(new URL('/metrics', url), { headers: tokenHeader(folder), signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  return (await answer.text()).match(TROUBLES) ?? [];
}

function tokenHeader({ token }: DataFolder): Record<string, string> {
  try {
    const found = readToken(token);
    return found === undefined ? {} : { authorization: `Bearer ${found}` };
  } catch {
    // told by the check of the token
    return {};
  }
}

/** For checks that need the folder for themselves. */
export function heldBy(check: string, running: RunningConductor): Finding {
  return skipped(check, `pid ${running.pid} holds the folder; end it to look at this`);
}
