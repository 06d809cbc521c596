import { createRequire } from 'node:module';
import type { LoadedPolicy } from '@open-policy-agent/opa-wasm';

/** A compiled set as a worker gets it. */
export type SetSource = { readonly setDigest: string; readonly module: WebAssembly.Module; readonly dataText: string };
export type EvaluatorOptions = { readonly sets: readonly SetSource[]; /** 64 KiB each */ readonly memoryPagesMax: number };

export type EvaluationRequest = {
  readonly id: number;
  readonly setDigest: string;
  readonly entrypoint: string;
  /** JSON; parsed once, by the compiled set itself */
  readonly inputText: string;
};
export type EvaluationAnswer =
  | { readonly id: number; readonly kind: 'result'; readonly value: unknown; readonly durationUs: number }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };

const { loadPolicySync } = createRequire(import.meta.url)(
  '@open-policy-agent/opa-wasm',
) as typeof import('@open-policy-agent/opa-wasm');
const encoder = new TextEncoder();

const MEMORY_PAGES_INITIAL = 5;
// The memory of an instance never shrinks: one that an input blew up beyond this is not kept.
const KEPT_MEMORY_BYTES_MAX = 4 * 1024 * 1024;

/** Evaluates with one pooled instance per set. Never throws: what an evaluation throws is its answer. */
export class Evaluator {
  readonly #sources: ReadonlyMap<string, SetSource>;
  readonly #memoryPagesMax: number;
  readonly #instances = new Map<string, LoadedPolicy>();

  constructor({ sets, memoryPagesMax }: EvaluatorOptions) {
    this.#sources = new Map(sets.map((set) => [set.setDigest, set]));
    this.#memoryPagesMax = memoryPagesMax;
  }

  evaluate({ id, setDigest, entrypoint, inputText }: EvaluationRequest): EvaluationAnswer {
    const startedMs = performance.now();
    try {
      const instance = this.#instanceOf(setDigest);
      const value: unknown = instance.evaluate(encoder.encode(inputText).buffer, entrypoint);
      if (instance.mem.buffer.byteLength > KEPT_MEMORY_BYTES_MAX) this.#instances.delete(setDigest);
      return { id, kind: 'result', value, durationUs: Math.round((performance.now() - startedMs) * 1000) };
    } catch (error) {
      // After a stack overflow an instance reads beyond its memory: none is trusted after it threw.
      this.#instances.delete(setDigest);
      return { id, kind: 'failed', message: messageOf(error) };
    }
  }

  #instanceOf(setDigest: string): LoadedPolicy {
    const kept = this.#instances.get(setDigest);
    if (kept !== undefined) return kept;
    const source = this.#sources.get(setDigest);
    if (source === undefined) throw new Error(`no set ${setDigest}`);
    const instance = loadPolicySync(source.module, { initial: MEMORY_PAGES_INITIAL, maximum: this.#memoryPagesMax });
    instance.setData(encoder.encode(source.dataText).buffer);
    this.#instances.set(setDigest, instance);
    return instance;
  }
}

// The SDK throws strings and plain objects as well as errors.
function messageOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const message = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}
