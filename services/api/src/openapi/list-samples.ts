import { SAMPLE_EXECUTION_ID } from './samples.ts';

const AT = '2026-01-05T10:00:00.000Z';
const HASH = '0a'.repeat(32);
const COUNTS = { succeeded: 1, failed: 0, timedOut: 0, skipped: 0, cancelled: 0, reused: 0, attempts: 1 };
const pageOf = (row: object): object => ({ items: [row], next: null, position: '7', upToDate: true, lagMs: 0 });

/** Pages that the document shows as examples. */
export const SAMPLE_EXECUTIONS = pageOf({
  id: SAMPLE_EXECUTION_ID,
  workflowId: 'sample-workflow',
  version: '0.1.0',
  channel: 'stable',
  status: 'succeeded',
  requestedAt: AT,
  startedAt: AT,
  finishedAt: '2026-01-05T10:00:01.000Z',
  actor: 'user:local',
  region: 'US',
  labels: { team: 'payments' },
  resumedFrom: null,
  taskCount: 1,
  counts: COUNTS,
  costMicroUsd: 11,
  receipt: HASH,
  appliedRevision: 6,
  appliedReceiptRevision: 0,
});

export const SAMPLE_WORKFLOWS = pageOf({
  id: 'sample-workflow',
  name: 'sample-workflow',
  draftVersion: '0.1.0',
  stable: '0.1.0',
  candidate: null,
  versions: ['0.1.0'],
  labels: { team: 'payments' },
  publication: { checkId: 'publish/1', actor: 'user:local' },
  updatedAt: AT,
  appliedRevision: 3,
});

export const SAMPLE_DECISIONS = pageOf({
  id: '01920000-0000-8000-8000-000000000002',
  executionId: SAMPLE_EXECUTION_ID,
  workflowId: 'sample-workflow',
  stage: 'start',
  taskId: null,
  attempt: null,
  checkId: 'start',
  allow: false,
  reason: null,
  packs: [{ pack: 'pii', allow: false, violations: ['PII_KEY'], obligations: [], packDigest: HASH }],
  setDigest: HASH,
  at: AT,
  evaluatedAt: AT,
  actor: 'role:policy',
  durationUs: 420,
  revision: 2,
});

export const SAMPLE_AUDIT = pageOf({
  id: '01920000-0000-8000-8000-000000000003',
  at: AT,
  actor: 'user:local',
  action: 'promoted',
  subject: 'sample-workflow',
  subjectKind: 'workflow',
  detail: { version: '0.2.0', replaces: '0.1.0', reason: 'OPERATOR_REQUEST', comment: '' },
});

export const SAMPLE_READ_MODELS = { served: { projection: 2, position: '7', events: 7 }, filling: null, rebuildRequested: false };
