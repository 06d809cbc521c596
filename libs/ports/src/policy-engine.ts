import type { Json } from '@maestro/domain';

export type PolicyStage = 'publish' | 'start' | 'task';

/** One pack of a compiled set; the digest is 64 hex. `stages` are those where its answer must not be missing. */
export type PackRef = { readonly name: string; readonly packDigest: string; readonly stages: readonly PolicyStage[] };
/** A compiled pack set, addressed by digest. */
export type PolicySetRef = {
  readonly setDigest: string;
  readonly wasmDigest: string;
  readonly dataDigest: string;
  /** `opa-wasm <sdk version>/opa <compiler version>` */
  readonly engine: string;
  readonly entrypoints: Readonly<Record<PolicyStage, string>>;
  readonly packs: readonly PackRef[];
};

export type PolicyFinding = { readonly code: string; readonly path: readonly (string | number)[]; readonly params: { readonly [key: string]: Json } };
/** `allow` = ready and no violations; a pack that is not ready has the violation INPUT_INVALID. Findings are sorted canonically. */
export type PackResult = {
  readonly pack: string;
  readonly ready: boolean;
  readonly allow: boolean;
  readonly violations: readonly PolicyFinding[];
  readonly obligations: readonly PolicyFinding[];
};
export type PolicyResult = { readonly allow: boolean; readonly packs: readonly PackResult[]; readonly durationUs: number };

/**
 * Evaluates a compiled pack set. Pure in its result: same set, stage and input, same `packs`, for ever.
 * Faults: PACK_SET_UNAVAILABLE, EVALUATION_FAILED (engine error, memory, time-out): the caller denies.
 */
export interface PolicyEngine {
  evaluate(setDigest: string, stage: PolicyStage, input: Json, o?: { readonly timeoutMs?: number }): Promise<PolicyResult>;
  /** The set that new runs are pinned to. */
  active(): PolicySetRef;
  /** All loadable sets. */
  sets(): readonly PolicySetRef[];
  close(): Promise<void>;
}
