import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DriverLine, DriverScript } from './store-driver.ts';

/** What is done to which call. `path`: only calls on this file count; null: calls of the system call on anything. */
export type Injection = {
  readonly syscall: string;
  readonly path: string | null;
  /** `signal=KILL` or `error=ENOSPC` */
  readonly action: string;
  /** as strace counts, per thread: `12`, `12+`, `12..21` */
  readonly when: string;
};

export type TracedRun = {
  /** the process was ended by SIGKILL (exit 137 of a shell) */
  readonly isKilled: boolean;
  readonly exitCode: number | null;
  readonly lines: readonly DriverLine[];
  /** lines of the trace */
  readonly trace: readonly string[];
  readonly stderr: string;
};

/** Calls that change files. A `?` before a name: not every machine has it. */
export const CHANGING_CALLS = [
  'fsync', 'fdatasync', 'pwrite64', 'write', 'ftruncate', 'openat', 'fchmod',
  '?rename', 'renameat', 'renameat2', '?link', 'linkat', '?unlink', 'unlinkat', '?mkdir', 'mkdirat',
] as const; // prettier-ignore
export const READING_CALLS = ['pread64', 'read'] as const;

/** A driver that takes longer has hung: it plays a few dozen calls. */
const TIMEOUT_MS = 60_000;

const isSource = import.meta.url.endsWith('.ts');
const driver = fileURLToPath(new URL(isSource ? './store-driver.ts' : './store-driver.js', import.meta.url));

/** Runs a driver below strace. `scratch` is a folder of this run alone, outside of the faulted one; `cache` is shared. */
export async function traceDriver(script: DriverScript, o: { readonly scratch: string; readonly cache: string; readonly injection?: Injection; readonly trace?: readonly string[] }): Promise<TracedRun> {
  const file = (name: string): string => join(o.scratch, name);
  writeFileSync(file('script.json'), JSON.stringify(script));
  const { injection } = o;
  const selected = injection === undefined ? (o.trace ?? CHANGING_CALLS) : [injection.syscall];
  // no contents of buffers: what is written could look like a path
  const args = ['-f', '-qq', '-y', '-s', '0', '-o', file('trace'), '-E', 'UV_THREADPOOL_SIZE=1', '-E', `NODE_COMPILE_CACHE=${o.cache}`, '-e', `trace=${selected.join(',')}`];
  if (injection !== undefined) args.push('-e', `inject=${injection.syscall}:${injection.action}:when=${injection.when}`);
  // of the calls that are not looked at, strace then hears nothing; but signals get lost that way (strace 6.1)
  if (injection?.action.startsWith('signal=') !== true) args.push('--seccomp-bpf');
  if (typeof injection?.path === 'string') args.push('-P', injection.path);
  args.push(process.execPath, '--v8-pool-size=0', ...(isSource ? ['--conditions=source'] : []), driver, file('script.json'));
  const ended = await run('strace', args, file('log'), file('stderr'));
  const text = (name: string): string => readFileSync(file(name), 'utf8');
  return { ...ended, lines: linesOf(text('log')), trace: text('trace').split('\n'), stderr: text('stderr') };
}

/** Whole lines only: the last one may have been cut by the kill, and then nobody was told. */
function linesOf(log: string): DriverLine[] {
  return log
    .slice(0, log.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DriverLine);
}

function run(command: string, args: readonly string[], out: string, err: string): Promise<{ readonly isKilled: boolean; readonly exitCode: number | null }> {
  rmSync(out, { force: true });
  const fds = [openSync(out, 'a'), openSync(err, 'w')] as const;
  return new Promise((resolve, reject) => {
    // a group of its own: strace and what it traces are ended together
    const child = spawn(command, args, { stdio: ['ignore', ...fds], detached: true });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, TIMEOUT_MS);
    const finish = (): void => {
      clearTimeout(timer);
      for (const fd of fds) closeSync(fd);
    };
    child.on('error', (error) => {
      finish();
      reject(new Error(`strace cannot be started: install it (tools/ci/tools.sh does)`, { cause: error }));
    });
    child.on('exit', (exitCode, signal) => {
      finish();
      resolve({ exitCode: isLate ? -1 : exitCode, isKilled: signal === 'SIGKILL' && !isLate });
    });
  });
}
