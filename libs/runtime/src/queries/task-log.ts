import type { SealedValue } from '@maestro/contracts';
import { executionStream } from '@maestro/domain';
import type { ExecutionId, Recorded } from '@maestro/domain';
import type { EventStore } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import type { SealedValues } from '../sealed-values.ts';
import { isTerminal, readHistory } from './stream-history.ts';
import type { Unreadable } from './stream-history.ts';

/** What an attempt printed and logged; empty where that was nothing. At most 1 MiB; a cut is marked at its end. */
export type TaskLog = { readonly kind: 'log'; readonly executionId: string; readonly taskId: string; readonly attempt: number; readonly text: string };

export type NoTaskLog =
  | { readonly kind: 'missing' }
  | { readonly kind: 'task-missing' }
  /** there is no such attempt, and none will be; `reusedFrom`: the run in which the task really ran */
  | { readonly kind: 'attempt-missing'; readonly attempt: number | null; readonly reusedFrom: string | null }
  /** it has not ended, or not begun: its log comes with its end */
  | { readonly kind: 'not-ended'; readonly attempt: number | null }
  | { readonly kind: 'erased' };

type Ended = { readonly recorded: Recorded; readonly log: SealedValue | null };
type Attempts = { readonly ended: ReadonlyMap<number, Ended>; readonly latest: number | null; readonly reusedFrom: string | null };

/** The log of one attempt, the latest unless told. Faults of the stores pass through, a damaged log among them. */
export async function readTaskLog(store: EventStore, values: Pick<SealedValues, 'open' | 'tag'>, id: ExecutionId, taskId: string, asked: number | null): Promise<TaskLog | NoTaskLog | Unreadable> {
  const history = await readHistory(store, executionStream(id));
  if (history.kind !== 'history') return history;
  const { event } = history.events[0];
  const planned = event.type === 'execution.requested.v1' ? event.data.tasks.find((task) => task.id === taskId) : undefined;
  if (event.type !== 'execution.requested.v1' || planned === undefined) return { kind: 'task-missing' };
  const { ended, latest, reusedFrom } = attemptsOf(history.events, taskId);
  const attempt = asked ?? latest;
  const found = attempt === null ? undefined : ended.get(attempt);
  if (attempt === null || found === undefined) {
    const goesOn = reusedFrom === null && !history.events.some((one) => isTerminal(one.event.type));
    return goesOn && (attempt ?? 1) <= planned.retries + 1 ? { kind: 'not-ended', attempt } : { kind: 'attempt-missing', attempt, reusedFrom };
  }
  const text = found.log === null ? '' : await openUnlessErased(values, event.data.dataKeyId, found.recorded, found.log);
  return text === undefined ? { kind: 'erased' } : { kind: 'log', executionId: id, taskId, attempt, text };
}

function attemptsOf(events: readonly Recorded[], taskId: string): Attempts {
  const ended = new Map<number, Ended>();
  const attempts: number[] = [];
  let reusedFrom: string | null = null;
  for (const recorded of events) {
    const { event } = recorded;
    switch (event.type) {
      case 'execution.task-scheduled.v1':
        if (event.data.taskId === taskId) attempts.push(event.data.attempt);
        break;
      case 'execution.task-reused.v1':
        if (event.data.taskId === taskId) reusedFrom = event.data.from.executionId;
        break;
      case 'execution.task-succeeded.v1':
      case 'execution.task-failed.v1':
      case 'execution.task-timed-out.v1':
      case 'execution.task-cancelled.v1':
        if (event.data.taskId !== taskId) break;
        // policy may end an attempt that was never handed out
        attempts.push(event.data.attempt);
        ended.set(event.data.attempt, { recorded, log: event.data.log });
        break;
      default:
    }
  }
  return { ended, latest: attempts.length === 0 ? null : Math.max(...attempts), reusedFrom };
}

/** A key that is gone opens nothing, whatever is still remembered of its values. */
async function openUnlessErased(values: Pick<SealedValues, 'open' | 'tag'>, keyId: string, recorded: Recorded, log: SealedValue): Promise<string | undefined> {
  try {
    await values.tag(keyId, 'log');
    return String(await values.open(recorded, '/log', log));
  } catch (error) {
    if (isFault(error, 'KEY_DESTROYED')) return undefined;
    throw error;
  }
}
