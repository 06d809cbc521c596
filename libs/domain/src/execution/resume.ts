import type { SealedValue } from '@maestro/contracts';
import type { Rejection } from '../rejection.ts';
import { reject } from '../rejection.ts';
import { shapeOf } from './state.ts';
import type { ExecutionRequested, ExecutionState, Verdict } from './state.ts';

/** Ends that leave something to go on from. A denied run ran nothing; a succeeded one has nothing left to run. */
const RESUMABLE: readonly Verdict[] = ['failed', 'timed-out', 'cancelled'];

/** What is new in a resumed run; everything else is pinned as in the run that it goes on from. */
export type ResumeFacts = {
  readonly executionId: string;
  /** sealed again: the same salt, so the same commitment, under the key of the new run */
  readonly inputs: SealedValue;
  readonly requestTag: string;
  readonly dataKeyId: string;
  /** where this conductor is reached now; tasks that call it would miss the old address */
  readonly conductorUrl: string | null;
  /** last event of the run that ended */
  readonly head: { readonly revision: number; readonly hash: string };
};

/** Why a run cannot be resumed; undefined: it can. */
export function refuseResume({ phase, verdict }: ExecutionState, executionId: string): { readonly kind: 'refused'; readonly rejection: Rejection } | undefined {
  if (phase === 'none') return reject('EXECUTION_NOT_FOUND', `there is no run ${executionId}`);
  if (verdict === undefined) return reject('EXECUTION_RUNNING', `run ${executionId} goes on: cancel it, or wait for its end, before it is resumed`);
  if (RESUMABLE.includes(verdict)) return undefined;
  return reject('EXECUTION_NOT_RESUMABLE', `run ${executionId} ended ${verdict}; a run that ended ${RESUMABLE.join(', ')} can be resumed: start a new one`, { params: { verdict } });
}

/** The request of the run that goes on from an ended one. */
export function resumedRequest(ended: ExecutionState, { head, ...fresh }: ResumeFacts): ExecutionRequested {
  const { request } = shapeOf(ended);
  const rootExecutionId = request.resumedFrom?.rootExecutionId ?? request.executionId;
  const resumedFrom = { executionId: request.executionId, rootExecutionId, headRevision: head.revision, headHash: head.hash };
  return { ...request, ...fresh, resumedFrom };
}
