import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DriverLine, DriverScript } from './store-driver.ts';
import { callsOf, countPerThread } from './trace-calls.ts';

/** What is done to which call. `path`: only calls on this file count; null: calls of the system call on anything. */
export type Injection = {
  readonly syscall: string;
  readonly path: string | null;
  /** `kill` ends the process as a thread begins the call; `error=ENOSPC` lets the call fail */
  readonly action: string;
  /** as strace counts, per thread: `12`, `12+`, `12..21`; a kill has one number */
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
/** How long strace holds the call at which the process is killed: longer than any driver lives. */
const HELD_FOR = '120s';
const LOOK_EVERY_MS = 4;

const isSource = import.meta.url.endsWith('.ts');
const driver = fileURLToPath(new URL(isSource ? './store-driver.ts' : './store-driver.js', import.meta.url));

/** Runs a driver below strace. `scratch` is a folder of this run alone, outside of the faulted one; `cache` is shared. */
export async function traceDriver(script: DriverScript, o: { readonly scratch: string; readonly cache: string; readonly injection?: Injection; readonly trace?: readonly string[] }): Promise<TracedRun> {
  const file = (name: string): string => join(o.scratch, name);
  writeFileSync(file('script.json'), JSON.stringify(script));
  const { injection } = o;
  const selected = injection === undefined ? (o.trace ?? CHANGING_CALLS) : [injection.syscall];
  // no contents of buffers: what is written could look like a path; of calls that are not looked at, strace hears nothing
  const args = ['-f', '-qq', '-y', '-s', '0', '--seccomp-bpf', '-o', file('trace'), '-E', 'UV_THREADPOOL_SIZE=1', '-E', `NODE_COMPILE_CACHE=${o.cache}`, '-e', `trace=${selected.join(',')}`];
  // signals that strace sends get lost then (6.1): it holds the call before it is made, and the kill comes from here
  const isKill = injection?.action === 'kill';
  if (injection !== undefined) args.push('-e', `inject=${injection.syscall}:${isKill ? `delay_enter=${HELD_FOR}` : injection.action}:when=${injection.when}`);
  if (typeof injection?.path === 'string') args.push('-P', injection.path);
  args.push(process.execPath, '--v8-pool-size=0', ...(isSource ? ['--conditions=source'] : []), driver, file('script.json'));
  writeFileSync(file('trace'), '');
  const ended = await run('strace', args, file('log'), file('stderr'), () => (isKill ? heldProcess(file('trace'), Number(injection.when)) : undefined));
  const text = (name: string): string => readFileSync(file(name), 'utf8');
  return { ...ended, lines: linesOf(text('log')), trace: text('trace').split('\n'), stderr: text('stderr') };
}

/** The process of which a thread began a traced call for the nth time: strace tells of a call as it begins. */
function heldProcess(trace: string, ordinal: number): number | undefined {
  for (const [thread, count] of countPerThread(callsOf(readFileSync(trace, 'utf8').split('\n'), ''))) {
    if (count >= ordinal) return Number(/^Tgid:\s+(\d+)$/m.exec(procFile(thread, 'status'))?.[1]);
  }
  return undefined;
}

/** Empty for a process that is gone. */
function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** Of a killed process only its number may be left: its last thread has let go of all files then, and of the locks on them. */
async function untilGone(pid: number): Promise<void> {
  for (;;) {
    const fields = procFile(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
    const [state, threads] = [fields[0] ?? '', Number(fields[17])];
    if (state === '' || (state === 'Z' && threads <= 1)) return;
    await setTimeout(1);
  }
}

/** Whole lines only: the last one may have been cut by the kill, and then nobody was told. */
function linesOf(log: string): DriverLine[] {
  return log
    .slice(0, log.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DriverLine);
}

/** `victim` is asked all the while: the process that is to be killed now, and its tracer with it, or none. */
async function run(command: string, args: readonly string[], out: string, err: string, victim: () => number | undefined): Promise<{ readonly isKilled: boolean; readonly exitCode: number | null }> {
  rmSync(out, { force: true });
  const fds = [openSync(out, 'a'), openSync(err, 'w')] as const;
  // a group of its own: strace and what it traces are ended together
  const child = spawn(command, args, { stdio: ['ignore', ...fds], detached: true });
  let isLate = false;
  let killed: number | undefined;
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const looking = setInterval(() => {
    killed ??= victim();
    if (killed !== undefined) kill();
  }, LOOK_EVERY_MS);
  const timer = global.setTimeout(() => {
    isLate = true;
    kill();
  }, TIMEOUT_MS);
  try {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (killed !== undefined) await untilGone(killed);
    return { exitCode: isLate ? -1 : exitCode, isKilled: signal === 'SIGKILL' && !isLate };
  } catch (error) {
    throw new Error(`strace cannot be started: install it (tools/ci/tools.sh does)`, { cause: error });
  } finally {
    clearInterval(looking);
    clearTimeout(timer);
    for (const fd of fds) closeSync(fd);
  }
}
