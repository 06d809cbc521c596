import { anyObject, comment, described, digest, flag, list, nullable, number, object, oneOfValues, page, position, ref, region, text, time, version, whole, workflowId } from './schema-parts.ts';
import type { SchemaPart } from './schema-parts.ts';

const VERDICTS = ['succeeded', 'failed', 'cancelled', 'timed-out', 'denied'] as const;
const verdict = oneOfValues(...VERDICTS);
const status = oneOfValues('checking', 'running', ...VERDICTS);
const rollout = oneOfValues('canary', 'all');
const counts = object({ succeeded: whole, failed: whole, timedOut: whole, skipped: whole, cancelled: whole, reused: whole, attempts: whole });
const decision = object({
  checkId: text,
  stage: oneOfValues('publish', 'start', 'task'),
  taskId: nullable(text),
  attempt: nullable(whole),
  allow: flag,
  reason: nullable(text),
  packs: list(object({ pack: text, allow: flag, violations: list(text), obligations: list(text), packDigest: text })),
  evaluatedAt: time,
});

/** Components that requests and answers about runs refer to. */
export const executionSchemas: { readonly [name: string]: SchemaPart } = {
  StartRequest: {
    ...object({ workflowId, inputs: anyObject, rollout, version, region }, { optional: ['inputs', 'rollout', 'version', 'region'] }),
    additionalProperties: false,
  },
  CancelRequest: {
    ...object({ reason: described({ type: 'string', pattern: '^[A-Z][A-Z0-9_]{1,63}$' }, 'a code of yours'), comment }, { optional: ['reason', 'comment'] }),
    additionalProperties: false,
  },
  ResumeRequest: { ...object({}), additionalProperties: false },
  StartedExecution: object({ id: text, position, links: ref('ExecutionLinks') }),
  ExecutionLinks: object({ self: text, events: text, receipt: text, verify: text }),
  Execution: object({
    id: text,
    workflow: object({ id: text, version: text, digest, channel: oneOfValues('stable', 'candidate', 'pinned') }),
    status,
    phase: oneOfValues('none', 'checking', 'running', 'failing', 'cancelling', 'timing-out', 'ended'),
    verdict: nullable(verdict),
    requestedAt: time,
    startedAt: nullable(time),
    finishedAt: nullable(time),
    requestedBy: text,
    rollout: nullable(rollout),
    region: nullable(text),
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    counts,
    cost: object({ currency: { const: 'USD' }, microUsd: whole, usd: number }),
    policyDecisions: list(decision),
    tasks: list(ref('ExecutionTask')),
    resumedFrom: nullable(text),
    revision: whole,
    position,
    links: ref('ExecutionLinks'),
  }),
  ExecutionTask: object({
    id: text,
    uses: text,
    class: oneOfValues('small', 'medium', 'large'),
    needs: list(text),
    phase: oneOfValues('waiting', 'checking', 'scheduled', 'started', 'backing-off', 'succeeded', 'failed', 'timed-out', 'skipped', 'cancelled'),
    attempt: described(whole, 'number of the latest attempt; 0: none yet'),
    reused: flag,
    scheduledAt: nullable(time),
    startedAt: nullable(time),
    finishedAt: nullable(time),
    durationMs: nullable(whole),
    code: described(nullable(text), 'error of a failed attempt'),
    reason: described(nullable(text), 'why it was skipped or cancelled'),
    public: described(anyObject, 'outputs that the package declares public'),
    costMicroUsd: whole,
  }),
  ExecutionRow: object({
    id: text,
    workflowId: text,
    version: text,
    channel: text,
    status,
    requestedAt: time,
    startedAt: nullable(time),
    finishedAt: nullable(time),
    actor: text,
    region: nullable(text),
    labels: anyObject,
    taskCount: whole,
    counts: nullable(counts),
    costMicroUsd: nullable(whole),
    receipt: described(nullable(text), 'digest of the bundle once it is signed'),
    appliedRevision: whole,
    appliedReceiptRevision: whole,
  }),
  ExecutionList: page('ExecutionRow'),
  History: object({
    executionId: text,
    items: list(object({ hash: described(text, 'SHA-256(0x00 || RFC 8785 of event), hex'), event: described(anyObject, 'see /schemas/stored-event.v1.json') })),
    next: described(nullable(whole), 'pass it as `from`; null: nothing more for now'),
    position: nullable(position),
  }),
};
