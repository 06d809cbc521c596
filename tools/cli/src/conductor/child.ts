import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, readSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { INSTALLED } from '../install-paths.ts';

/** A conductor that this process started and has to end. */
export type ConductorChild = {
  readonly pid: number;
  readonly url: string;
  /** the only folder that its tasks may read and write */
  readonly workspaceDir: string;
  readonly logPath: string;
  /** ends with the child, however it ended; the exit code, or null where a signal ended it */
  readonly ended: Promise<number | null>;
  /** asks it to end and waits; idempotent */
  stop(): Promise<void>;
};

export type ChildOptions = {
  readonly dataDir: string;
  /** undefined: as the configuration says */
  readonly workspaceDir: string | undefined;
  /** 0: any free one; undefined: as the configuration says */
  readonly port: number | undefined;
  /** further flags of the conductor */
  readonly more?: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** Milliseconds from the request to end until it is killed; a conductor needs some to finish commits. */
const STOP_GRACE_MS = 15_000;
const READY_TIMEOUT_MS = 60_000;
/** bytes of the log's end that are searched for the reason of a failed start */
const LOG_TAIL_BYTES = 65_536;

/**
 * Starts a conductor on a data folder and waits until it serves. Its log goes to `<data>/conductor.log`; it ends when
 * this process does, however that happens. CliError with exit code 6 and the conductor's own code: it could not start.
 */
export async function startConductor({ dataDir, workspaceDir, port, more = [], environment }: ChildOptions): Promise<ConductorChild> {
  if (!existsSync(INSTALLED.conductor))
    throw new CliError(EXIT.noConductor, 'NOT_BUILT', 'the conductor is not built yet', ['./maestro build']);
  const logPath = join(dataDir, 'conductor.log');
  const log = openLog(dataDir, logPath);
  const args = [
    INSTALLED.conductor,
    '--data',
    dataDir,
    ...(workspaceDir === undefined ? [] : ['--workspace', workspaceDir]),
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...more,
    '--exit-with-parent',
  ];
  const env = { NODE_COMPILE_CACHE: INSTALLED.compileCache, ...environment };
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', log.fd], env });
  closeSync(log.fd);
  // a child that is gone cannot take the end of its standard input
  child.stdin?.on('error', () => undefined);
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  const stop = (): Promise<void> => stopChild(child, ended);
  try {
    const announced = await ready(child.stdout as Readable, ended);
    if (announced === undefined) throw startFailure(logPath, log.sizeBytes, child.exitCode);
    return { pid: child.pid ?? 0, ...announced, logPath, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The codes of the conductor, which cannot tell them yet. */
const REFUSALS: { readonly [errno: string]: string } = {
  ENOTDIR: 'DATA_FOLDER_INVALID',
  EEXIST: 'DATA_FOLDER_INVALID',
  EACCES: 'DATA_FOLDER_DENIED',
  EPERM: 'DATA_FOLDER_DENIED',
  EROFS: 'DATA_FOLDER_READ_ONLY',
  ENOSPC: 'DATA_FOLDER_FULL',
  EDQUOT: 'DATA_FOLDER_FULL',
};

/** Node says ENOENT where a folder above takes no new ones: asked again, that one tells why. */
function errnoOf(error: unknown, dataDir: string): string {
  const errno = String((error as { readonly code?: unknown }).code);
  if (errno !== 'ENOENT') return errno;
  let above = dirname(dataDir);
  while (!existsSync(above)) above = dirname(above);
  try {
    accessSync(above, constants.W_OK);
    return errno;
  } catch (refused) {
    return String((refused as { readonly code?: unknown }).code);
  }
}

/** Code of a data folder in which not even a log can be begun. */
export function folderCode(error: unknown, dataDir: string): string {
  return REFUSALS[errnoOf(error, dataDir)] ?? 'DATA_FOLDER';
}

function openLog(dataDir: string, path: string): { readonly fd: number; readonly sizeBytes: number } {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const fd = openSync(path, 'a', 0o600);
    return { fd, sizeBytes: fstatSync(fd).size };
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(
      EXIT.noConductor,
      folderCode(error, dataDir),
      `the data folder ${dataDir} cannot be used: ${message}`,
      ['choose another folder with --data DIR'],
      error,
    );
  }
}

/** What the child says once it serves. */
type Announced = Pick<ConductorChild, 'url' | 'workspaceDir'>;

/** Undefined: it ended before it served. */
async function ready(stdout: Readable, ended: Promise<unknown>): Promise<Announced | undefined> {
  const lines = createInterface({ input: stdout });
  const announced = new Promise<Announced>((resolve) => {
    lines.on('line', (line) => {
      const found = announcementIn(line);
      if (found !== undefined) resolve(found);
    });
  });
  const patience = new AbortController();
  const tooLong = new Promise<never>((_, reject) => {
    const fail = (): void =>
      reject(
        new CliError(EXIT.noConductor, 'START_TIMEOUT', `the conductor did not get ready within ${READY_TIMEOUT_MS / 1_000} s`),
      );
    const timer = setTimeout(fail, READY_TIMEOUT_MS);
    patience.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    return await Promise.race([announced, ended.then(() => undefined), tooLong]);
  } finally {
    patience.abort();
  }
}

/** Only the line of readiness counts; anything else on standard output is passed over. */
function announcementIn(line: string): Announced | undefined {
  try {
    const { ready: isReady, url, workspaceDir } = JSON.parse(line) as { readonly [name: string]: unknown };
    return isReady === true && typeof url === 'string' ? { url, workspaceDir: String(workspaceDir) } : undefined;
  } catch {
    return undefined;
  }
}

function startFailure(logPath: string, fromByte: number, exitCode: number | null): CliError {
  const { code, detail } = reasonIn(tailOf(logPath, fromByte)) ?? fullDisk(logPath) ?? {
    code: 'START_FAILED',
    detail: `the conductor ended with code ${exitCode ?? 'of a signal'} before it was ready`,
  };
  return new CliError(EXIT.noConductor, code, detail, [`look at the end of ${logPath}`]);
}

/** On a full disk the log cannot hold the reason either. */
function fullDisk(logPath: string): { readonly code: string; readonly detail: string } | undefined {
  const folder = dirname(logPath);
  if (statfsSync(folder).bavail > 0) return undefined;
  return { code: 'DATA_FOLDER_FULL', detail: `no space is left where ${folder} lies: free space, then start again` };
}

function tailOf(path: string, fromByte: number): string {
  const fd = openSync(path, 'r');
  try {
    const start = Math.max(fromByte, fstatSync(fd).size - LOG_TAIL_BYTES);
    const bytes = Buffer.alloc(LOG_TAIL_BYTES);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, LOG_TAIL_BYTES, start));
  } finally {
    closeSync(fd);
  }
}

/** Last line `maestro: <CODE>: <what and what to do>` of a log. */
export function reasonIn(log: string): { readonly code: string; readonly detail: string } | undefined {
  const found = [...log.matchAll(/^maestro: ([A-Z][A-Z0-9_]*): (.*)$/gm)].at(-1);
  return found === undefined ? undefined : { code: found[1] as string, detail: found[2] as string };
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await ended.catch(() => undefined);
  clearTimeout(timer);
}
