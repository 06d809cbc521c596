import { seal } from '@maestro/codec';
import type { Secrets } from '@maestro/codec';
import type { CommandOf, PolicyDecision } from '@maestro/contracts';
import { POLICY_INPUT_SCHEMA } from '@maestro/domain';
import type { Json } from '@maestro/domain';
import type { DataKeyId, PolicyEngine } from '@maestro/ports';
import type { OpenedPlace } from '@maestro/receipt';
import { canonicalText } from '@maestro/receipt';
import type { SealedValues } from '../sealed-values.ts';

export type PolicyReport = CommandOf<'execution.record-policy-decision.v1'>['payload']['report'];

type Question = {
  readonly report: PolicyReport;
  readonly checkId: string;
  readonly stage: 'publish' | 'start' | 'task';
  readonly taskId: string | null;
  readonly attempt: number | null;
  readonly setDigest: string;
  readonly keyId: DataKeyId;
  readonly at: string;
};

/** Findings are kept sealed beside the decision up to this size; above it they are found again by evaluating. */
const RESULT_BYTES_MAX = 64 * 1024;

/** Turns what the policy role reports into the decision that is recorded. */
export class PolicyAnswers {
  readonly #policies: PolicyEngine;
  readonly #values: SealedValues;

  constructor(policies: PolicyEngine, values: SealedValues) {
    this.#policies = policies;
    this.#values = values;
  }

  async decisionOf({ report, checkId, stage, taskId, attempt, setDigest, keyId, at }: Question): Promise<{ decision: PolicyDecision; secrets: Secrets }> {
    const set = this.#policies.sets().find((one) => one.setDigest === setDigest);
    const asked = (set?.packs ?? []).filter((pack) => pack.stages.includes(stage));
    const secrets = new Map<string, OpenedPlace>();
    // nobody to ask is no consent
    const evaluated = report.outcome === 'evaluated' && set !== undefined && asked.length > 0 && asked.every((pack) => report.packs.some((result) => result.pack === pack.name));
    const salt = await this.#values.derivedSalt(keyId, `policy-result/${checkId}`);
    const result = evaluated ? seal(secrets, '/result', salt, report.packs as unknown as Json) : null;
    if (result !== null && canonicalText(report.packs as unknown as Json).length > RESULT_BYTES_MAX) secrets.clear();
    const packs = asked.flatMap((pack) => {
      const one = report.packs.find((found) => found.pack === pack.name);
      if (one === undefined || !evaluated) return [];
      const violations = codesOf(one.violations);
      return [{ pack: pack.name, allow: one.allow && one.ready && violations.length === 0, violations, obligations: codesOf(one.obligations), packDigest: pack.packDigest }];
    });
    const decision: PolicyDecision = {
      checkId,
      stage,
      taskId,
      attempt,
      allow: evaluated && packs.every((pack) => pack.allow),
      reason: evaluated ? null : 'EVALUATION_FAILED',
      packs,
      setDigest,
      wasmDigest: set?.wasmDigest ?? null,
      dataDigest: set?.dataDigest ?? null,
      entrypoint: set?.entrypoints[stage] ?? null,
      engine: set?.engine ?? null,
      inputSchema: POLICY_INPUT_SCHEMA,
      input: { commitment: report.inputCommitment },
      result,
      evaluatedAt: evaluated ? report.evaluatedAt : at,
      durationUs: report.durationUs,
    };
    return { decision, secrets };
  }
}

/** Each code once, sorted: what is public of a finding. */
function codesOf(findings: readonly { readonly code: string }[]): string[] {
  return [...new Set(findings.map((finding) => finding.code))].sort();
}
