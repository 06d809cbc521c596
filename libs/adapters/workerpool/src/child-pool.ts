import { fileURLToPath } from 'node:url';
import { parse } from 'node:path';
import workerpool from 'workerpool';
import type { Pool } from 'workerpool';
import type { EndedAttempt } from './attempt-ending.ts';
import { failed } from './attempt-ending.ts';
import { ChildAttempt } from './child-attempt.ts';
import type { ChildRequest } from './child-protocol.ts';
import { Permits } from './permits.ts';
import { RssWatchdog, readRssBytes } from './rss-watchdog.ts';

/** How long an idle child may take to end at close before it is killed. */
const CLOSE_MAX_MS = 1000;
const START_MAX_MS = 30_000;
const MEGABYTE = 1_048_576;
const FROM_SOURCE = import.meta.url.endsWith('.ts');

export type ChildPoolOptions = {
  /** modules that every child imports at its start */
  readonly urls: readonly string[];
  readonly childrenMax: number;
  readonly oldSpaceMb: number;
  readonly rssMaxMb: number;
  readonly graceMs: number;
};

/**
 * Runs packages in child processes that are used again.
 * 1. The library starts children, carries calls and tells when a child is gone; it never queues: a call is made only
 *    with a permit, which is held until the library has settled it. (Its own queue stalls behind a child that died.)
 * 2. A child leaves the library's list only by dying during a call; so a child that must go is killed during its call.
 * 3. A call that did not start is made again: the child had died, or ended, while it was idle.
 */
export class ChildPool {
  readonly #pool: Pool;
  readonly #permits: Permits;
  readonly #options: ChildPoolOptions;
  readonly #watchdog = new RssWatchdog();
  readonly #running = new Set<ChildAttempt>();
  readonly #reportMemory = readRssBytes('self') === null;

  constructor(options: ChildPoolOptions) {
    this.#options = options;
    this.#permits = new Permits(options.childrenMax);
    // Half the limit: what one task leaves behind must not be counted against the next.
    const argument = { urls: options.urls, reuseRssMaxBytes: (options.rssMaxMb * MEGABYTE) / 2 };
    this.#pool = workerpool.pool(fileURLToPath(new URL(FROM_SOURCE ? './child.ts' : './child.js', import.meta.url)), {
      workerType: 'process',
      maxWorkers: options.childrenMax,
      emitStdStreams: true,
      workerTerminateTimeout: CLOSE_MAX_MS / 2,
      forkArgs: [JSON.stringify(argument)],
      forkOpts: {
        // The library appends this process's own --max-old-space-size if it was started with one; then that one holds.
        execArgv: [`--max-old-space-size=${options.oldSpaceMb}`, ...(FROM_SOURCE ? ['--conditions=source'] : [])],
        env: {},
        cwd: parse(process.cwd()).root,
      },
    });
  }

  /** Resolves for whatever the package does. */
  async run(request: Omit<ChildRequest, 'reportMemory'>, signal: AbortSignal): Promise<EndedAttempt> {
    if (!(await this.#permits.acquire(signal))) return { ending: { kind: 'cancelled' }, log: '' };
    try {
      // One call may find each child dead, and one more starts a new one.
      for (let calls = 0; calls <= this.#options.childrenMax + 1; calls += 1) {
        const ended = await this.#call({ ...request, reportMemory: this.#reportMemory }, signal);
        if (ended !== null) return ended;
      }
      const answer = failed('PACKAGE_CRASHED', 'no child process could be started for the package', true);
      return { ending: { kind: 'answered', answer }, log: '' };
    } finally {
      this.#permits.release();
    }
  }

  /** Kills what still runs. The caller has fired the signals of all runs. Idempotent. */
  async close(): Promise<void> {
    // In this order: the library must listen for the end of a child before it comes.
    const ended = this.#pool.terminate(true, CLOSE_MAX_MS);
    for (const attempt of this.#running) attempt.kill();
    await Promise.resolve(ended).catch(() => undefined);
  }

  async #call(request: ChildRequest, signal: AbortSignal): Promise<EndedAttempt | null> {
    const { graceMs, rssMaxMb } = this.#options;
    const limits = {
      startMaxMs: START_MAX_MS,
      timeoutMs: request.context.timeoutMs,
      graceMs,
      rssMaxBytes: rssMaxMb * MEGABYTE,
    };
    const attempt = new ChildAttempt(limits, this.#watchdog, signal);
    this.#running.add(attempt);
    try {
      const call = this.#pool.exec('run', [request], { on: (event: unknown) => attempt.onEvent(event) });
      return await attempt.end(call);
    } finally {
      this.#running.delete(attempt);
    }
  }
}
