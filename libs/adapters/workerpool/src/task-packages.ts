import type { Json, JsonObject } from '@maestro/domain';
import type { TaskContext, TaskPackages, TaskResult } from '@maestro/ports';
import { Fault, UnparsedJson, VALUE_LIMITS } from '@maestro/ports';
import { findUnrepresentable } from '@maestro/receipt';
import type { PackageModule } from '@maestro/worker';
import type { Answer, EndedAttempt, Failed } from './attempt-ending.ts';
import { failed } from './attempt-ending.ts';
import { ChildPool } from './child-pool.ts';
import { runInline } from './inline-attempt.ts';
import { unfit, unrepresentable } from './large-output.ts';
import type { Registered } from './package-registry.ts';
import { PackageRegistry } from './package-registry.ts';

const CHILDREN_MAX = 64;
const CHILD_OUTPUTS = { largeBytes: VALUE_LIMITS.inlineBytesMax, maxBytes: VALUE_LIMITS.outputBytesMax };

export type TaskPackagesOptions = {
  /** the index modules of package groups */
  readonly modules: readonly PackageModule[];
  /** given to every package as `ctx.settings`; no secrets: packages run with these and nothing else */
  readonly settings?: JsonObject;
  /** child processes at once, 1 to 64 (default 2); they are started when they are needed */
  readonly childrenMax?: number;
  /** heap limit of a child (default 256) */
  readonly oldSpaceMb?: number;
  /** limit of a child's resident memory, heap and buffers together (default 512) */
  readonly rssMaxMb?: number;
  /** from the abort signal to the kill (default 10,000) */
  readonly graceMs?: number;
};

/**
 * The TaskPackages port over a pool of child processes; inline packages run here. Starts no process before the first
 * task needs one. Throws a TypeError for options or modules that cannot work.
 *
 * Codes of failures that are not the package's own: PACKAGE_UNKNOWN, PACKAGE_INPUT_INVALID, PACKAGE_OUTPUT_INVALID,
 * INVALID_JSON_VALUE, OUTPUT_TOO_LARGE, PACKAGE_MEMORY, PACKAGE_UNAVAILABLE (none retryable); PACKAGE_FAILED (an
 * unexpected error was thrown) and PACKAGE_CRASHED (retryable).
 */
export function openTaskPackages(options: TaskPackagesOptions): TaskPackages {
  return new PooledTaskPackages(options);
}

class PooledTaskPackages implements TaskPackages {
  readonly #registry: PackageRegistry;
  readonly #pool: ChildPool;
  readonly #settings: JsonObject;
  readonly #graceMs: number;
  readonly #closing = new AbortController();

  constructor(options: TaskPackagesOptions) {
    const { modules, settings = {}, childrenMax = 2, oldSpaceMb = 256, rssMaxMb = 512, graceMs = 10_000 } = options;
    if (!Number.isInteger(childrenMax) || childrenMax < 1 || childrenMax > CHILDREN_MAX) {
      throw new TypeError(`childrenMax must be an integer from 1 to ${CHILDREN_MAX}, not ${childrenMax}`);
    }
    this.#registry = new PackageRegistry(modules);
    this.#settings = settings;
    this.#graceMs = graceMs;
    // Modules whose packages all run inline are of no use in a child.
    const urls = modules.filter(({ packages }) => packages.some(({ inline }) => !inline)).map(({ url }) => url);
    this.#pool = new ChildPool({ urls, childrenMax, oldSpaceMb, rssMaxMb, graceMs });
  }

  resolve(uses: string): ReturnType<TaskPackages['resolve']> {
    return this.#registry.resolve(uses);
  }

  all(): ReturnType<TaskPackages['all']> {
    return this.#registry.all();
  }

  async run(uses: string, input: Json, context: TaskContext, signal: AbortSignal): Promise<TaskResult> {
    this.#assertOpen();
    const found = this.#registry.find(uses);
    if (found === undefined) return failure(failed('PACKAGE_UNKNOWN', `this deployment has no ${uses}`, false), '');
    const problems = found.resolved.checkInput(input);
    if (problems.length > 0) return failure(unfit('PACKAGE_INPUT_INVALID', 'input', problems), '');
    const ended = await this.#attempt(found, input, context, AbortSignal.any([signal, this.#closing.signal]));
    this.#assertOpen();
    if (ended.ending.kind !== 'answered') return { kind: ended.ending.kind, log: ended.log };
    return judged(found, ended.ending.answer, ended.log);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#pool.close();
  }

  async #attempt(found: Registered, input: Json, context: TaskContext, signal: AbortSignal): Promise<EndedAttempt> {
    const { taskPackage, moduleUrl, resolved } = found;
    const settings = this.#settings;
    if (taskPackage.inline) return runInline({ taskPackage, input, context, settings, graceMs: this.#graceMs }, signal);
    return this.#pool.run({ moduleUrl, uses: resolved.uses, input, context, settings, outputLimits: CHILD_OUTPUTS }, signal);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted)
      throw new Fault('PACKAGES_CLOSED', 'the task packages were closed; nothing is known of the task', { retryable: true });
  }
}

function judged({ resolved }: Registered, answer: Answer, log: string): TaskResult {
  switch (answer.kind) {
    case 'failure':
      return failure(answer, log);
    case 'large-output':
      return { kind: 'succeeded', output: new UnparsedJson(answer.bytes), log };
    case 'output': {
      const output = JSON.parse(answer.text) as Json;
      const bad = findUnrepresentable(output);
      if (bad !== undefined) return failure(unrepresentable(bad), log);
      const problems = resolved.checkOutput(output);
      return problems.length === 0 ? { kind: 'succeeded', output, log } : failure(unfit('PACKAGE_OUTPUT_INVALID', 'output', problems), log);
    }
  }
}

function failure({ failure }: Failed, log: string): TaskResult {
  return { kind: 'failed', failure, log };
}
