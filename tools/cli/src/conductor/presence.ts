import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The conductor that holds a data folder, as it announced itself. */
export type Presence = { readonly pid: number; readonly url: string; readonly startedAt: string; readonly version: string };

/** Milliseconds that a conductor on this machine may take to say that it lives. */
const HEALTH_TIMEOUT_MS = 2_000;

/** The living conductor of a data folder; undefined: there is none, or what is announced is a leftover. */
export async function findConductor(dataDir: string): Promise<Presence | undefined> {
  const announced = parsePresence(await readFile(join(dataDir, 'conductor.json'), 'utf8').catch(() => ''));
  if (announced === undefined || !isAlive(announced.pid)) return undefined;
  return (await answers(announced.url)) ? announced : undefined;
}

/** Whether something at this address answers as a conductor does. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    return response.ok && (await response.text()).trim() === 'ok';
  } catch {
    return false;
  }
}

function parsePresence(text: string): Presence | undefined {
  try {
    const { pid, url, startedAt, version } = JSON.parse(text) as { readonly [key: string]: unknown };
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof url !== 'string' || !URL.canParse(url))
      return undefined;
    return { pid, url, startedAt: String(startedAt), version: String(version) };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // the process of another user is alive, too
    return (error as { readonly code?: unknown }).code === 'EPERM';
  }
}
