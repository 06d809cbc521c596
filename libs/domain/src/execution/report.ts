import { assertNever } from '../decider.ts';
import { costMicroUsd } from '../cost.ts';
import type { AttemptReport } from './command.ts';
import { add, later } from './draft.ts';
import type { Draft } from './draft.ts';
import { shapeOf } from './state.ts';

/** Back-off before attempt n+1: 1 s × 2^(n-1), at most 60 s, of which a full-jitter share is waited. */
export const BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;

/** Writes down how an attempt ended, and the retry that follows where one does. */
export function reportAttempt(draft: Draft, report: AttemptReport, jitter: number): void {
  const { outcome, taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, log } = report;
  const { shape } = shapeOf(draft.state);
  const className = shape.byId.get(taskId)?.class ?? 'small';
  const cost = costMicroUsd(shape.prices, className, durationMs ?? 0);
  const ran = { runner, leaseId, startedAt, durationMs, argumentsCommitment, log, costMicroUsd: cost };
  switch (outcome.kind) {
    case 'succeeded':
      return add(draft, {
        type: 'execution.task-succeeded.v1',
        data: { taskId, attempt, output: outcome.output, public: outcome.public, ...ran },
      });
    case 'cancelled':
      return add(draft, { type: 'execution.task-cancelled.v1', data: { taskId, attempt, reason: cancelReason(draft), ...ran } });
    case 'failed': {
      const { code, retryable, detail } = outcome;
      const final = !retryable || !mayRetry(draft, taskId, attempt);
      add(draft, { type: 'execution.task-failed.v1', data: { taskId, attempt, error: { code, retryable, detail }, final, ...ran } });
      return final ? undefined : retry(draft, taskId, attempt, jitter);
    }
    case 'timed-out': {
      const final = !mayRetry(draft, taskId, attempt);
      const timeoutMs = shape.byId.get(taskId)?.timeoutMs ?? 1;
      add(draft, { type: 'execution.task-timed-out.v1', data: { taskId, attempt, timeoutMs, final, ...ran } });
      return final ? undefined : retry(draft, taskId, attempt, jitter);
    }
    default:
      return assertNever(outcome);
  }
}

/** A run on its way out starts no attempt any more. */
function mayRetry(draft: Draft, taskId: string, attempt: number): boolean {
  const retries = shapeOf(draft.state).shape.byId.get(taskId)?.retries ?? 0;
  return draft.state.phase === 'running' && attempt <= retries;
}

function retry(draft: Draft, taskId: string, attempt: number, jitter: number): void {
  const ceilingMs = Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** (attempt - 1));
  const delayMs = Math.floor(ceilingMs * jitter);
  add(draft, {
    type: 'execution.task-retry-scheduled.v1',
    data: { taskId, attempt: attempt + 1, delayMs, notBefore: later(draft.now, delayMs) },
  });
}

function cancelReason({ state }: Draft): 'run-cancelled' | 'run-failing' {
  return state.phase === 'cancelling' ? 'run-cancelled' : 'run-failing';
}
