import type { Counts, PlanTask, PolicyDecision } from '@maestro/contracts';
import { executionDecider, executionStream, usdOf } from '@maestro/domain';
import type { ExecutionEvent, ExecutionId, ExecutionPhase, ExecutionState, Recorded, TaskPhase, Verdict } from '@maestro/domain';
import type { Cursor, EventStore } from '@maestro/ports';
import { historyAt } from './moment.ts';
import type { Moment, NotThen } from './moment.ts';
import { readHistory } from './stream-history.ts';
import type { Unreadable } from './stream-history.ts';
import { BLANK_TIMES, foldTaskTimes } from './task-times.ts';
import type { TaskTimes } from './task-times.ts';

export type TaskView = {
  readonly id: string;
  readonly uses: string;
  readonly class: PlanTask['class'];
  readonly needs: readonly string[];
  readonly phase: TaskPhase;
  /** number of the latest attempt; 0: none yet */
  readonly attempt: number;
  readonly reused: boolean;
} & TaskTimes;

/** A policy decision without what it saw: input and findings stay sealed. */
export type DecisionView = Pick<PolicyDecision, 'checkId' | 'stage' | 'taskId' | 'attempt' | 'allow' | 'reason' | 'packs' | 'evaluatedAt'>;

/** One run as it is now, folded from its stream. Public data only. */
export type ExecutionView = {
  readonly kind: 'execution';
  readonly id: string;
  readonly workflow: { readonly id: string; readonly version: string; readonly digest: string; readonly channel: string };
  /** as lists write it: `checking`, `running`, or the verdict */
  readonly status: 'checking' | 'running' | Verdict;
  /** finer than the status: on its way out a run is failing, cancelling or timing-out */
  readonly phase: ExecutionPhase;
  readonly verdict: Verdict | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly requestedBy: string;
  readonly rollout: 'canary' | 'all' | null;
  readonly region: string | null;
  readonly labels: { readonly [key: string]: string };
  readonly counts: Counts;
  readonly cost: { readonly currency: 'USD'; readonly microUsd: number; readonly usd: number };
  readonly policyDecisions: readonly DecisionView[];
  /** in the order of the manifest */
  readonly tasks: readonly TaskView[];
  readonly resumedFrom: string | null;
  /** of the latest event */
  readonly revision: number;
  readonly position: Cursor;
};

type Details = {
  finishedAt: string | null;
  readonly decisions: DecisionView[];
  readonly times: Map<string, TaskTimes>;
};

/** Always fresh: read from the event store, never from a view that lags. With a moment: as it was then. */
export async function readExecution(store: EventStore, id: ExecutionId): Promise<ExecutionView | Unreadable | { readonly kind: 'missing' }>;
export async function readExecution(store: EventStore, id: ExecutionId, moment: Moment | null): Promise<ExecutionView | Unreadable | NotThen | { readonly kind: 'missing' }>;
export async function readExecution(store: EventStore, id: ExecutionId, moment: Moment | null = null): Promise<ExecutionView | Unreadable | NotThen | { readonly kind: 'missing' }> {
  const now = await readHistory(store, executionStream(id));
  if (now.kind !== 'history') return now;
  const history = moment === null ? now : historyAt(now, moment);
  if (history.kind !== 'history') return history;
  let state = executionDecider.initial();
  const details: Details = { finishedAt: null, decisions: [], times: new Map() };
  for (const recorded of history.events) {
    state = executionDecider.evolve(state, recorded as Recorded<ExecutionEvent>);
    foldDetails(details, recorded);
  }
  return viewOf(state, details, history.events[0], history.position);
}

function foldDetails(details: Details, recorded: Recorded): void {
  const { event, at } = recorded;
  if (event.type === 'execution.completed.v1' || event.type === 'execution.denied.v1') details.finishedAt = at;
  if (event.type === 'execution.policy-decided.v1') {
    const { checkId, stage, taskId, attempt, allow, reason, packs, evaluatedAt } = event.data;
    details.decisions.push({ checkId, stage, taskId, attempt, allow, reason, packs, evaluatedAt });
  }
  foldTaskTimes(details.times, recorded);
}

function viewOf(state: ExecutionState, details: Details, first: Recorded, position: Cursor): ExecutionView | Unreadable {
  const { request } = state;
  if (request === undefined) return { kind: 'unreadable', code: 'STORE_DAMAGED', detail: `${first.stream} does not begin with a request` };
  const { workflow } = request;
  return {
    kind: 'execution',
    id: request.executionId,
    workflow: { id: workflow.id, version: workflow.version, digest: `sha256:${workflow.manifestDigest}`, channel: workflow.channel },
    status: state.verdict ?? (state.phase === 'checking' ? 'checking' : 'running'),
    phase: state.phase,
    verdict: state.verdict ?? null,
    requestedAt: first.at,
    startedAt: state.startedAt ?? null,
    finishedAt: details.finishedAt,
    requestedBy: first.actor,
    rollout: request.rollout,
    region: request.region,
    labels: request.labels,
    counts: state.counts,
    cost: { currency: 'USD', microUsd: state.costMicroUsd, usd: usdOf(state.costMicroUsd) },
    policyDecisions: details.decisions,
    tasks: request.tasks.map((task) => taskView(task, state, details.times)),
    resumedFrom: request.resumedFrom?.executionId ?? null,
    revision: state.revision,
    position,
  };
}

function taskView(task: PlanTask, state: ExecutionState, times: ReadonlyMap<string, TaskTimes>): TaskView {
  const now = state.tasks.get(task.id);
  return {
    id: task.id,
    uses: task.uses,
    class: task.class,
    needs: task.needs,
    phase: now?.phase ?? 'waiting',
    attempt: now?.attempt ?? 0,
    reused: now?.reused ?? false,
    ...(times.get(task.id) ?? BLANK_TIMES),
  };
}
