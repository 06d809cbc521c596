import type { Json, JsonObject } from '@maestro/domain';
import type { Clock, ResolvedPackage, TaskContext, TaskPackages, TaskResult } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';
import { choicesFor } from './seeded-choices.ts';

/** An output of this many characters is a blob of its own. */
const LARGE_CHARACTERS = 70_000;
const CANCEL_MS = 100;

type Parts = { readonly seed: number; readonly clock: Clock; readonly attempted: (context: TaskContext) => void };

/**
 * `pkg:sim/echo@1.0.0` gives back what it gets, `pkg:sim/fenced@1.0.0` too, under a lease. What an attempt does otherwise
 * (take long, fail, run out of time, answer with much) depends on the seed and on which attempt of which task it is.
 */
export class ScriptedPackages implements TaskPackages {
  readonly #parts: Parts;
  readonly #known: ReadonlyMap<string, ResolvedPackage>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#known = new Map([packageOf('pkg:sim/echo@1.0.0', false), packageOf('pkg:sim/fenced@1.0.0', true)]);
  }

  resolve(uses: string): ReturnType<TaskPackages['resolve']> {
    return this.#known.get(uses) ?? { kind: 'unknown', uses, known: [...this.#known.keys()] };
  }

  all(): readonly ResolvedPackage[] {
    return [...this.#known.values()];
  }

  async run(_uses: string, input: Json, context: TaskContext, signal: AbortSignal): Promise<TaskResult> {
    const { seed, attempted } = this.#parts;
    attempted(context);
    const fate = choicesFor(seed, `${context.executionId}/${context.taskId}/${context.attempt}`);
    const log = `attempt ${context.attempt} of ${context.taskId}`;
    const wantedMs = fate.chance(0.4) ? fate.below(fate.chance(0.1) ? 60_000 : 1_500) : 0;
    const ending = await this.#elapsed(fate.chance(context.taskId.startsWith('w') ? 0 : 0.02) ? Infinity : wantedMs, context.timeoutMs, signal);
    if (ending !== 'done') return { kind: ending, log };
    if (fate.chance(context.taskId.startsWith('w') ? 0.0005 : 0.12)) return { kind: 'failed', failure: { code: 'FLAKY', message: 'as the seed wants it', retryable: fate.chance(0.8) }, log };
    const output = fate.chance(0.02) ? { ...(input as JsonObject), text: 'x'.repeat(LARGE_CHARACTERS) } : input;
    return { kind: 'succeeded', output, log };
  }

  async close(): Promise<void> {}

  #elapsed(wantedMs: number, timeoutMs: number, signal: AbortSignal): Promise<'done' | 'timed-out' | 'cancelled'> {
    const { clock } = this.#parts;
    if (wantedMs === 0) return Promise.resolve('done');
    return new Promise((resolve) => {
      const cancel = clock.after(Math.min(wantedMs, timeoutMs), () => resolve(wantedMs <= timeoutMs ? 'done' : 'timed-out'));
      const stop = (): void => {
        cancel();
        clock.after(CANCEL_MS, () => resolve('cancelled'));
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }
}

function packageOf(uses: string, fenced: boolean): readonly [string, ResolvedPackage] {
  const [name = '', version = ''] = uses.split('@');
  const definition = { name, version, description: '', inputSchema: {}, outputSchema: {}, inline: true, fenced, expectedDurationMs: 10 };
  return [uses, { kind: 'resolved', uses, definition, digest: sha256(uses), checkInput: () => [], checkOutput: () => [] }];
}
