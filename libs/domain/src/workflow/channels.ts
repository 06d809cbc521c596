import { accept } from '../decider.ts';
import type { Decision } from '../decider.ts';
import type { Rejection } from '../rejection.ts';
import { reject } from '../rejection.ts';
import type { WorkflowEvent, WorkflowState } from './state.ts';

type Decided = Decision<WorkflowEvent>;

/** Written where a person or a program asked for it; the comment says why. */
const REASON = 'OPERATOR_REQUEST';

/** The candidate becomes the version that starts without a stated version run. */
export function promote(state: WorkflowState, comment: string): Decided {
  const { name, candidate, stable } = state;
  if (name === undefined || state.retired) return missing(state);
  if (candidate === undefined) return reject('NO_CANDIDATE', `workflow ${name} has no candidate: publish a version above ${stable ?? 'the first one'}, then promote it`);
  return accept<WorkflowEvent>({
    type: 'workflow.promoted.v1',
    data: { workflowId: name, version: candidate, replaces: stable ?? null, reason: REASON, comment },
  });
}

/** Withdraws the candidate, or makes an earlier version stable again. What is withdrawn can be published no more. */
export function rollBack(state: WorkflowState, to: string | null, comment: string): Decided {
  const { name, candidate } = state;
  if (name === undefined || state.retired) return missing(state);
  if (to === null && candidate !== undefined) return rolledBack(name, candidate, null, comment);
  const target = to ?? previousStable(state);
  if (target === undefined) return reject('NO_EARLIER_VERSION', `workflow ${name} has neither a candidate nor an earlier stable version to go back to`);
  if (to !== null) {
    const bad = refuseTarget(state, name, to);
    if (bad !== undefined) return bad;
  }
  if (state.stable === undefined) return reject('WORKFLOW_NOT_PUBLISHED', `workflow ${name} has no stable version to go back from`);
  return rolledBack(name, state.stable, target, comment);
}

function rolledBack(workflowId: string, version: string, to: string | null, comment: string): Decided {
  return accept<WorkflowEvent>({ type: 'workflow.rolled-back.v1', data: { workflowId, version, to, reason: REASON, comment } });
}

/** The latest that was stable before and was neither rolled back nor retired since. */
function previousStable({ formerStables, versions, stable }: WorkflowState): string | undefined {
  return formerStables.findLast((version) => version !== stable && versions.get(version)?.status === 'superseded');
}

function refuseTarget({ versions, stable }: WorkflowState, name: string, to: string): Refused | undefined {
  const target = versions.get(to);
  if (target === undefined) return reject('VERSION_NOT_FOUND', `version ${to} of ${name} is not published`);
  if (to === stable) return reject('ROLLBACK_TARGET_INVALID', `version ${to} of ${name} is stable already; to withdraw the candidate, name no version`);
  if (target.status === 'superseded') return undefined;
  const hint = target.status === 'candidate' ? 'promote it instead' : 'publish its content under a higher version';
  return reject('ROLLBACK_TARGET_INVALID', `version ${to} of ${name} is ${target.status}: ${hint}`);
}

type Refused = { readonly kind: 'refused'; readonly rejection: Rejection };

function missing({ name }: WorkflowState): Decided {
  return name === undefined ? reject('WORKFLOW_NOT_FOUND', 'there is no such workflow') : reject('WORKFLOW_RETIRED', `workflow ${name} is retired`);
}
