import { add, hasRoom, later } from './draft.ts';
import type { Draft } from './draft.ts';
import { plannedTask, shapeOf, taskOf } from './state.ts';
import type { ExecutionState, Verdict } from './state.ts';

/** A decision of policy that nobody gives within this time is a deny. */
export const POLICY_DEADLINE_MS = 30_000;

/**
 * Does what the state now allows: schedules what is ready, stops what must stop, skips what will never run, and ends
 * the run when nothing is left. What does not fit into the commit is left to `continue-scheduling`.
 */
export function advance(draft: Draft): void {
  const left = draft.state.phase === 'running' ? scheduleReady(draft) : stopOpen(draft) + skipUnstarted(draft);
  if (left > 0) add(draft, { type: 'execution.scheduling-deferred.v1', data: { remaining: left } });
  else if (draft.state.unfinishedCount === 0) complete(draft);
}

/** Each bulk step answers how many tasks it had no room for. */
function scheduleReady(draft: Draft): number {
  for (const id of draft.state.ready) {
    if (!hasRoom(draft, plannedTask(draft.state, id).reads.length)) break;
    schedule(draft, id, 1);
  }
  return draft.state.ready.length;
}

/** What runners hold is taken from them when the run is over its time, or cancelled and past its grace. */
function stopOpen(draft: Draft): number {
  const reason = stopReason(draft);
  if (reason === undefined || draft.state.openCount === 0) return 0;
  for (const id of shapeOf(draft.state).shape.order) {
    const { phase, attempt, leaseId } = taskOf(draft.state, id);
    if ((phase === 'scheduled' || phase === 'started') && hasRoom(draft)) {
      add(draft, { type: 'execution.task-cancelled.v1', data: { taskId: id, attempt, reason, ...UNREPORTED, leaseId } });
    }
  }
  return draft.state.openCount;
}

const UNREPORTED = { runner: null, startedAt: null, durationMs: null, argumentsCommitment: null, log: null, costMicroUsd: 0 } as const;

function stopReason({ state, now }: Draft): 'run-timed-out' | 'run-cancelled' | undefined {
  if (state.phase === 'timing-out') return 'run-timed-out';
  return state.isGraceOver || (state.graceUntil !== undefined && state.graceUntil <= now) ? 'run-cancelled' : undefined;
}

/**
 * Hands out an attempt. Policy saw the first one of each task whose arguments were known at the start; every other
 * attempt has arguments that it has not seen (outputs, `run.attempt`) and is shown to it first.
 */
export function schedule(draft: Draft, id: string, attempt: number): void {
  const { request } = shapeOf(draft.state);
  const refs = refsOf(draft.state, id);
  if (refs.length === 0 && attempt === 1) {
    add(draft, { type: 'execution.task-scheduled.v1', data: { taskId: id, attempt, refs, argumentsCommitment: null, notBefore: null } });
    return;
  }
  add(draft, {
    type: 'execution.task-policy-check-requested.v1',
    data: {
      checkId: `task/${id}/${attempt}`,
      taskId: id,
      attempt,
      refs,
      policySetDigest: request.policySetDigest,
      deadlineAt: later(draft.now, POLICY_DEADLINE_MS),
    },
  });
}

/** Output events that an attempt reads; a checked one reads the same ones again when it may run. */
export function refsOf(state: ExecutionState, id: string): { taskId: string; revision: number }[] {
  return plannedTask(state, id).reads.map((taskId) => ({ taskId, revision: outputRevision(state, taskId) }));
}

function outputRevision(state: ExecutionState, id: string): number {
  const { outputRevision: revision } = taskOf(state, id);
  if (revision === null) throw new Error(`task ${id} is read before it has an output`);
  return revision;
}

/** Nothing new starts: whatever no runner holds is skipped, with the reason that a reader needs. */
function skipUnstarted(draft: Draft): number {
  const { shape } = shapeOf(draft.state);
  const doomed = draft.state.phase === 'failing' ? doomedTasks(draft.state) : new Set<string>();
  let left = 0;
  for (const id of shape.order) {
    const { phase } = taskOf(draft.state, id);
    if (phase !== 'waiting' && phase !== 'checking' && phase !== 'backing-off') continue;
    if (hasRoom(draft)) {
      add(draft, { type: 'execution.task-skipped.v1', data: { taskId: id, reason: skipReason(draft.state, doomed.has(id)) } });
    } else left += 1;
  }
  return left;
}

function skipReason(state: ExecutionState, doomed: boolean): SkipReason {
  if (state.phase === 'timing-out') return 'run-timed-out';
  if (state.phase === 'cancelling') return 'run-cancelled';
  return doomed ? 'upstream-failed' : 'run-failing';
}

type SkipReason = 'upstream-failed' | 'run-failing' | 'run-cancelled' | 'run-timed-out';

/** Tasks that wait, directly or not, for one that failed for good. */
function doomedTasks(state: ExecutionState): ReadonlySet<string> {
  const { shape } = shapeOf(state);
  const doomed = new Set<string>();
  const open = shape.order.filter((id) => ['failed', 'timed-out'].includes(taskOf(state, id).phase));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const dependent of shape.dependents.get(at) ?? []) {
      if (doomed.has(dependent)) continue;
      doomed.add(dependent);
      open.push(dependent);
    }
  }
  return doomed;
}

function verdictOf({ phase }: ExecutionState): Exclude<Verdict, 'denied'> {
  if (phase === 'timing-out') return 'timed-out';
  if (phase === 'cancelling') return 'cancelled';
  return phase === 'failing' ? 'failed' : 'succeeded';
}

/** Ends the run; what it says is what the state says after all that happened in this decision. */
function complete(draft: Draft): void {
  const { costMicroUsd, counts } = draft.state;
  add(draft, { type: 'execution.completed.v1', data: { verdict: verdictOf(draft.state), costMicroUsd, counts } });
}
