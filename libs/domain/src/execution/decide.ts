import type { Environment, PolicyDecision } from '@maestro/contracts';
import { accept, assertNever } from '../decider.ts';
import type { Decider, Decision } from '../decider.ts';
import { undecided } from '../policy-decision.ts';
import { reject } from '../rejection.ts';
import { POLICY_DEADLINE_MS, advance, refsOf, schedule } from './advance.ts';
import type { AttemptReport, ExecutionCommand, RunTimer } from './command.ts';
import { add, draftOn, later } from './draft.ts';
import type { Draft } from './draft.ts';
import { evolveExecution } from './evolve.ts';
import { reportAttempt } from './report.ts';
import { takeOver } from './reuse.ts';
import type { Reuse } from './reuse.ts';
import { initialExecution, plannedTask, shapeOf, taskOf } from './state.ts';
import type { ExecutionEvent, ExecutionRequested, ExecutionState, TaskState } from './state.ts';

/** A cancelled run gives what still runs this long to stop by itself. */
export const CANCEL_GRACE_MS = 10_000;

type Decided = Decision<ExecutionEvent>;

/** The run: from a request to exactly one terminal event, after which nothing is appended. */
export const executionDecider: Decider<ExecutionState, ExecutionCommand, ExecutionEvent> = {
  initial: initialExecution,
  evolve: evolveExecution,
  decide: decideExecution,
};

export function decideExecution(state: ExecutionState, command: ExecutionCommand): Decided {
  if (command.kind === 'start') return start(state, command.request, command.now);
  if (state.phase === 'none') return reject('EXECUTION_NOT_FOUND', 'there is no such run');
  if (state.phase === 'ended') return reject('EXECUTION_ENDED', `the run has ended: ${state.verdict}`);
  const draft = draftOn(state, command.now);
  switch (command.kind) {
    case 'record-policy-decision':
      return recordDecision(draft, command);
    case 'start-task':
      return startTask(draft, command);
    case 'report-task':
      return report(draft, command.report, command.jitter);
    case 'fire-timer':
      return fireTimer(draft, command.timer, command.environment);
    case 'continue-scheduling':
      return continueScheduling(draft, command.reuse);
    case 'cancel':
      return cancel(draft, command.reason, command.comment);
    default:
      return assertNever(command);
  }
}

function done(draft: Draft): Decided {
  return { kind: 'accepted', events: draft.events };
}

function start(state: ExecutionState, request: ExecutionRequested, now: string): Decided {
  if (state.phase !== 'none') return reject('EXECUTION_EXISTS', `run ${request.executionId} exists already`);
  return accept<ExecutionEvent>(
    { type: 'execution.requested.v1', data: request },
    {
      type: 'execution.policy-check-requested.v1',
      data: { checkId: 'start', policySetDigest: request.policySetDigest, deadlineAt: later(now, POLICY_DEADLINE_MS) },
    },
  );
}

type Answer = { decision: PolicyDecision; environment: Environment; argumentsCommitment: string | null; reuse?: Reuse | undefined };

/** The first answer to an awaited check wins; deny ends the run, or the task that was checked. */
function recordDecision(draft: Draft, { decision, environment, argumentsCommitment, reuse }: Answer): Decided {
  const taskId = draft.state.checks.get(decision.checkId);
  if (taskId === undefined) return checkNotOpen(decision.checkId);
  if (taskId === null) {
    // a run that is cancelled or over its limit before policy answered never starts
    if (draft.state.phase !== 'checking') return checkNotOpen(decision.checkId);
    add(draft, { type: 'execution.policy-decided.v1', data: decision });
    return decision.allow ? letThrough(draft, environment, reuse) : deny(draft, decision);
  }
  const { attempt } = taskOf(draft.state, taskId);
  add(draft, { type: 'execution.policy-decided.v1', data: { ...decision, taskId, attempt } });
  // a run on its way out starts nothing: the task is skipped, whatever policy said
  if (draft.state.phase === 'running') {
    if (decision.allow) scheduleChecked(draft, taskId, attempt, argumentsCommitment);
    else failChecked(draft, taskId, attempt, decision.reason ?? 'POLICY_DENIED');
  }
  advance(draft);
  return done(draft);
}

function checkNotOpen(checkId: string): Decided {
  return reject('CHECK_NOT_OPEN', `no decision is awaited for check ${checkId}`);
}

function letThrough(draft: Draft, environment: Environment, reuse: Reuse | undefined): Decided {
  add(draft, { type: 'execution.started.v1', data: { environment } });
  return takeOverAndAdvance(draft, reuse);
}

/** Nothing is handed out before all that the earlier run finished is taken over. */
function takeOverAndAdvance(draft: Draft, reuse: Reuse | undefined): Decided {
  if (!takeOver(draft, reuse)) advance(draft);
  return done(draft);
}

function deny(draft: Draft, decision: PolicyDecision): Decided {
  const { costMicroUsd, counts } = draft.state;
  const violations = decision.packs.flatMap((pack) => pack.violations);
  const reason = decision.reason ?? 'POLICY_DENIED';
  add(draft, { type: 'execution.denied.v1', data: { checkId: decision.checkId, reason, violations, costMicroUsd, counts } });
  return done(draft);
}

function scheduleChecked(draft: Draft, taskId: string, attempt: number, argumentsCommitment: string | null): void {
  const refs = refsOf(draft.state, taskId);
  add(draft, { type: 'execution.task-scheduled.v1', data: { taskId, attempt, refs, argumentsCommitment, notBefore: null } });
}

