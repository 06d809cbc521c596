import type { Counts, EventOf, PlanTask, Prices } from '@maestro/contracts';

/** Every event of a run's stream. */
export type ExecutionEvent = Extract<import('@maestro/contracts').AnyEvent, { type: `execution.${string}` }>;
export type ExecutionRequested = EventOf<'execution.requested.v1'>['data'];

export type Verdict = 'succeeded' | 'failed' | 'cancelled' | 'timed-out' | 'denied';

/**
 * `none` → `checking` (policy) → `running` → `ended`. On the way out: `failing` and `cancelling`, where nothing new
 * starts and what runs may finish, and `timing-out`, where what runs is stopped.
 */
export type ExecutionPhase = 'none' | 'checking' | 'running' | 'failing' | 'cancelling' | 'timing-out' | 'ended';

/** `open`: handed out, or about to be. `done`: a terminal phase of the task. */
export type TaskPhase =
  | 'waiting' // for its needs
  | 'checking' // policy looks at its arguments
  | 'scheduled' // handed to a runner
  | 'started' // a runner said so
  | 'backing-off' // until its next attempt
  | 'succeeded'
  | 'failed'
  | 'timed-out'
  | 'skipped'
  | 'cancelled';

/** One task of a run; replaced as a whole, never changed. */
export type TaskState = {
  readonly phase: TaskPhase;
  /** number of the latest attempt; 0: none yet */
  readonly attempt: number;
  /** needs that have not succeeded yet */
  readonly waitingFor: number;
  /** revision of the event that holds its output */
  readonly outputRevision: number | null;
  readonly leaseId: string | null;
  /** set where policy checked the arguments of this attempt */
  readonly argumentsCommitment: string | null;
  readonly reused: boolean;
};

/** Reads fall through to the state below; writes stay here. So a decision costs what it changes. */
export interface TaskTable {
  get(id: string): TaskState | undefined;
  set(id: string, task: TaskState): unknown;
}

/** What is known of a run after its latest event. Holds ids, phases, revisions and commitments; never a value. */
export type ExecutionState = {
  phase: ExecutionPhase;
  /** of the latest event; -1: none */
  revision: number;
  request: ExecutionRequested | undefined;
  /** static shape of the DAG, shared by all states of the run */
  shape: RunShape | undefined;
  tasks: TaskTable;
  /** tasks that may be scheduled and are not yet, in plan order of becoming ready */
  ready: readonly string[];
  /** policy checks that nobody answered yet: check id → task id (null: the run's own) */
  checks: ReadonlyMap<string, string | null>;
  /** tasks in phase scheduled or started */
  openCount: number;
  /** tasks in no terminal phase */
  unfinishedCount: number;
  counts: Counts;
  costMicroUsd: number;
  verdict: Verdict | undefined;
  startedAt: string | undefined;
  /** after it, what still runs is stopped; undefined: nobody asked to cancel */
  graceUntil: string | undefined;
  /** an attempt was taken from its runner: the grace has ended, whatever the next clock says that is asked */
  isGraceOver: boolean;
  /** revision of the latest `scheduling-deferred` that nothing followed up; undefined: none */
  deferredRevision: number | undefined;
};

/** What of the DAG never changes. */
export type RunShape = {
  readonly byId: ReadonlyMap<string, PlanTask>;
  readonly order: readonly string[];
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  readonly prices: Prices;
};

export const NO_COUNTS: Counts = { succeeded: 0, failed: 0, timedOut: 0, skipped: 0, cancelled: 0, reused: 0, attempts: 0 };

export function initialExecution(): ExecutionState {
  return {
    phase: 'none',
    revision: -1,
    request: undefined,
    shape: undefined,
    tasks: new Map(),
    ready: [],
    checks: new Map(),
    openCount: 0,
    unfinishedCount: 0,
    counts: NO_COUNTS,
    costMicroUsd: 0,
    verdict: undefined,
    startedAt: undefined,
    graceUntil: undefined,
    isGraceOver: false,
    deferredRevision: undefined,
  };
}

/** A state to try events on: what is written to it never reaches the original. */
export function forkExecution(state: ExecutionState): ExecutionState {
  return { ...state, tasks: overlay(state.tasks) };
}

function overlay(below: TaskTable): TaskTable {
  const own = new Map<string, TaskState>();
  return { get: (id) => own.get(id) ?? below.get(id), set: (id, task) => own.set(id, task) };
}

/** A run that was requested always has both. */
export function shapeOf(state: ExecutionState): { readonly request: ExecutionRequested; readonly shape: RunShape } {
  if (state.request === undefined || state.shape === undefined) throw new Error('the run has no request event');
  return { request: state.request, shape: state.shape };
}

/** What the plan says of a task; asking for another one is a bug. */
export function plannedTask(state: ExecutionState, id: string): PlanTask {
  const task = shapeOf(state).shape.byId.get(id);
  if (task === undefined) throw new Error(`no task ${id} in the plan`);
  return task;
}

/** Where a task of the plan stands; asking for another one is a bug. */
export function taskOf(state: ExecutionState, id: string): TaskState {
  const task = state.tasks.get(id);
  if (task === undefined) throw new Error(`no task ${id} in the plan`);
  return task;
}
