import type { Counts } from '@maestro/contracts';
import { assertNever } from '../decider.ts';
import { dependentsOf } from '../manifest/graph.ts';
import { NO_COUNTS, shapeOf, taskOf } from './state.ts';
import type { ExecutionEvent, ExecutionRequested, ExecutionState, TaskPhase, TaskState } from './state.ts';

/** What `evolve` needs of an event: stored ones have it, and so have the ones that a decision tries. */
export type Happened = { readonly event: ExecutionEvent; readonly revision: number; readonly at: string };

/**
 * Applies one event. Never refuses; changes and returns the state that it is given.
 * Invariants: openCount = tasks scheduled or started; unfinishedCount = tasks in no terminal phase;
 * ready = tasks in `waiting` with nothing left to wait for, while the run goes on.
 */
export function evolveExecution(state: ExecutionState, { event, revision, at }: Happened): ExecutionState {
  state.revision = revision;
  switch (event.type) {
    case 'execution.requested.v1':
      return request(state, event.data);
    case 'execution.policy-check-requested.v1':
      return openCheck(state, event.data.checkId, null);
    case 'execution.task-policy-check-requested.v1':
      openCheck(state, event.data.checkId, event.data.taskId);
      return begin(state, event.data.taskId, 'checking', event.data.attempt, null);
    case 'execution.policy-decided.v1':
      return closeCheck(state, event.data.checkId);
    case 'execution.denied.v1':
      return end(state, 'denied');
    case 'execution.started.v1':
      state.phase = 'running';
      state.startedAt = at;
      return state;
    case 'execution.task-scheduled.v1':
      return begin(state, event.data.taskId, 'scheduled', event.data.attempt, event.data.argumentsCommitment);
    case 'execution.scheduling-deferred.v1':
      state.deferredRevision = revision;
      return state;
    case 'execution.task-started.v1':
      return change(state, event.data.taskId, { phase: 'started', leaseId: event.data.leaseId });
    case 'execution.task-retry-scheduled.v1':
      return change(state, event.data.taskId, { phase: 'backing-off' });
    case 'execution.task-succeeded.v1':
      return succeed(state, event.data.taskId, revision, event.data.costMicroUsd, false);
    case 'execution.task-reused.v1':
      state.deferredRevision = undefined;
      return succeed(state, event.data.taskId, revision, 0, true);
    case 'execution.task-failed.v1':
      return attemptEnds(state, event.data, event.data.final ? 'failed' : undefined, 'failed');
    case 'execution.task-timed-out.v1':
      return attemptEnds(state, event.data, event.data.final ? 'timed-out' : undefined, 'timedOut');
    case 'execution.task-cancelled.v1':
      if (event.data.reason === 'run-timed-out') state.phase = 'timing-out';
      // nobody reported it
      if (event.data.reason === 'run-cancelled' && event.data.durationMs === null) state.isGraceOver = true;
      state.deferredRevision = undefined;
      return attemptEnds(state, event.data, 'cancelled', 'cancelled');
    case 'execution.task-skipped.v1':
      if (event.data.reason === 'run-timed-out') state.phase = 'timing-out';
      state.deferredRevision = undefined;
      return finish(state, event.data.taskId, 'skipped', 'skipped');
    case 'execution.cancel-requested.v1':
      state.phase = 'cancelling';
      state.graceUntil = event.data.graceUntil;
      return state;
    case 'execution.completed.v1':
      return end(state, event.data.verdict);
    default:
      return assertNever(event);
  }
}

function request(state: ExecutionState, data: ExecutionRequested): ExecutionState {
  const needs = new Map(data.tasks.map((task) => [task.id, task.needs]));
  state.phase = 'checking';
  state.request = data;
  state.shape = {
    byId: new Map(data.tasks.map((task) => [task.id, task])),
    order: data.tasks.map((task) => task.id),
    dependents: dependentsOf(needs),
    prices: data.prices,
  };
  for (const task of data.tasks) {
    state.tasks.set(task.id, {
      phase: 'waiting',
      attempt: 0,
      waitingFor: task.needs.length,
      outputRevision: null,
      leaseId: null,
      argumentsCommitment: null,
      reused: false,
    });
  }
  state.ready = data.tasks.filter((task) => task.needs.length === 0).map((task) => task.id);
  state.unfinishedCount = data.tasks.length;
  state.counts = NO_COUNTS;
  return state;
}