/** An attempt that never reached a runner ends for good, and with it the run. */
function failChecked(draft: Draft, taskId: string, attempt: number, code: string): void {
  add(draft, {
    type: 'execution.task-failed.v1',
    data: {
      taskId,
      attempt,
      error: { code, retryable: false, detail: null },
      final: true,
      runner: null,
      leaseId: null,
      startedAt: null,
      durationMs: null,
      argumentsCommitment: null,
      log: null,
      costMicroUsd: 0,
    },
  });
}

function startTask(draft: Draft, command: Extract<ExecutionCommand, { kind: 'start-task' }>): Decided {
  const { taskId, attempt, runner, startedAt } = command;
  const task = draft.state.tasks.get(taskId);
  if ((task?.phase !== 'scheduled' && task?.phase !== 'started') || task.attempt !== attempt) return taskNotOpen(taskId, attempt);
  const { fenced } = plannedTask(draft.state, taskId);
  if (fenced && command.leaseId === null) return reject('LEASE_LOST', `task ${taskId} is fenced: it starts under a lease only`);
  const leaseId = fenced ? command.leaseId : null;
  // the same start again changes nothing; a later lease takes over, so that a lost runner blocks nobody
  if (task.phase === 'started' && task.leaseId === leaseId) return accept();
  add(draft, { type: 'execution.task-started.v1', data: { taskId, attempt, runner, leaseId, startedAt } });
  return done(draft);
}

function report(draft: Draft, attempt: AttemptReport, jitter: number): Decided {
  const task = draft.state.tasks.get(attempt.taskId);
  if (task === undefined || task.attempt !== attempt.attempt || !isOpen(task, attempt)) return taskNotOpen(attempt.taskId, attempt.attempt);
  if (task.leaseId !== null && task.leaseId !== attempt.leaseId) {
    return reject('LEASE_LOST', `attempt ${attempt.attempt} of task ${attempt.taskId} is held under another lease`);
  }
  if (task.phase === 'scheduled' && attempt.outcome.kind === 'succeeded' && plannedTask(draft.state, attempt.taskId).fenced) {
    return reject('LEASE_LOST', `task ${attempt.taskId} is fenced: start it under a lease before it runs`);
  }
  reportAttempt(draft, ranWhatWasChecked(task, attempt) ? attempt : { ...attempt, outcome: ARGUMENTS_CHANGED }, jitter);
  advance(draft);
  return done(draft);
}

/** What ran with other arguments than policy allowed has no output that counts. */
const ARGUMENTS_CHANGED = { kind: 'failed', code: 'ARGUMENTS_CHANGED', retryable: false, detail: null } as const;

/** An attempt whose arguments policy was not asked about, or that never had any, has nothing to be compared with. */
function ranWhatWasChecked(checked: TaskState, ran: AttemptReport): boolean {
  if (checked.argumentsCommitment === null || ran.argumentsCommitment === null) return true;
  return checked.argumentsCommitment === ran.argumentsCommitment || ran.outcome.kind === 'cancelled';
}

/** While policy looks at an attempt, only the conductor itself can end it: its arguments could not be made. */
function isOpen({ phase }: TaskState, { runner, outcome }: AttemptReport): boolean {
  return phase === 'scheduled' || phase === 'started' || (phase === 'checking' && runner === null && outcome.kind === 'failed');
}

function taskNotOpen(taskId: string, attempt: number): Decided {
  return reject('TASK_NOT_OPEN', `attempt ${attempt} of task ${taskId} is not open; a report of it came before, or it never was`);
}

function fireTimer(draft: Draft, timer: RunTimer, environment: Environment): Decided {
  const { state, now } = draft;
  const { request } = shapeOf(state);
  switch (timer.kind) {
    case 'policy-deadline':
      return recordDecision(draft, {
        decision: undecided(timer.checkId, request.policySetDigest, now),
        environment,
        argumentsCommitment: null,
      });
    case 'retry-due': {
      const task = state.tasks.get(timer.taskId);
      if (state.phase !== 'running' || task?.phase !== 'backing-off' || task.attempt + 1 !== timer.attempt) return timerNotOpen(timer.kind);
      schedule(draft, timer.taskId, timer.attempt);
      advance(draft);
      return done(draft);
    }
    case 'run-limit':
      return timeOut(draft);
    case 'cancel-grace':
      if (state.graceUntil === undefined || now < state.graceUntil) return timerNotOpen(timer.kind);
      advance(draft);
      return done(draft);
    default:
      return assertNever(timer);
  }
}

function timerNotOpen(kind: string): Decided {
  return reject('TIMER_NOT_OPEN', `the run does not wait for ${kind}`);
}

/** Over its own limit: policy or not, whatever is open ends here. A cancelled run has an end already: its grace time. */
function timeOut(draft: Draft): Decided {
  if (draft.state.phase === 'cancelling') return timerNotOpen('run-limit');
  draft.state.phase = 'timing-out';
  advance(draft);
  return done(draft);
}

function continueScheduling(draft: Draft, reuse: Reuse | undefined): Decided {
  if (draft.state.deferredRevision === undefined) return reject('TIMER_NOT_OPEN', 'nothing was deferred');
  return takeOverAndAdvance(draft, reuse);
}

function cancel(draft: Draft, reason: string | null, comment: string): Decided {
  // asking again changes nothing: the first grace time counts
  if (draft.state.graceUntil !== undefined) return accept();
  if (draft.state.phase === 'timing-out') return reject('EXECUTION_ENDED', 'the run is over its time limit and ends as timed-out');
  add(draft, { type: 'execution.cancel-requested.v1', data: { reason, comment, graceUntil: later(draft.now, CANCEL_GRACE_MS) } });
  advance(draft);
  return done(draft);
}
