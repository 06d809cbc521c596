import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isCliError, CliError } from '../cli-error.ts';
import type { CliSettings } from '../config.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import type { Screen } from '../screen.ts';
import { startConductor } from './child.ts';
import type { ConductorChild } from './child.ts';
import { answers, findConductor } from './presence.ts';
import { tokenIn } from './token.ts';

/** Which conductor a verb speaks to: the one of a data folder, or one at an address. */
export type Where = {
  readonly data?: string | undefined;
  readonly url?: string | undefined;
  readonly workspace?: string | undefined;
};

/** A command to try next that reaches the same conductor. */
export function commandFor(verb: string, { data, url }: Where): string {
  const place = url === undefined ? (data === undefined ? '' : ` --data ${data}`) : ` --url ${url}`;
  return `${PROGRAM} ${verb}${place}`;
}

/** A conductor to speak to, found or started. */
export type Session = {
  readonly url: string;
  /** undefined: a conductor elsewhere, whose folder is not ours to read */
  readonly dataDir: string | undefined;
  /** it was started for this command and ends with it: a run that it leaves open waits for the next one */
  readonly isOwn: boolean;
  /** what the conductor asks of every request, where it asks for anything */
  readonly token: string | undefined;
  /** Looks for a conductor again after the connection broke; another command may have ended the one that it had started. */
  renew(): Promise<void>;
  /** Ends the conductor where this session started it; idempotent. */
  close(): Promise<void>;
};

/** Another command has just started a conductor on the folder: how often and how long to look for it. */
const ATTACH_TRIES = 100;
const ATTACH_STEP_MS = 100;

/** Finds or starts a conductor. CliError (exit code 6): none answers or starts. */
export async function openSession(where: Where, settings: CliSettings, screen: Screen): Promise<Session> {
  const address = where.url ?? (where.data === undefined ? settings.url : undefined);
  if (address !== undefined) return remoteSession(address, settings.token);
  const dataDir = resolveDataDir(where, settings);
  const workspaceDir = where.workspace === undefined ? undefined : resolve(settings.cwd, where.workspace);
  let held = await attach(dataDir, workspaceDir, settings, screen);
  return {
    get url() {
      return held.url;
    },
    dataDir,
    get isOwn() {
      return held.child !== undefined;
    },
    get token() {
      return tokenIn(dataDir);
    },
    async renew() {
      await held.child?.stop();
      held = await attach(dataDir, workspaceDir, settings, screen);
    },
    async close() {
      await held.child?.stop();
    },
  };
}

/** Absolute path of the data folder that a verb works on. */
export function resolveDataDir({ data }: Where, { cwd, dataDir }: CliSettings): string {
  return resolve(cwd, data ?? dataDir);
}

async function remoteSession(address: string, token: string | undefined): Promise<Session> {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new CliError(EXIT.usage, 'URL_INVALID', `${address} is not an address such as http://127.0.0.1:4747`);
  }
  const url = new URL(address).origin;
  const check = async (): Promise<void> => {
    if (await answers(url)) return;
    throw new CliError(EXIT.noConductor, 'CONDUCTOR_UNREACHABLE', `no conductor answers at ${url}`, [
      `${PROGRAM} up`,
      'leave --url out to use the conductor of the data folder',
    ]);
  };
  await check();
  return { url, dataDir: undefined, isOwn: false, token, renew: check, close: async () => undefined };
}

type Held = { readonly url: string; readonly child: ConductorChild | undefined };

async function attach(dataDir: string, workspaceDir: string | undefined, { environment }: CliSettings, screen: Screen): Promise<Held> {
  const found = await findConductor(dataDir);
  if (found !== undefined) {
    screen.note(screen.paintNote('faint', `conductor  attached to pid ${found.pid} at ${found.url}`));
    return { url: found.url, child: undefined };
  }
  screen.note(screen.paintNote('faint', `conductor  starting on ${dataDir} …`));
  const startedMs = performance.now();
  try {
    const child = await startConductor({ dataDir, workspaceDir, port: 0, environment });
    const tookMs = Math.round(performance.now() - startedMs);
    screen.note(screen.paintNote('faint', `conductor  ready after ${tookMs} ms at ${child.url} (log: ${child.logPath})`));
    return { url: child.url, child };
  } catch (error) {
    if (!isCliError(error) || error.code !== 'STORE_IN_USE') throw error;
    return attachToOther(dataDir, error);
  }
}

/** The folder is held, so its conductor is starting right now, or it hangs. */
async function attachToOther(dataDir: string, inUse: CliError): Promise<Held> {
  for (let attempt = 0; attempt < ATTACH_TRIES; attempt++) {
    const found = await findConductor(dataDir);
    if (found !== undefined) return { url: found.url, child: undefined };
    await delay(ATTACH_STEP_MS);
  }
  throw inUse;
}
