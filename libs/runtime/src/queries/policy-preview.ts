import type { Json } from '@maestro/domain';
import { Fault, isFault } from '@maestro/ports';
import type { PolicyEngine, PolicyFinding, PolicyStage } from '@maestro/ports';

/** What one pack would decide. Findings are shown with their paths: the asker sees only what the asker sent. */
export type PreviewDecision = {
  readonly stage: PolicyStage;
  readonly pack: string;
  readonly allow: boolean;
  readonly violations: readonly PolicyFinding[];
  readonly obligations: readonly PolicyFinding[];
  readonly packDigest: string | null;
};

/**
 * Asks the active packs about one stage. A failing engine denies, under its own code, as it would in earnest; so does an
 * input that is too large to be made (undefined).
 */
export async function decideEach(policies: PolicyEngine, stage: PolicyStage, input: Json | undefined): Promise<readonly PreviewDecision[]> {
  const { setDigest, packs } = policies.active();
  const digests = new Map(packs.map(({ name, packDigest }) => [name, `sha256:${packDigest}`]));
  try {
    if (input === undefined) throw new Fault('EVALUATION_FAILED', 'the arguments are too large to be shown to policy');
    const result = await policies.evaluate(setDigest, stage, input);
    return result.packs.map(({ pack, allow, violations, obligations }) => ({ stage, pack, allow, violations, obligations, packDigest: digests.get(pack) ?? null }));
  } catch (error) {
    if (!isFault(error)) throw error;
    const violation = { code: error.code, path: [], params: {} };
    return packs.filter(({ stages }) => stages.includes(stage)).map(({ name }) => ({ stage, pack: name, allow: false, violations: [violation], obligations: [], packDigest: digests.get(name) ?? null }));
  }
}
