import type { Counts, ExecutionCompletedV1 } from '@maestro/contracts';
import type { Recorded } from '../decider.ts';
import type { Verdict } from '../execution/state.ts';

/** One run in lists and searches. Public data only. */
export type ExecutionRow = {
  readonly id: string;
  readonly workflowId: string;
  readonly version: string;
  readonly channel: string;
  readonly status: 'checking' | 'running' | Verdict;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly actor: string;
  readonly region: string | null;
  readonly labels: { readonly [key: string]: string };
  /** the run that this one goes on with; null: begun anew */
  readonly resumedFrom: string | null;
  readonly taskCount: number;
  readonly counts: Counts | null;
  readonly costMicroUsd: number | null;
  /** bundle digest once signed */
  readonly receipt: string | null;
  /** of the latest event of each of its streams that was folded in */
  readonly appliedRevision: number;
  readonly appliedReceiptRevision: number;
};

/** Folds one event of `execution-<id>` or `receipt-<id>`; the same event twice changes nothing. */
export function projectExecution(row: ExecutionRow | undefined, recorded: Recorded): ExecutionRow | undefined {
  const { event, revision, at } = recorded;
  if (event.type === 'receipt.signed.v1') {
    if (row === undefined || revision <= row.appliedReceiptRevision) return row;
    return { ...row, receipt: event.data.bundleDigest, appliedReceiptRevision: revision };
  }
  if (event.type === 'execution.requested.v1') return row ?? requested(recorded, event.data);
  if (row === undefined || !recorded.stream.startsWith('execution-') || revision <= row.appliedRevision) return row;
  const next = { ...row, appliedRevision: revision };
  switch (event.type) {
    case 'execution.started.v1':
      return { ...next, status: 'running', startedAt: at };
    case 'execution.denied.v1':
      return ended(next, 'denied', at, event.data);
    case 'execution.completed.v1':
      return ended(next, event.data.verdict, at, event.data);
    default:
      return next;
  }
}

function requested(recorded: Recorded, data: Extract<Recorded['event'], { type: 'execution.requested.v1' }>['data']): ExecutionRow {
  return {
    id: data.executionId,
    workflowId: data.workflow.id,
    version: data.workflow.version,
    channel: data.workflow.channel,
    status: 'checking',
    requestedAt: recorded.at,
    startedAt: null,
    finishedAt: null,
    actor: recorded.actor,
    region: data.region,
    labels: data.labels,
    resumedFrom: data.resumedFrom?.executionId ?? null,
    taskCount: data.tasks.length,
    counts: null,
    costMicroUsd: null,
    receipt: null,
    appliedRevision: recorded.revision,
    appliedReceiptRevision: -1,
  };
}

type End = Pick<ExecutionCompletedV1['data'], 'counts' | 'costMicroUsd'>;

function ended(row: ExecutionRow, status: Verdict, at: string, { counts, costMicroUsd }: End): ExecutionRow {
  return { ...row, status, finishedAt: at, counts, costMicroUsd };
}
