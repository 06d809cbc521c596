import type { PolicyDecision } from '@maestro/contracts';
import type { Recorded } from '../decider.ts';

/** One policy decision, as `/api/decisions` lists it. What was evaluated stays sealed in the event. */
export type DecisionRow = {
  /** event id */
  readonly id: string;
  /** of a start or a task; null: of a publication */
  readonly executionId: string | null;
  readonly workflowId: string;
  readonly stage: PolicyDecision['stage'];
  readonly taskId: string | null;
  readonly attempt: number | null;
  readonly checkId: string;
  readonly allow: boolean;
  /** why it was denied without a result */
  readonly reason: PolicyDecision['reason'];
  readonly packs: PolicyDecision['packs'];
  readonly setDigest: string;
  /** when it was stored */
  readonly at: string;
  readonly evaluatedAt: string;
  /** who decided: the role that asked the engine, or the one that ended the wait */
  readonly actor: string;
  /** microseconds; 0 where nobody decided */
  readonly durationUs: number;
  /** of the event in its stream */
  readonly revision: number;
};

/** The row that a decision makes; undefined for other events. `workflowId`: of the stream's workflow or run. */
export function decisionRowOf({ event, stream, id, at, actor, revision }: Recorded, workflowId: string): DecisionRow | undefined {
  if (event.type !== 'execution.policy-decided.v1' && event.type !== 'workflow.policy-decided.v1') return undefined;
  const { stage, taskId, attempt, checkId, allow, reason, packs, setDigest, evaluatedAt, durationUs } = event.data;
  const executionId = event.type === 'execution.policy-decided.v1' ? stream.slice('execution-'.length) : null;
  return { id, executionId, workflowId, stage, taskId, attempt, checkId, allow, reason, packs, setDigest, at, evaluatedAt, actor, durationUs, revision };
}
