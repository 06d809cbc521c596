import type { Json, JsonObject } from '@maestro/domain';
import type { PolicyEngine, PolicyResult, PolicySetRef, PolicyStage, Signer } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';

/** Policy that allows everything but what a label denies. `askedCount` says how often it was asked. */
export class ScriptedPolicies implements PolicyEngine {
  readonly #set: PolicySetRef = {
    setDigest: sha256('set'),
    wasmDigest: sha256('wasm'),
    dataDigest: sha256('data'),
    engine: 'scripted 1/1',
    entrypoints: { publish: 'publish', start: 'start', task: 'task' },
    packs: ['cost', 'pii'].map((name) => ({ name, packDigest: sha256(name), stages: ['publish', 'start', 'task'] as const })),
  };
  /** whether this question is denied */
  readonly #denies: (stage: PolicyStage, input: JsonObject) => boolean;

  constructor(denies: (stage: PolicyStage, input: JsonObject) => boolean) {
    this.#denies = denies;
  }

  async evaluate(_set: string, stage: PolicyStage, input: Json): Promise<PolicyResult> {
    const isDenied = this.#denies(stage, input as JsonObject);
    const packs = this.#set.packs.map(({ name }, i) => {
      const violations = isDenied && i === 0 ? [{ code: 'DENIED_BY_SEED', path: [], params: {} }] : [];
      return { pack: name, ready: true, allow: violations.length === 0, violations, obligations: [] };
    });
    return { allow: !isDenied, packs, durationUs: 7 };
  }

  active(): PolicySetRef {
    return this.#set;
  }

  sets(): readonly PolicySetRef[] {
    return [this.#set];
  }

  async close(): Promise<void> {}
}

/** Signs so that the statement can be told from the bundle; real signatures are random, and would make no two runs alike. */
export class ScriptedSigner implements Signer {
  readonly key = { keyId: 'SHA256:simulated', spki: 'AA==' };
  #count = 0;

  async sign(statement: Uint8Array): Promise<Uint8Array> {
    this.#count += 1;
    return Buffer.from(JSON.stringify({ signature: this.#count, statement: sha256(statement) }));
  }
}
