import type { AuditRow, CommandRow, DecisionRow, ExecutionRow, ReceiptRow, WorkflowRow } from '@maestro/domain';
import type { FoldedBatch, ReadModels, Upserts } from '@maestro/ports';
import type { ConformanceCase } from './matrix.ts';

/** Read models with their own empty data, made by the binding for one case. */
export type ReadModelsHarness = {
  open(): Promise<ReadModels>;
  /** closes them and opens others on the same data; undefined: nothing is kept between openings */
  reopen?(): Promise<ReadModels>;
  dispose(): Promise<void>;
};
export type ReadModelsFactory = () => Promise<ReadModelsHarness>;
export type ReadModelsCase = ConformanceCase<ReadModelsHarness>;

/** A run that stands at a minute of one hour. */
export function run(n: number, more: Partial<ExecutionRow> = {}): ExecutionRow {
  const minute = String(n % 60).padStart(2, '0');
  return {
    id: `run-${n}`,
    workflowId: 'sample',
    version: '0.1.0',
    channel: 'stable',
    status: 'running',
    requestedAt: `2026-01-05T10:${minute}:00.000Z`,
    startedAt: null,
    finishedAt: null,
    actor: 'user:local',
    region: null,
    labels: {},
    resumedFrom: null,
    taskCount: 1,
    counts: null,
    costMicroUsd: null,
    receipt: null,
    appliedRevision: 0,
    appliedReceiptRevision: -1,
    ...more,
  };
}

export const workflow: WorkflowRow = {
  id: 'sample',
  name: 'Sample',
  draftVersion: '0.1.0',
  stable: null,
  candidate: null,
  versions: [],
  labels: {},
  publication: null,
  updatedAt: '2026-01-05T10:00:00.000Z',
  appliedRevision: 0,
};

export const command: CommandRow = {
  id: 'c'.repeat(64),
  type: 'execution.start.v1',
  stream: 'execution-1',
  revision: 0,
  at: '2026-01-05T10:00:00.000Z',
  actor: 'user:local',
  result: { executionId: '1' },
};

/** Rows of one step of folding. */
export const batch = (cursor: string, upserts: Upserts, events = 1): FoldedBatch => ({ cursor, events, upserts });
export const ids = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id);

/** A decision on a run, one minute after the other. */
export function decision(n: number, more: Partial<DecisionRow> = {}): DecisionRow {
  const at = `2026-01-05T10:${String(n).padStart(2, '0')}:00.000Z`;
  return {
    id: `decision-${n}`,
    executionId: `run-${n}`,
    workflowId: 'sample',
    stage: 'start',
    taskId: null,
    attempt: null,
    checkId: 'start',
    allow: true,
    reason: null,
    packs: [{ pack: 'pii', allow: true, violations: [], obligations: [], packDigest: 'a'.repeat(64) }],
    setDigest: 'b'.repeat(64),
    at,
    evaluatedAt: at,
    actor: 'role:policy',
    durationUs: 10,
    revision: 2,
    ...more,
  };
}

export const auditEntry: AuditRow = { id: 'audit-1', at: '2026-01-05T10:00:00.000Z', actor: 'user:a', action: 'promoted', subject: 'sample', subjectKind: 'workflow', detail: { version: '1.0.0' } };

export const receipt: ReceiptRow = { id: 'd'.repeat(64), document: 'bundle', executionId: 'run-1', bundleDigest: 'd'.repeat(64), revision: 0, at: '2026-01-05T10:00:00.000Z' };
