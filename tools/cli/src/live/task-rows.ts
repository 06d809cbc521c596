import type { AnyEvent, PlanTask } from '@maestro/contracts';
import type { Tone } from '../screen.ts';

export type RowState = 'waiting' | 'scheduled' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'stopped';

/** One task of a run as a tree shows it. */
export type TaskRow = {
  readonly id: string;
  /** tasks that it waits for end on earlier levels; from 1 */
  readonly level: number;
  readonly state: RowState;
  /** number of the latest attempt; 0: none yet */
  readonly attempt: number;
  readonly startedAtMs: number | undefined;
  readonly durationMs: number | undefined;
  /** why it failed, was skipped, or tries again */
  readonly detail: string;
};

export const ROW_MARKS: Readonly<Record<RowState, { readonly glyph: string; readonly tone: Tone }>> = {
  waiting: { glyph: '○', tone: 'faint' },
  scheduled: { glyph: '◔', tone: 'faint' },
  running: { glyph: '●', tone: 'attention' },
  retrying: { glyph: '↻', tone: 'attention' },
  succeeded: { glyph: '✓', tone: 'good' },
  failed: { glyph: '✗', tone: 'bad' },
  stopped: { glyph: '–', tone: 'attention' },
};

/** Whether nothing happens to the task any more. */
export function hasEnded({ state }: TaskRow): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'stopped';
}

/** Rows of a run that nothing has happened to yet, level by level, in the order of the manifest. */
export function rowsOf(tasks: readonly PlanTask[]): TaskRow[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const levels = new Map<string, number>();
  const pending = new Set(byId.keys());
  // each round settles a level: at most as many rounds as tasks, since what is followed has no cycle
  for (let level = 1; pending.size > 0 && level <= tasks.length; level++) {
    const settled = [...pending].filter((id) => (byId.get(id)?.needs ?? []).every((need) => !pending.has(need)));
    for (const id of settled) levels.set(id, level);
    for (const id of settled) pending.delete(id);
  }
  const rows = tasks.map(({ id }) => ({ id, level: levels.get(id) ?? 1, ...UNTOUCHED }));
  return rows.sort((a, b) => a.level - b.level);
}

const UNTOUCHED = { state: 'waiting', attempt: 0, startedAtMs: undefined, durationMs: undefined, detail: '' } as const;

/** What an event changes of a task; undefined: the event is about something else. */
export function changeOf(event: { readonly at: string } & AnyEvent): (Partial<TaskRow> & { readonly id: string }) | undefined {
  switch (event.type) {
    case 'execution.task-scheduled.v1':
      return { id: event.data.taskId, state: 'scheduled', attempt: event.data.attempt, ...took(null), detail: '' };
    case 'execution.task-started.v1':
      return { id: event.data.taskId, state: 'running', startedAtMs: Date.parse(event.at) };
    case 'execution.task-succeeded.v1':
      return { id: event.data.taskId, state: 'succeeded', ...took(event.data.durationMs), detail: '' };
    case 'execution.task-failed.v1':
      return { id: event.data.taskId, state: event.data.final ? 'failed' : 'retrying', ...took(event.data.durationMs), detail: event.data.error.code };
    case 'execution.task-timed-out.v1':
      return { id: event.data.taskId, state: event.data.final ? 'failed' : 'retrying', ...took(event.data.timeoutMs), detail: 'timed out' };
    case 'execution.task-retry-scheduled.v1':
      return { id: event.data.taskId, state: 'retrying' };
    case 'execution.task-skipped.v1':
      return { id: event.data.taskId, state: 'stopped', detail: `skipped: ${event.data.reason}` };
    case 'execution.task-cancelled.v1':
      return { id: event.data.taskId, state: 'stopped', detail: `cancelled: ${event.data.reason}` };
    case 'execution.task-reused.v1':
      return { id: event.data.taskId, state: 'succeeded', detail: 'taken over' };
    default:
      return undefined;
  }
}

function took(durationMs: number | null): Pick<TaskRow, 'startedAtMs' | 'durationMs'> {
  return { startedAtMs: undefined, durationMs: durationMs ?? undefined };
}
