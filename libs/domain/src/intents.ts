import type { AnyEvent } from '@maestro/contracts';
import type { Recorded } from './decider.ts';
import { POLICY_DEADLINE_MS } from './execution/advance.ts';
import type { RunTimer } from './execution/command.ts';
import { CANCEL_GRACE_MS } from './execution/decide.ts';
import { later } from './execution/draft.ts';
import { traceContextOf } from './trace-context.ts';

/** Something that an event asks for; it is open until its result, or the end of the run, closes it. */
export type Intent = {
  readonly key: string;
  readonly stream: string;
  /** the event that asks; its id names the work */
  readonly eventId: string;
  readonly revision: number;
  readonly at: string;
  /** of the request that led to it, where it was traced */
  readonly traceparent?: string;
} & (
  | { readonly kind: 'policy-check'; readonly checkId: string }
  | { readonly kind: 'task'; readonly taskId: string; readonly attempt: number }
  | { readonly kind: 'schedule-more' }
  /**
   * `waitMs`: from the event to `dueAt`, by the clock that decided. `at` may be later than that clock said, since times of a
   * stream never run backwards. Absent: written by a release that did not say it
   */
  | { readonly kind: 'timer'; readonly dueAt: string; readonly waitMs?: number; readonly timer: RunTimer }
);

/** What one event opens and closes, the closes first. A close is a key, or a prefix that ends in `/`. */
export type IntentChange = { readonly opens: readonly Intent[]; readonly closes: readonly string[] };

const NOTHING: IntentChange = { opens: [], closes: [] };

/**
 * Dispatch and timers are this fold. Keys start with the stream, then with the task that they are about, so that a
 * skipped task or an ended run closes whatever is open below it.
 */
export function intentsOf(recorded: Recorded): IntentChange {
  const { event, stream, at } = recorded;
  switch (event.type) {
    case 'workflow.publish-requested.v1':
      return { opens: check(recorded, event.data.checkId, later(at, POLICY_DEADLINE_MS)), closes: [] };
    case 'workflow.published.v1':
    case 'workflow.publish-denied.v1':
    case 'execution.denied.v1':
    case 'execution.completed.v1':
      return { opens: [], closes: [`${stream}/`] };
    case 'execution.requested.v1': {
      const { runTimeoutMs } = event.data;
      return { opens: [timer(recorded, `${stream}/limit`, later(at, runTimeoutMs), runTimeoutMs, { kind: 'run-limit' })], closes: [] };
    }
    case 'execution.policy-check-requested.v1':
      return { opens: check(recorded, event.data.checkId, event.data.deadlineAt), closes: [] };
    case 'execution.task-policy-check-requested.v1': {
      const { checkId, deadlineAt, taskId } = event.data;
      return { opens: check(recorded, checkId, deadlineAt), closes: [`${stream}/task/${taskId}/`, `${stream}/more`] };
    }
    case 'execution.policy-decided.v1':
      return { opens: [], closes: [`${stream}/${event.data.checkId}/`] };
    case 'execution.task-scheduled.v1':
      return scheduled(recorded, event);
    case 'execution.task-reused.v1':
      return { opens: [], closes: [`${stream}/more`] };
    case 'execution.scheduling-deferred.v1':
      return { opens: [{ ...opened(recorded, `${stream}/more`), kind: 'schedule-more' }], closes: [] };
    case 'execution.task-retry-scheduled.v1': {
      const { taskId, attempt, notBefore, delayMs } = event.data;
      const key = `${stream}/task/${taskId}/${attempt}/retry`;
      return { opens: [timer(recorded, key, notBefore, delayMs, { kind: 'retry-due', taskId, attempt })], closes: [] };
    }
    case 'execution.task-succeeded.v1':
    case 'execution.task-failed.v1':
    case 'execution.task-timed-out.v1':
    case 'execution.task-cancelled.v1':
    case 'execution.task-skipped.v1':
      return { opens: [], closes: [`${stream}/task/${event.data.taskId}/`, ...(isBulk(event) ? [`${stream}/more`] : [])] };
    case 'execution.cancel-requested.v1': {
      const { graceUntil } = event.data;
      return { opens: [timer(recorded, `${stream}/grace`, graceUntil, CANCEL_GRACE_MS, { kind: 'cancel-grace' })], closes: [] };
    }
    default:
      return NOTHING;
  }
}

// what continues a deferred commit closes the deferral; it opens a new one itself when there is still more
function isBulk(event: AnyEvent): boolean {
  return event.type === 'execution.task-skipped.v1' || event.type === 'execution.task-cancelled.v1';
}

function scheduled(recorded: Recorded, { data }: Extract<AnyEvent, { type: 'execution.task-scheduled.v1' }>): IntentChange {
  const { stream } = recorded;
  const { taskId, attempt } = data;
  return {
    opens: [{ ...opened(recorded, `${stream}/task/${taskId}/${attempt}/run`), kind: 'task', taskId, attempt }],
    closes: [`${stream}/task/${taskId}/`, `${stream}/more`],
  };
}

function check(recorded: Recorded, checkId: string, deadlineAt: string): readonly Intent[] {
  const below = `${recorded.stream}/${checkId}`;
  return [
    { ...opened(recorded, `${below}/check`), kind: 'policy-check', checkId },
    timer(recorded, `${below}/deadline`, deadlineAt, POLICY_DEADLINE_MS, { kind: 'policy-deadline', checkId }),
  ];
}

function timer(recorded: Recorded, key: string, dueAt: string, waitMs: number, what: RunTimer): Intent {
  return { ...opened(recorded, key), kind: 'timer', dueAt, waitMs, timer: what };
}

type Opened = Pick<Intent, 'key' | 'stream' | 'eventId' | 'revision' | 'at' | 'traceparent'>;

function opened({ stream, id, revision, at, correlationId }: Recorded, key: string): Opened {
  const traceparent = traceContextOf(correlationId);
  return { key, stream, eventId: id, revision, at, ...(traceparent === undefined ? {} : { traceparent }) };
}
