import type { AnyEvent, PolicyDecision, ReceiptV1 } from '@maestro/contracts';
import { digestOf } from './steps.ts';

type ReceiptDecision = ReceiptV1['policyDecisions'][number];

/** Stands for the pack where nothing was evaluated: policy was unavailable, or the evaluation failed. */
export const NO_PACK = 'all';

/** One row per pack and decision, in the order of the events, packs in the order of the decision. */
export function policyDecisionsOf(events: readonly AnyEvent[]): ReceiptDecision[] {
  return events.flatMap((event) => (event.type === 'execution.policy-decided.v1' ? rowsOf(event.data) : []));
}

function rowsOf(decision: PolicyDecision): ReceiptDecision[] {
  const { checkId, stage, taskId, reason, entrypoint, engine, evaluatedAt } = decision;
  const same = {
    checkId,
    stage,
    taskId,
    reason,
    setDigest: digestOf(decision.setDigest),
    wasmDigest: digestOf(decision.wasmDigest),
    dataDigest: digestOf(decision.dataDigest),
    entrypoint,
    engine,
    inputCommitment: digestOf(decision.input?.commitment ?? null),
    resultCommitment: digestOf(decision.result?.commitment ?? null),
    evaluatedAt,
  };
  if (decision.packs.length === 0) {
    return [{ ...same, pack: NO_PACK, allow: decision.allow, violations: [], obligations: [], packDigest: null }];
  }
  return decision.packs.map(({ pack, allow, violations, obligations, packDigest }) => {
    return { ...same, pack, allow, violations, obligations, packDigest: digestOf(packDigest) };
  });
}
