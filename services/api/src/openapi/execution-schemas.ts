import { anyObject, comment, described, digest, flag, list, nullable, number, object, oneOfValues, position, ref, region, request, text, time, version, whole, workflowId } from './schema-parts.ts';
import type { SchemaPart } from './schema-parts.ts';

const VERDICTS = ['succeeded', 'failed', 'cancelled', 'timed-out', 'denied'] as const;
const verdict = oneOfValues(...VERDICTS);
const status = oneOfValues('checking', 'running', ...VERDICTS);
const workflowRef = object({ id: text, version: text, digest, channel: oneOfValues('stable', 'candidate', 'pinned') });
const className = oneOfValues('small', 'medium', 'large');
const phase = oneOfValues('waiting', 'checking', 'scheduled', 'started', 'backing-off', 'succeeded', 'failed', 'timed-out', 'skipped', 'cancelled');
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
  StartRequest: request({ workflowId }, { inputs: anyObject, rollout, version, region }),
  CancelRequest: request({}, { reason: described({ type: 'string', pattern: '^[A-Z][A-Z0-9_]{1,63}$' }, 'a code of yours'), comment }),
  ResumeRequest: request({}, {}),
  StartedExecution: object({ id: text, position, links: ref('ExecutionLinks') }),
  ExecutionLinks: object({ self: text, events: text, receipt: text, verify: text }),
  Execution: object({
    id: text,
    workflow: workflowRef,
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
  ExecutionGraph: object({
    id: text,
    workflow: workflowRef,
    status,
    nodes: list(
      object({
        id: text,
        uses: text,
        class: className,
        phase,
        attempt: whole,
        reused: flag,
        durationMs: nullable(whole),
        code: nullable(text),
        reason: nullable(text),
        level: described(whole, '0: needs nothing; otherwise one more than the highest level of its needs'),
      }),
    ),
    edges: list(object({ from: text, to: text, state: described(oneOfValues('open', 'satisfied', 'broken'), 'satisfied: `from` succeeded; broken: it ended otherwise') })),
    revision: whole,
    position,
  }),
  ExecutionTask: object({
    id: text,
    uses: text,
    class: className,
    needs: list(text),
    phase,
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
  TaskLog: object({ executionId: text, taskId: text, attempt: whole, text: described(text, 'at most 1 MiB; where more was printed it ends with a mark') }),
  History: object({
    executionId: text,
    items: list(object({ hash: described(text, 'SHA-256(0x00 || RFC 8785 of event), hex'), event: described(anyObject, 'see /schemas/stored-event.v1.json') })),
    next: described(nullable(whole), 'pass it as `from`; null: nothing more for now'),
    position: nullable(position),
  }),
};
