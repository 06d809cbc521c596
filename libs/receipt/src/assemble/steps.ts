import type { AnyEvent, PlanTask, ReceiptV1 } from '@maestro/contracts';

/** One attempt of one task; a task without attempts is one step too. */
export type ReceiptStep = ReceiptV1['steps'][number];
/** How a receipt writes a digest or commitment. */
export type ReceiptDigest = `sha256:${string}`;

/** 64 hex characters → `sha256:<hex>`; null stays null. */
export function digestOf(hash: string): ReceiptDigest;
export function digestOf(hash: string | null): ReceiptDigest | null;
export function digestOf(hash: string | null): ReceiptDigest | null {
  return hash === null ? null : `sha256:${hash}`;
}

type AttemptEnd = Extract<
  AnyEvent,
  { type: `execution.task-${'succeeded' | 'failed' | 'timed-out' | 'cancelled'}.v1` }
>;
type Started = Extract<AnyEvent, { type: 'execution.task-started.v1' }>['data'];

const NEVER_RAN = {
  attempt: null,
  startedAt: null,
  durationMs: null,
  digest: null,
  argumentsCommitment: null,
  logCommitment: null,
  runner: null,
  code: null,
  reason: null,
  public: {},
  reusedFrom: null,
  costMicroUsd: 0,
} as const;

/**
 * Steps in plan order, within a task in order of attempt: events come so, and a skip comes after all attempts.
 * A task that no event mentions (the run was denied) is skipped with reason `run-denied`.
 * Throws when an event names a task that the plan does not hold.
 */
export function stepsOf(tasks: readonly PlanTask[], events: readonly AnyEvent[]): ReceiptStep[] {
  const plan = new Map(tasks.map((task) => [task.id, task]));
  const started = new Map<string, Started>();
  const steps: ReceiptStep[] = [];
  for (const event of events) {
    if (event.type === 'execution.task-started.v1') started.set(event.data.taskId, event.data);
    const step = stepOf(event, plan, started);
    if (step !== undefined) steps.push(step);
  }
  const byTask = Map.groupBy(steps, ({ id }) => id);
  return tasks.flatMap((task) => byTask.get(task.id) ?? [{ ...NEVER_RAN, ...pinned(task), status: 'skipped', reason: 'run-denied' }]);
}

function stepOf(event: AnyEvent, plan: ReadonlyMap<string, PlanTask>, started: ReadonlyMap<string, Started>): ReceiptStep | undefined {
  switch (event.type) {
    case 'execution.task-succeeded.v1':
    case 'execution.task-failed.v1':
    case 'execution.task-timed-out.v1':
    case 'execution.task-cancelled.v1':
      return attemptStep(event, taskIn(plan, event.data.taskId), started.get(event.data.taskId));
    case 'execution.task-skipped.v1':
      return { ...NEVER_RAN, ...pinned(taskIn(plan, event.data.taskId)), status: 'skipped', reason: event.data.reason };
    case 'execution.task-reused.v1': {
      const { taskId, output, from } = event.data;
      const reusedFrom = { ...from, eventHash: digestOf(from.eventHash) };
      const digest = digestOf(output.commitment);
      return { ...NEVER_RAN, ...pinned(taskIn(plan, taskId)), status: 'ok', digest, public: event.data.public, reusedFrom };
    }
    default:
      return undefined;
  }
}

const STATUS = {
  'execution.task-succeeded.v1': 'ok',
  'execution.task-failed.v1': 'failed',
  'execution.task-timed-out.v1': 'timed-out',
  'execution.task-cancelled.v1': 'cancelled',
} as const;

/** What the end of an attempt leaves open (it was stopped, not reported) is filled from its start. */
function attemptStep(event: AttemptEnd, task: PlanTask, latestStart: Started | undefined): ReceiptStep {
  const { attempt, startedAt, durationMs, argumentsCommitment, log, runner, costMicroUsd } = event.data;
  const started = latestStart?.attempt === attempt ? latestStart : undefined;
  const succeeded = event.type === 'execution.task-succeeded.v1' ? event.data : undefined;
  return {
    ...pinned(task),
    attempt,
    status: STATUS[event.type],
    startedAt: startedAt ?? started?.startedAt ?? null,
    durationMs,
    digest: digestOf(succeeded?.output.commitment ?? null),
    argumentsCommitment: digestOf(argumentsCommitment),
    logCommitment: digestOf(log?.commitment ?? null),
    runner: runner ?? started?.runner ?? null,
    code: event.type === 'execution.task-failed.v1' ? event.data.error.code : null,
    reason: event.type === 'execution.task-cancelled.v1' ? event.data.reason : null,
    public: succeeded?.public ?? {},
    reusedFrom: null,
    costMicroUsd,
  };
}

function pinned(task: PlanTask): Pick<ReceiptStep, 'id' | 'uses' | 'packageDigest'> {
  return { id: task.id, uses: task.uses, packageDigest: digestOf(task.packageDigest) };
}

function taskIn(plan: ReadonlyMap<string, PlanTask>, id: string): PlanTask {
  const task = plan.get(id);
  if (task === undefined) throw new Error(`the history names task ${id}, which its plan does not hold`);
  return task;
}
