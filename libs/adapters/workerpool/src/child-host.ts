import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PackageModule, TaskPackage } from '@maestro/worker';
import type { Answer, ChildAnswer } from './attempt-ending.ts';
import { failed } from './attempt-ending.ts';
import { LOG_MAX_BYTES } from './bounded-log.ts';
import type { ChildEvent, ChildRequest } from './child-protocol.ts';
import { MEMORY_EVERY_MS } from './child-protocol.ts';
import { describe, execute } from './execute.ts';
import { partsOf } from './output-parts.ts';

const LOG_BATCH_LENGTH = 8192;

/** What the child's process gives its host; a test gives its own. */
export type ChildProcess = {
  readonly pid: number;
  emit(event: ChildEvent): void;
  rssBytes(): number;
  /** false once something that all tasks share was changed */
  isIntact(): boolean;
  exit(code: number): void;
  import(url: string): Promise<Pick<PackageModule, 'packages'>>;
};

type Run = {
  readonly controller: AbortController;
  readonly log: (text: string) => void;
  readonly crash: (error: unknown) => void;
};

/**
 * Runs packages in a child process, one at a time.
 * 1. `started` goes out before anything of the package runs, and all of its log and its large output before its answer.
 * 2. An error that nobody caught fails the task that caused it, found by its async context, and no other.
 * 3. A child with such an error, an abort, much memory or changed built-ins behind it gives its answer as its last and is not
 *    used again.
 */
export class ChildHost {
  readonly #process: ChildProcess;
  readonly #scope = new AsyncLocalStorage<Run>();
  readonly #reuseRssMaxBytes: number;
  readonly #modules = new Map<string, Promise<readonly TaskPackage[]>>();
  #current: Run | null = null;
  #tainted = false;
  #flush = (): void => undefined;

  constructor(childProcess: ChildProcess, o: { readonly reuseRssMaxBytes: number }) {
    this.#process = childProcess;
    this.#reuseRssMaxBytes = o.reuseRssMaxBytes;
  }

  /** Imports modules ahead of their first task. A module that fails is told by the tasks that need it. */
  async load(urls: readonly string[]): Promise<void> {
    await Promise.allSettled(urls.map((url) => this.#packagesOf(url)));
  }

  /** Resolves with the answer; never resolves when the answer went out as the last one. */
  async run(request: ChildRequest): Promise<ChildAnswer> {
    // Nothing has started yet, so the parent runs it elsewhere.
    if (this.#tainted) this.#process.exit(1);
    this.#process.emit({ kind: 'started', pid: this.#process.pid });
    const memory = request.reportMemory ? setInterval(() => this.#tellMemory(), MEMORY_EVERY_MS) : undefined;
    const answer = await this.#sentAhead(await this.#answer(request));
    clearInterval(memory);
    this.#flush();
    this.#current = null;
    if (!this.#tainted && this.#process.isIntact() && this.#process.rssBytes() <= this.#reuseRssMaxBytes) return answer;
    this.#process.emit({ kind: 'last-answer', answer });
    return new Promise<never>(() => undefined);
  }

  /** A large output goes out in parts, so that no message stops the parent for long; a turn each, so that they leave. */
  async #sentAhead(answer: Answer): Promise<ChildAnswer> {
    if (answer.kind !== 'large-output') return answer;
    for (const text of partsOf(answer.bytes)) {
      this.#process.emit({ kind: 'output-part', text });
      await nextTurn();
    }
    return { kind: 'output-parts', sizeBytes: answer.bytes.length };
  }

  /** For `uncaughtException` and `unhandledRejection`. */
  onUncaught(error: unknown): void {
    this.#tainted = true;
    const owner = this.#scope.getStore() ?? this.#current;
    if (owner !== null && owner === this.#current) owner.crash(error);
  }

  /** For the abort signal. */
  onAbort(): void {
    this.#tainted = true;
    this.#current?.controller.abort(new DOMException('the task was cancelled', 'AbortError'));
  }

  /** What the package printed. */
  onOutput(text: string): void {
    const owner = this.#scope.getStore() ?? this.#current;
    if (owner !== null && owner === this.#current) owner.log(text);
  }

  /** The process ends: what is not yet sent goes out now. */
  onExit(): void {
    this.#flush();
  }

  async #answer(request: ChildRequest): Promise<Answer> {
    const { promise: crashed, resolve } = Promise.withResolvers<Answer>();
    const log = this.#logger();
    const crash = (error: unknown): void => {
      log(`${describe(error)}\n`);
      resolve(failed('PACKAGE_CRASHED', 'an error in the package was caught by nobody; its log tells more', true));
    };
    const controller = new AbortController();
    const run: Run = { controller, log, crash };
    this.#current = run;
    const line = (text: string): void => log(text.endsWith('\n') ? text : `${text}\n`);
    const context = { ...request.context, settings: request.settings, signal: controller.signal, log: line };
    const outcome = this.#scope.run(run, async () => {
      const taskPackage = await this.#find(request).catch((error: unknown) => line(describe(error)));
      if (taskPackage === undefined) return failed('PACKAGE_UNAVAILABLE', `${request.uses} could not be loaded`, false);
      return execute(taskPackage, request.input, context, request.outputLimits);
    });
    return Promise.race([outcome, crashed]);
  }

  async #find({ moduleUrl, uses }: ChildRequest): Promise<TaskPackage | undefined> {
    return (await this.#packagesOf(moduleUrl)).find(({ name, version }) => `${name}@${version}` === uses);
  }

  #packagesOf(url: string): Promise<readonly TaskPackage[]> {
    let loading = this.#modules.get(url);
    if (loading === undefined) {
      loading = this.#process.import(url).then(({ packages }) => packages);
      this.#modules.set(url, loading);
    }
    return loading;
  }

  #tellMemory(): void {
    this.#process.emit({ kind: 'memory', rssBytes: this.#process.rssBytes() });
  }

  // Sent in batches: at 8 Ki characters, at the next turn of the event loop, or at the end. The parent cuts exactly;
  // here it is only seen to that no more than is needed for a cut is sent.
  #logger(): (text: string) => void {
    let room = LOG_MAX_BYTES + 1;
    let batch = '';
    let due: NodeJS.Immediate | undefined;
    const flush = (): void => {
      clearImmediate(due);
      due = undefined;
      if (batch !== '') this.#process.emit({ kind: 'log', text: batch });
      batch = '';
    };
    this.#flush = flush;
    return (text) => {
      const kept = text.slice(0, room);
      room -= kept.length;
      batch += kept;
      if (batch.length >= LOG_BATCH_LENGTH) flush();
      else if (batch !== '') due ??= setImmediate(flush);
    };
  }
}
