import type { EventOf } from '@maestro/contracts';
import { add, hasRoom } from './draft.ts';
import type { Draft } from './draft.ts';
import { taskOf } from './state.ts';
import type { ExecutionState } from './state.ts';

/** An output of the earlier run, sealed for this one. `bytes`: upper bound of what its event and seal take in a commit. */
export type ReusedOutput = { readonly data: EventOf<'execution.task-reused.v1'>['data']; readonly bytes: number };

/** What a resumed run can take over now, and how many outputs follow when this commit is stored. */
export type Reuse = { readonly outputs: readonly ReusedOutput[]; readonly remaining: number };

/** A task that the earlier run finished; `revision`: of the event there that holds its output. */
export type FinishedTask = { readonly taskId: string; readonly revision: number };

/** What a run that ended leaves to the one that goes on from it, in the order of the plan. */
export function finishedTasks(ended: ExecutionState): readonly FinishedTask[] {
  return (ended.shape?.order ?? []).flatMap((taskId) => {
    const { outputRevision: revision } = taskOf(ended, taskId);
    return revision === null ? [] : [{ taskId, revision }];
  });
}

/** Whether a task is still to be taken over: once it is, or the run is on its way out, it is not. */
export function mayTakeOver(state: ExecutionState, taskId: string): boolean {
  return (state.phase === 'checking' || state.phase === 'running') && taskOf(state, taskId).phase === 'waiting';
}

/** Takes over what fits into the commit. Answers whether some is left, so that nothing may be handed out yet. */
export function takeOver(draft: Draft, reuse: Reuse | undefined): boolean {
  if (reuse === undefined) return false;
  let left = reuse.remaining;
  let taken = 0;
  for (const { data, bytes } of reuse.outputs) {
    if (!mayTakeOver(draft.state, data.taskId)) continue;
    // the first always fits, however large: otherwise the run would wait for ever
    if (taken > 0 && !hasRoom(draft, 0, bytes)) {
      left += 1;
      continue;
    }
    add(draft, { type: 'execution.task-reused.v1', data }, bytes);
    taken += 1;
  }
  if (draft.state.phase !== 'running' || left === 0) return false;
  add(draft, { type: 'execution.scheduling-deferred.v1', data: { remaining: left } });
  return true;
}
