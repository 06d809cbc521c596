import type { Environment, PolicyDecision, SealedValue } from '@maestro/contracts';
import type { Reuse } from './reuse.ts';
import type { ExecutionRequested } from './state.ts';

/** Wall-clock time of the decision, RFC 3339 UTC milliseconds; and numbers drawn outside. */
export type DecisionTime = { readonly now: string };

/** How an attempt ended, with its values already sealed. */
export type AttemptReport = {
  readonly taskId: string;
  readonly attempt: number;
  readonly runner: string | null;
  readonly leaseId: string | null;
  readonly startedAt: string | null;
  readonly durationMs: number | null;
  readonly argumentsCommitment: string | null;
  readonly log: SealedValue | null;
  readonly outcome:
    | { readonly kind: 'succeeded'; readonly output: SealedValue; readonly public: { readonly [key: string]: unknown } }
    | { readonly kind: 'failed'; readonly code: string; readonly retryable: boolean; readonly detail: SealedValue | null }
    | { readonly kind: 'timed-out' }
    | { readonly kind: 'cancelled' };
};

export type RunTimer =
  | { readonly kind: 'policy-deadline'; readonly checkId: string }
  | { readonly kind: 'retry-due'; readonly taskId: string; readonly attempt: number }
  | { readonly kind: 'run-limit' }
  | { readonly kind: 'cancel-grace' };

/** What the decider is asked. References are resolved, values sealed, time and jitter given. */
export type ExecutionCommand = DecisionTime &
  (
    | { readonly kind: 'start'; readonly request: ExecutionRequested }
    /**
     * `environment` is recorded when the run starts; `argumentsCommitment`: of the arguments that a task check saw;
     * `reuse`: given where the run goes on from another one
     */
    | {
        readonly kind: 'record-policy-decision';
        readonly decision: PolicyDecision;
        readonly environment: Environment;
        readonly argumentsCommitment: string | null;
        readonly reuse?: Reuse | undefined;
      }
    | {
        readonly kind: 'start-task';
        readonly taskId: string;
        readonly attempt: number;
        readonly runner: string;
        readonly leaseId: string | null;
        readonly startedAt: string;
      }
    /** `jitter` 0 ≤ x < 1, derived from the id of the event that opened the attempt */
    | { readonly kind: 'report-task'; readonly report: AttemptReport; readonly jitter: number }
    | { readonly kind: 'fire-timer'; readonly timer: RunTimer; readonly environment: Environment }
    | { readonly kind: 'continue-scheduling'; readonly reuse?: Reuse | undefined }
    | { readonly kind: 'cancel'; readonly reason: string | null; readonly comment: string }
  );
