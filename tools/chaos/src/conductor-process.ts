import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program under test, as it is shipped: a process, never an import. */
const PROGRAM = fileURLToPath(new URL('../../../services/conductor/dist/main.js', import.meta.url));
/** Compiled code from start to start, where `maestro up` keeps it, too. */
const ENVIRONMENT = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../.cache/compile', import.meta.url)) };
const READY_MAX_MS = 30_000;
const STOP_MAX_MS = 15_000;
/** Characters of standard error that are kept for the message when it does not start. */
const STDERR_KEPT = 4_000;
/** Below the range that outgoing connections draw from, so that nothing takes the port between two starts. */
const PORT_MIN = 20_000;
const PORT_COUNT = 10_000;

export type ConductorOptions = {
  readonly dataDir: string;
  readonly port: number;
  /** further flags of the program */
  readonly flags?: readonly string[];
};

/** A conductor in a process group of its own; it ends with this process, too. */
export class ConductorProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly pid: number;
  readonly url: string;
  readonly readyAfterMs: number;
  /** the end of what it wrote to standard error: its log from level error on */
  readonly said: () => string;

  private constructor(child: ChildProcess, exited: Promise<number | null>, ready: { readonly url: string; readonly afterMs: number; readonly said: () => string }) {
    this.#child = child;
    this.#exited = exited;
    this.pid = child.pid ?? -1;
    this.url = ready.url;
    this.readyAfterMs = ready.afterMs;
    this.said = ready.said;
  }

  /** Resolves when it says that it serves; rejects with its own words when it ends before. */
  static async start({ dataDir, port, flags = [] }: ConductorOptions): Promise<ConductorProcess> {
    const started = performance.now();
    const args = [PROGRAM, '--data', dataDir, '--workspace', dataDir, '--port', String(port), '--log-level', 'error', '--exit-with-parent', ...flags];
    const child = spawn(process.execPath, args, { detached: true, env: ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'] });
    // a pipe to a process that was killed breaks; its exit says so already
    child.stdin.on('error', () => undefined);
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => {
      stderr = (stderr + text.toString('utf8')).slice(-STDERR_KEPT);
    });
    const said = (): string => stderr;
    const url = await Promise.race([readyUrl(child), exited.then(() => undefined), late(READY_MAX_MS)]);
    if (url === undefined) {
      killGroup(child.pid ?? -1);
      await exited;
      throw new Error(`the conductor did not start: ${said()}`);
    }
    child.stdout.resume();
    return new ConductorProcess(child, exited, { url, afterMs: performance.now() - started, said });
  }

  /** As a power switch would end it, as far as a signal can: SIGKILL to the conductor alone. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end. Answers its exit code; null: it had to be killed. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const code = await Promise.race([this.#exited, late(STOP_MAX_MS)]);
    if (this.#child.exitCode === null && this.#child.signalCode === null) killGroup(this.pid);
    return code ?? null;
  }

  /** Processes that it started and that still live. */
  descendants(): readonly number[] {
    return groupMembers(this.pid).filter((pid) => pid !== this.pid);
  }

  /** Ends whatever is left of it; for the end of a test. */
  clear(): void {
    killGroup(this.pid);
  }
}

/** A port of the loopback address that is free now. */
export async function freePort(random: () => number): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(random() * PORT_COUNT);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

async function readyUrl(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined;
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const said = JSON.parse(line) as { readonly ready?: boolean; readonly url?: string };
    if (said.ready === true) return said.url;
  }
  return undefined;
}

function late(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined).unref());
}

function killGroup(pid: number): void {
  try {
    if (pid > 1) process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left
  }
}

/** From /proc: living members of a process group. One that was killed and not yet waited for lives no more. */
function groupMembers(group: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(pgrp) === group && state !== 'Z' && state !== 'X';
      } catch {
        return false; // it ended meanwhile
      }
    });
}