function openCheck(state: ExecutionState, checkId: string, taskId: string | null): ExecutionState {
  state.checks = new Map(state.checks).set(checkId, taskId);
  return state;
}

function closeCheck(state: ExecutionState, checkId: string): ExecutionState {
  const checks = new Map(state.checks);
  checks.delete(checkId);
  state.checks = checks;
  return state;
}

/** An attempt that is over is not checked any more. */
function closeChecksOf(state: ExecutionState, id: string): void {
  for (const [checkId, taskId] of state.checks) if (taskId === id) closeCheck(state, checkId);
}

/** A new attempt is being checked or handed out. */
function begin(state: ExecutionState, id: string, phase: 'checking' | 'scheduled', attempt: number, argumentsCommitment: string | null): ExecutionState {
  state.deferredRevision = undefined;
  if (state.ready.includes(id)) state.ready = state.ready.filter((other) => other !== id);
  if (phase === 'scheduled') state.openCount += 1;
  return change(state, id, { phase, attempt, leaseId: null, argumentsCommitment });
}

function succeed(state: ExecutionState, id: string, revision: number, costMicroUsd: number, reused: boolean): ExecutionState {
  if (!reused) {
    state.openCount -= 1;
    state.costMicroUsd += costMicroUsd;
    state.counts = { ...state.counts, attempts: state.counts.attempts + 1 };
  }
  state.unfinishedCount -= 1;
  state.counts = plusOne(state.counts, reused ? 'reused' : 'succeeded');
  if (state.ready.includes(id)) state.ready = state.ready.filter((other) => other !== id);
  change(state, id, { phase: 'succeeded', outputRevision: revision, reused });
  const freed: string[] = [];
  for (const dependent of shapeOf(state).shape.dependents.get(id) ?? []) {
    const { waitingFor, phase } = taskOf(state, dependent);
    change(state, dependent, { waitingFor: waitingFor - 1 });
    if (waitingFor === 1 && phase === 'waiting') freed.push(dependent);
  }
  if (freed.length > 0) state.ready = [...state.ready, ...freed];
  return state;
}

type AttemptEnd = { readonly taskId: string; readonly attempt: number; readonly costMicroUsd: number };

/** An attempt ended without an output. `phase` undefined: another attempt follows. */
function attemptEnds(state: ExecutionState, data: AttemptEnd, phase: TaskPhase | undefined, count: keyof Counts): ExecutionState {
  const task = taskOf(state, data.taskId);
  if (task.phase === 'scheduled' || task.phase === 'started') state.openCount -= 1;
  state.costMicroUsd += data.costMicroUsd;
  state.counts = { ...state.counts, attempts: state.counts.attempts + 1 };
  closeChecksOf(state, data.taskId);
  if (phase === undefined) return change(state, data.taskId, { phase: 'backing-off' });
  if (state.phase === 'running') state.phase = 'failing';
  return finish(state, data.taskId, phase, count);
}

function finish(state: ExecutionState, id: string, phase: TaskPhase, count: keyof Counts): ExecutionState {
  state.unfinishedCount -= 1;
  state.counts = plusOne(state.counts, count);
  if (state.ready.includes(id)) state.ready = state.ready.filter((other) => other !== id);
  closeChecksOf(state, id);
  return change(state, id, { phase });
}

function end(state: ExecutionState, verdict: NonNullable<ExecutionState['verdict']>): ExecutionState {
  state.phase = 'ended';
  state.verdict = verdict;
  state.ready = [];
  state.checks = new Map();
  state.deferredRevision = undefined;
  return state;
}

function change(state: ExecutionState, id: string, to: Partial<TaskState>): ExecutionState {
  state.tasks.set(id, { ...taskOf(state, id), ...to });
  return state;
}

function plusOne(counts: Counts, count: keyof Counts): Counts {
  return { ...counts, [count]: counts[count] + 1 };
}
