import type { Json } from '@maestro/domain';
import type { PolicyEngine, PolicyResult, PolicySetRef, PolicyStage } from '@maestro/ports';
import { Fault } from '@maestro/ports';
import { EvaluationPool } from './evaluation-pool.ts';
import { packResults } from './findings.ts';
import { loadSets, type LoadedSets, type PackSet } from './pack-set.ts';

export type OpaPolicyEngineOptions = {
  /** folder with `index.json` and, per set, `<digest>.wasm` and `<digest>.data.json` */
  readonly bundlesDir: string;
  /** of one evaluation, not counting its wait for a thread; default 500, 1 to 60,000 */
  readonly timeoutMs?: number;
  /** threads; default 2, 1 to 16 */
  readonly poolSize?: number;
  /** of one instance, 64 KiB each; default 256, 5 to 4,096 */
  readonly memoryPagesMax?: number;
};

/** Containers inside containers at most; at some thousands the engine would run out of its stack. */
const INPUT_DEPTH_MAX = 128;

/**
 * Opens the compiled sets of a bundles folder: checks every digest, compiles each set once, starts the threads.
 * PACK_SET_UNAVAILABLE: the index or the active set is missing or differs from its digests (the fault names what
 * differs). Other sets that differ are left out of `sets()` and refused when asked for.
 */
export async function openOpaPolicyEngine(options: OpaPolicyEngineOptions): Promise<PolicyEngine> {
  const timeoutMs = bounded('timeoutMs', options.timeoutMs ?? 500, 1, 60_000);
  const poolSize = bounded('poolSize', options.poolSize ?? 2, 1, 16);
  const memoryPagesMax = bounded('memoryPagesMax', options.memoryPagesMax ?? 256, 5, 4096);
  const loaded = loadSets(options.bundlesDir);
  const sets = [...loaded.sets.values()].map(({ ref, module, dataText }) => ({ setDigest: ref.setDigest, module, dataText }));
  const pool = new EvaluationPool({ sets, memoryPagesMax }, poolSize);
  try {
    await pool.start();
  } catch (error) {
    await pool.close();
    throw error;
  }
  return new OpaPolicyEngine(loaded, pool, timeoutMs);
}

class OpaPolicyEngine implements PolicyEngine {
  readonly #loaded: LoadedSets;
  readonly #pool: EvaluationPool;
  readonly #timeoutMs: number;

  constructor(loaded: LoadedSets, pool: EvaluationPool, timeoutMs: number) {
    this.#loaded = loaded;
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  async evaluate(setDigest: string, stage: PolicyStage, input: Json, o?: { readonly timeoutMs?: number }): Promise<PolicyResult> {
    const { indexed } = this.#setOf(setDigest);
    const request = { setDigest, entrypoint: indexed.entrypoints[stage], inputText: inputTextOf(input) };
    const answer = await this.#pool.run(request, o?.timeoutMs ?? this.#timeoutMs);
    if (answer.kind === 'failed') throw failed(stage, answer.message);
    const packs = packResults(indexed, stage, answer.value);
    if (typeof packs === 'string') throw failed(stage, packs);
    return { allow: packs.length > 0 && packs.every((pack) => pack.allow), packs, durationUs: answer.durationUs };
  }

  active(): PolicySetRef {
    return this.#loaded.active.ref;
  }

  sets(): readonly PolicySetRef[] {
    return [...this.#loaded.sets.values()].map((set) => set.ref);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #setOf(setDigest: string): PackSet {
    const set = this.#loaded.sets.get(setDigest);
    if (set !== undefined) return set;
    throw (
      this.#loaded.refused.get(setDigest) ?? new Fault('PACK_SET_UNAVAILABLE', `set ${setDigest} is not in the bundles folder`)
    );
  }
}

function inputTextOf(input: Json): string {
  if (!withinDepth(input, INPUT_DEPTH_MAX)) {
    throw new Fault('EVALUATION_FAILED', `the input is nested deeper than ${INPUT_DEPTH_MAX} levels; the decision is a deny`);
  }
  return JSON.stringify(input);
}

function withinDepth(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  const children: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  return children.every((child) => withinDepth(child, depth - 1));
}

function failed(stage: PolicyStage, reason: string): Fault {
  return new Fault('EVALUATION_FAILED', `stage ${stage}: ${reason}; the decision is a deny`);
}

function bounded(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}`);
}
