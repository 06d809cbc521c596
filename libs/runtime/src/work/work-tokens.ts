import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AnyCommand } from '@maestro/contracts';
import { reject } from '@maestro/domain';
import type { Json } from '@maestro/domain';
import type { CommandGateway, Work, WorkQueue } from '@maestro/ports';
import { canonicalText } from '@maestro/receipt';
import type { PolicyOrder, TaskOrder } from '../dispatch/work-orders.ts';

// A runner reports by command, and over a network its credential could be stolen. Each work carries a token that only the
// command role can make; a report without the token of its own attempt or check is refused. So a stolen credential can
// forge results of work that it was given, and of nothing else.

/** At least 32 bytes, the same in all instances of the command role, and known to nobody else. */
export type WorkKey = Uint8Array;

const KEY_BYTES_MIN = 32;

/** The queue, whose work carries tokens: `token`, 64 hex. Throws a RangeError for a key that is too short. */
export function withWorkTokens(queue: WorkQueue, key: WorkKey): WorkQueue {
  checkKey(key);
  const tokened = (work: Work): Work => ({ ...work, token: tokenOf(key, subjectOfWork(work)) });
  return {
    publish: ([first, ...rest]) => queue.publish([tokened(first), ...rest.map(tokened)]),
    consume: (...asked) => queue.consume(...asked),
    revoke: (intentIds) => queue.revoke(intentIds),
    depth: (...asked) => queue.depth(...asked),
    parked: () => queue.parked(),
    ...(queue.onLost === undefined ? {} : { onLost: (listener: () => void) => queue.onLost?.(listener) ?? (() => {}) }),
    close: () => queue.close(),
    // absent where the queue has it not: then nothing asks for it
    ...(queue.onLost === undefined ? {} : { onLost: queue.onLost.bind(queue) }),
  };
}

/** The gateway, which takes reports of runners and decisions of the policy role only with the token of their work. */
export function requireWorkTokens(gateway: CommandGateway, key: WorkKey): CommandGateway {
  checkKey(key);
  return {
    async send(envelope) {
      const subject = subjectOfReport(envelope.command);
      if (subject !== undefined && !isEqual(envelope.workToken ?? '', tokenOf(key, subject))) {
        return reject('FORBIDDEN', `${envelope.actor} may not send ${envelope.command.type}: it carries no token of this work`);
      }
      return gateway.send(envelope);
    },
  };
}

function checkKey(key: WorkKey): void {
  if (key.length < KEY_BYTES_MIN) throw new RangeError(`the key of work tokens has ${key.length} bytes; it needs ${KEY_BYTES_MIN} or more`);
}

function tokenOf(key: WorkKey, subject: Json): string {
  return createHmac('sha256', key).update(canonicalText(subject)).digest('hex');
}

function isEqual(given: string, wanted: string): boolean {
  return given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}

function subjectOfWork({ kind, payload }: Work): Json {
  if (kind === 'task') {
    const { executionId, taskId, attempt } = payload as unknown as TaskOrder;
    return ['task', executionId, taskId, String(attempt)];
  }
  const { target, checkId } = payload as unknown as PolicyOrder;
  return ['policy', target.kind, target.id.toLowerCase(), checkId];
}

/** Undefined: the command reports on no work. A malformed one names nothing, so no token fits it. */
function subjectOfReport({ type, payload }: AnyCommand): Json | undefined {
  switch (type) {
    case 'execution.start-task.v1':
    case 'execution.report-task.v1':
      return ['task', String(payload?.executionId), String(payload?.taskId), String(payload?.attempt)];
    case 'execution.record-policy-decision.v1':
      return ['policy', 'execution', String(payload?.executionId).toLowerCase(), String(payload?.checkId)];
    case 'workflow.record-policy-decision.v1':
      return ['policy', 'workflow', String(payload?.workflowId).toLowerCase(), String(payload?.checkId)];
    default:
      return undefined;
  }
}
