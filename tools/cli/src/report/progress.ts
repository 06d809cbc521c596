import type { AnyEvent, PolicyDecision } from '@maestro/contracts';
import type { Paint } from '../screen.ts';

/** What a progress line needs of an event. */
export type ProgressEvent = { readonly at: string } & AnyEvent;

/** Longer task ids stand out to the right instead of pushing every line. */
const SUBJECT_WIDTH_MAX = 28;
const SUBJECT_WIDTH_MIN = 6;

/** Turns the events of one run, in order, into lines: time since the request, task, what happened. */
export class Progress {
  readonly #paint: Paint;
  #startMs: number | undefined;
  #width = SUBJECT_WIDTH_MIN;
  #taskCount = 0;
  #endedCount = 0;

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /** The line of an event; undefined: it is no news. */
  line(event: ProgressEvent): string | undefined {
    if (event.type === 'execution.requested.v1') {
      this.#startMs = Date.parse(event.at);
      this.#taskCount = event.data.tasks.length;
      this.#width = Math.min(SUBJECT_WIDTH_MAX, Math.max(SUBJECT_WIDTH_MIN, ...event.data.tasks.map(({ id }) => id.length)));
    }
    const news = newsOf(event, this.#paint);
    if (news === undefined) return undefined;
    const [subject, what, isEnd = false] = news;
    if (isEnd) this.#endedCount += 1;
    const count = isEnd ? this.#paint('faint', `  [${this.#endedCount}/${this.#taskCount}]`) : '';
    return `${this.#paint('faint', this.#clock(event.at))}  ${subject.padEnd(this.#width)}  ${what}${count}`;
  }

  #clock(at: string): string {
    const sinceMs = Date.parse(at) - (this.#startMs ?? Date.parse(at));
    return `${(sinceMs / 1_000).toFixed(2).padStart(7)}s`;
  }
}

/** Subject, what happened, and whether the subject is a task that has ended for good. */
type News = readonly [subject: string, what: string, isEnd?: boolean];

function newsOf(event: ProgressEvent, paint: Paint): News | undefined {
  switch (event.type) {
    case 'execution.requested.v1': {
      const { workflow, tasks, region } = event.data;
      const where = region === null ? '' : `, region ${region}`;
      return [
        'run',
        `requested: ${workflow.id} ${workflow.version} (${workflow.channel}), ${count(tasks.length, 'task')}${where}`,
      ];
    }
    case 'execution.policy-decided.v1':
      return ['policy', policyNews(event.data, paint)];
    case 'execution.denied.v1':
      return ['run', paint('bad', `✗ denied: ${[event.data.reason, ...event.data.violations].join(', ')}`)];
    case 'execution.started.v1':
      return ['run', 'started'];
    case 'execution.scheduling-deferred.v1':
      return ['run', `${count(event.data.remaining, 'task')} more to schedule`];
    case 'execution.cancel-requested.v1':
      return ['run', paint('attention', 'is being cancelled')];
    case 'execution.completed.v1':
      return ['run', event.data.verdict === 'succeeded' ? paint('good', '✓ succeeded') : paint('bad', `✗ ${event.data.verdict}`)];
    default:
      return taskNews(event, paint);
  }
}

function taskNews(event: ProgressEvent, paint: Paint): News | undefined {
  switch (event.type) {
    case 'execution.task-scheduled.v1':
      return [event.data.taskId, paint('faint', `→ scheduled${event.data.attempt > 1 ? `, attempt ${event.data.attempt}` : ''}`)];
    case 'execution.task-started.v1':
      return [event.data.taskId, `running on ${event.data.runner}`];
    case 'execution.task-succeeded.v1':
      return [event.data.taskId, `${paint('good', '✓ succeeded')}${took(event.data.durationMs)}`, true];
    case 'execution.task-failed.v1': {
      const { taskId, error, final, durationMs } = event.data;
      return [taskId, `${paint('bad', `✗ failed: ${error.code}`)}${took(durationMs)}${final ? '' : ', tries again'}`, final];
    }
    case 'execution.task-timed-out.v1': {
      const { taskId, timeoutMs, final } = event.data;
      return [taskId, `${paint('bad', '✗ timed out')} after ${seconds(timeoutMs)}${final ? '' : ', tries again'}`, final];
    }
    case 'execution.task-retry-scheduled.v1':
      return [event.data.taskId, paint('attention', `attempt ${event.data.attempt} in ${seconds(event.data.delayMs)}`)];
    case 'execution.task-skipped.v1':
      return [event.data.taskId, paint('attention', `– skipped: ${event.data.reason}`), true];
    case 'execution.task-reused.v1':
      return [event.data.taskId, `✓ taken over from run ${event.data.from.executionId}`, true];
    case 'execution.task-cancelled.v1':
      return [event.data.taskId, paint('attention', `– cancelled: ${event.data.reason}`), true];
    default:
      return undefined;
  }
}

function policyNews({ allow, reason, packs, taskId }: PolicyDecision, paint: Paint): string {
  const about = taskId === null ? '' : ` for ${taskId}`;
  if (allow) return `allowed${about} by ${packs.map(({ pack }) => pack).join(', ')}`;
  const by = packs.filter((one) => !one.allow).map(({ pack, violations }) => `${pack} (${violations.join(', ')})`);
  return paint('bad', `denied${about}${by.length === 0 ? `: ${reason ?? 'no decision'}` : ` by ${by.join(', ')}`}`);
}

function took(durationMs: number | null): string {
  return durationMs === null ? '' : ` in ${seconds(durationMs)}`;
}

/** Milliseconds for people. */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** `1 task`, `2 tasks`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
