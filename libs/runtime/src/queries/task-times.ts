import type { Json, Recorded } from '@maestro/domain';

/** What the events say of the latest attempt of a task. Times are RFC 3339. */
export type TaskTimes = {
  readonly scheduledAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  /** error of a failed attempt */
  readonly code: string | null;
  /** why it was skipped or cancelled */
  readonly reason: string | null;
  /** outputs that the package declares public */
  readonly public: { readonly [key: string]: Json };
  /** of all attempts */
  readonly costMicroUsd: number;
};

/** A task of which nothing happened yet. */
export const BLANK_TIMES: TaskTimes = { scheduledAt: null, startedAt: null, finishedAt: null, durationMs: null, code: null, reason: null, public: {}, costMicroUsd: 0 };

/** Folds one event into the times of the task that it is about; other events change nothing. */
export function foldTaskTimes(times: Map<string, TaskTimes>, { event, at }: Recorded): void {
  const change = (taskId: string, to: Partial<TaskTimes>): void => {
    times.set(taskId, { ...(times.get(taskId) ?? BLANK_TIMES), ...to });
  };
  switch (event.type) {
    case 'execution.task-scheduled.v1': {
      const costMicroUsd = times.get(event.data.taskId)?.costMicroUsd ?? 0;
      return change(event.data.taskId, { ...BLANK_TIMES, scheduledAt: at, costMicroUsd });
    }
    case 'execution.task-started.v1':
      return change(event.data.taskId, { startedAt: event.data.startedAt });
    case 'execution.task-succeeded.v1':
      return change(event.data.taskId, { ...ended(times, event.data, at), public: event.data.public as TaskTimes['public'] });
    case 'execution.task-failed.v1':
      return change(event.data.taskId, { ...ended(times, event.data, at), code: event.data.error.code });
    case 'execution.task-timed-out.v1':
      return change(event.data.taskId, { ...ended(times, event.data, at), code: 'TASK_TIMED_OUT' });
    case 'execution.task-cancelled.v1':
      return change(event.data.taskId, { ...ended(times, event.data, at), reason: event.data.reason });
    case 'execution.task-skipped.v1':
      return change(event.data.taskId, { finishedAt: at, reason: event.data.reason });
    case 'execution.task-reused.v1':
      return change(event.data.taskId, { finishedAt: at, public: event.data.public as TaskTimes['public'] });
    default:
      return undefined;
  }
}

type AttemptEnd = { readonly taskId: string; readonly startedAt: string | null; readonly durationMs: number | null; readonly costMicroUsd: number };

function ended(times: ReadonlyMap<string, TaskTimes>, end: AttemptEnd, at: string): Partial<TaskTimes> {
  const before = times.get(end.taskId);
  return {
    startedAt: end.startedAt ?? before?.startedAt ?? null,
    finishedAt: at,
    durationMs: end.durationMs,
    costMicroUsd: (before?.costMicroUsd ?? 0) + end.costMicroUsd,
  };
}
