import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How one process of a local cluster is started, again and again on the same ports and folders. */
export type MemberPlan = {
  readonly name: string;
  /** `server`: of others; `role`: a process of the conductor */
  readonly kind: 'server' | 'role';
  readonly command: string;
  readonly args: readonly string[];
  /** all that is handed on */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly log: string;
  /** it is ready when this address answers 200, or this port of loopback takes connections */
  readonly ready: { readonly url: string } | { readonly port: number };
  /** what it takes as a request to end */
  readonly endBy: 'SIGTERM' | 'SIGINT';
  /** where it serves; null: nothing of interest */
  readonly url: string | null;
};

/** A member that was started. `startTicks`: when, as the kernel counts; tells it from a later process of the same id. */
export type Member = MemberPlan & { readonly pid: number; readonly startTicks: string | null };

/** Starts it apart from this process: it goes on when this one ends. */
export function startMember(plan: MemberPlan): Member {
  const log = openSync(plan.log, 'a', 0o600);
  try {
    const child = spawn(plan.command, [...plan.args], {
      cwd: plan.cwd,
      detached: true,
      stdio: ['ignore', log, log],
      env: plan.environment,
      ...plan.user,
    });
    // one that could not be started is not alive, which is seen at once
    child.on('error', () => undefined);
    child.unref();
    const pid = child.pid ?? 0;
    return { ...plan, pid, startTicks: startTicksOf(pid) };
  } finally {
    closeSync(log);
  }
}

/** Whether this very process lives; a zombie does not. */
export function isAlive({ pid, startTicks }: Pick<Member, 'pid' | 'startTicks'>): boolean {
  if (pid === 0) return false;
  if (startTicks !== null) return startTicksOf(pid) === startTicks;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function isReady({ ready }: MemberPlan): Promise<boolean> {
  return 'url' in ready ? answersOk(ready.url) : takesConnections(ready.port);
}

/** False: it ended, or did not get ready in time. */
export async function becomesReady(member: Member, withinMs: number): Promise<boolean> {
  for (const untilMs = performance.now() + withinMs; performance.now() < untilMs && isAlive(member); ) {
    if (await isReady(member)) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** Asks it to end, kills it after the grace; answers when it is gone. */
export async function endMember(member: Member, graceMs: number): Promise<void> {
  const send = (signal: NodeJS.Signals): void => {
    try {
      if (isAlive(member)) process.kill(member.pid, signal);
    } catch {
      // gone in between
    }
  };
  send(member.endBy);
  for (const untilMs = performance.now() + graceMs; isAlive(member) && performance.now() < untilMs; ) await delay(POLL_MS);
  send('SIGKILL');
  while (isAlive(member)) await delay(POLL_MS);
}

/** The end of its log, for a message. */
export function endOfLog({ log }: MemberPlan, lines = 5): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

const POLL_MS = 50;
const ANSWER_MS = 2_000;

/** Field 22 of `/proc/<pid>/stat`; null where there is no such file, as on other systems, or the process is gone or a zombie. */
function startTicksOf(pid: number): string | null {
  try {
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return state === 'Z' ? null : (rest[18] ?? null);
  } catch {
    return null;
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const done = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(ANSWER_MS, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
