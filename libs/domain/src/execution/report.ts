import type { TaskError } from '@maestro/contracts';
import { costMicroUsd } from '../cost.ts';
import { assertNever } from '../decider.ts';
import type { AttemptReport } from './command.ts';
import { add, later } from './draft.ts';
import type { Draft } from './draft.ts';
import { plannedTask, shapeOf } from './state.ts';

/** Back-off before attempt n+1: 1 s × 2^(n-1), at most 60 s, of which a full-jitter share is waited. */
export const BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;

/** A runner that stopped an attempt while nobody asked it to is as good as lost. */
const LOST_RUNNER: TaskError = { code: 'LOST_RUNNER', retryable: true, detail: null };

/** Writes down how an attempt ended, and the retry that follows where one does. */
export function reportAttempt(draft: Draft, report: AttemptReport, jitter: number): void {
  const { outcome, taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, log } = report;
  const planned = plannedTask(draft.state, taskId);
  const cost = costMicroUsd(shapeOf(draft.state).shape.prices, planned.class, durationMs ?? 0);
  const ran = { runner, leaseId, startedAt, durationMs, argumentsCommitment, log, costMicroUsd: cost };
  const fail = (error: TaskError): void => {
    const final = !error.retryable || !mayRetry(draft, taskId, attempt);
    add(draft, { type: 'execution.task-failed.v1', data: { taskId, attempt, error, final, ...ran } });
    if (!final) retry(draft, taskId, attempt, jitter);
  };
  switch (outcome.kind) {
    case 'succeeded':
      return add(draft, {
        type: 'execution.task-succeeded.v1',
        data: { taskId, attempt, output: outcome.output, public: outcome.public, ...ran },
      });
    case 'cancelled':
      if (draft.state.phase === 'running') return fail(LOST_RUNNER);
      return add(draft, { type: 'execution.task-cancelled.v1', data: { taskId, attempt, reason: cancelReason(draft), ...ran } });
    case 'failed':
      return fail({ code: outcome.code, retryable: outcome.retryable, detail: outcome.detail });
    case 'timed-out': {
      const final = !mayRetry(draft, taskId, attempt);
      add(draft, { type: 'execution.task-timed-out.v1', data: { taskId, attempt, timeoutMs: planned.timeoutMs, final, ...ran } });
      return final ? undefined : retry(draft, taskId, attempt, jitter);
    }
    default:
      return assertNever(outcome);
  }
}

/** A run on its way out starts no attempt any more. */
function mayRetry(draft: Draft, taskId: string, attempt: number): boolean {
  return draft.state.phase === 'running' && attempt <= plannedTask(draft.state, taskId).retries;
}

function retry(draft: Draft, taskId: string, attempt: number, jitter: number): void {
  const ceilingMs = Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** (attempt - 1));
  const delayMs = Math.floor(ceilingMs * jitter);
  add(draft, {
    type: 'execution.task-retry-scheduled.v1',
    data: { taskId, attempt: attempt + 1, delayMs, notBefore: later(draft.now, delayMs) },
  });
}

function cancelReason({ state }: Draft): 'run-cancelled' | 'run-timed-out' | 'run-failing' {
  if (state.phase === 'timing-out') return 'run-timed-out';
  return state.phase === 'cancelling' ? 'run-cancelled' : 'run-failing';
}
