import { anyObject, described, flag, list, nullable, object, oneOfValues, page, text, time, whole } from './schema-parts.ts';
import type { SchemaPart } from './schema-parts.ts';

export const RUN_STATUSES = ['checking', 'running', 'succeeded', 'failed', 'cancelled', 'timed-out', 'denied'] as const;
export const STAGES = ['publish', 'start', 'task'] as const;
export const AUDIT_ACTIONS = [
  'published',
  'publish-denied',
  'promoted',
  'rolled-back',
  'retired',
  'run-denied',
  'cancelled',
  'resumed',
  'receipt-superseded',
  'disclosed',
  'values-erased',
  'forbidden',
] as const;

const hash: SchemaPart = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const version: SchemaPart = { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+(-[a-z0-9.]+)?$' };
const labels: SchemaPart = { type: 'object', additionalProperties: { type: 'string' } };
const counts = object({ succeeded: whole, failed: whole, timedOut: whole, skipped: whole, cancelled: whole, reused: whole, attempts: whole });
const side = object({
  projection: described(nullable(whole), 'version of the rules that made the rows'),
  position: nullable(text),
  events: described(nullable(whole), 'events folded; null: not counted from the start'),
});

/** Components that lists of the read models refer to. */
export const listSchemas: { readonly [name: string]: SchemaPart } = {
  ExecutionRow: object({
    id: text,
    workflowId: text,
    version: text,
    channel: text,
    status: oneOfValues(...RUN_STATUSES),
    requestedAt: time,
    startedAt: nullable(time),
    finishedAt: nullable(time),
    actor: text,
    region: nullable(text),
    labels,
    resumedFrom: described(nullable(text), 'the run that this one goes on with'),
    taskCount: whole,
    counts: nullable(counts),
    costMicroUsd: nullable(whole),
    receipt: described(nullable(hash), 'digest of the bundle once it is signed'),
    appliedRevision: whole,
    appliedReceiptRevision: whole,
  }),
  ExecutionList: page('ExecutionRow'),
  WorkflowRow: object({
    id: described(text, 'lower case'),
    name: described(text, 'as it was first spelled'),
    draftVersion: version,
    stable: nullable(version),
    candidate: nullable(version),
    versions: list(version),
    labels: described(labels, 'of the draft'),
    publication: described(nullable(object({ checkId: text, actor: text })), 'who asked for the latest publication'),
    updatedAt: time,
    appliedRevision: whole,
  }),
  WorkflowList: page('WorkflowRow'),
  DecisionRow: object({
    id: described(text, 'of its event'),
    executionId: nullable(text),
    workflowId: text,
    stage: oneOfValues(...STAGES),
    taskId: nullable(text),
    attempt: nullable(whole),
    checkId: text,
    allow: flag,
    reason: described(nullable(text), 'why it was denied without a result'),
    packs: list(object({ pack: text, allow: flag, violations: list(text), obligations: list(text), packDigest: hash })),
    setDigest: hash,
    at: time,
    evaluatedAt: time,
    actor: described(text, 'the role that decided'),
    durationUs: whole,
    revision: whole,
  }),
  DecisionList: page('DecisionRow'),
  AuditRow: object({
    id: described(text, 'of its event; of the command, where it was forbidden'),
    at: time,
    actor: described(text, 'who asked for it'),
    action: oneOfValues(...AUDIT_ACTIONS),
    subject: text,
    subjectKind: oneOfValues('workflow', 'execution'),
    detail: anyObject,
  }),
  AuditList: page('AuditRow'),
  ReadModels: object({ served: side, filling: nullable(side), rebuildRequested: flag }),
};

