import type { Json, StreamName } from '@maestro/domain';
import type { StoredEvent } from '@maestro/ports';
import { ZERO_HASH, canonicalBytes, eventHash, merkleRoot } from '@maestro/receipt';
import type { Claims } from './claim-checks.ts';

type Drafted = { readonly type: string; readonly data: { readonly [key: string]: Json } };

/** A sound history of any size, and what its clients were told: as much of each event as the checker reads. */
export function syntheticHistory(runs: number, tasksPerRun: number): { readonly events: readonly StoredEvent[]; readonly claims: Claims } {
  const events: StoredEvent[] = [];
  const answers = Array.from({ length: runs }, (_, i) => {
    const executionId = `run-${i}`;
    const stream = `execution-${executionId}`;
    const hashes = append(events, stream, runOf(tasksPerRun));
    const [first = '', ...rest] = hashes;
    const named = { name: stream, count: hashes.length, head: hashes.at(-1) ?? '', merkleRoot: merkleRoot([first, ...rest]) };
    append(events, `receipt-${executionId}`, [{ type: 'receipt.signed.v1', data: { executionId, verdict: 'succeeded', stream: named, supersedes: null } }]);
    return { key: executionId, commandId: `${stream}/0`, executionId };
  });
  const observed = events.filter(({ stream }) => stream.startsWith('execution-')).map(({ stream, revision, hash }) => ({ stream, revision: Number(revision), hash }));
  const verdicts = new Map(answers.map(({ executionId }) => [executionId, 'VERIFIED']));
  return { events, claims: { answers, observed, verdicts, isSettled: true, operationsMin: runs } };
}

function runOf(tasks: number): readonly Drafted[] {
  const work = Array.from({ length: tasks }, (_, i) => {
    const data = { taskId: `t${i}`, attempt: 1 };
    return [{ type: 'execution.task-scheduled.v1', data }, { type: 'execution.task-succeeded.v1', data }];
  });
  const before = [{ type: 'execution.requested.v1', data: {} }, { type: 'execution.policy-decided.v1', data: { allow: true } }];
  return [...before, ...work.flat(), { type: 'execution.completed.v1', data: { verdict: 'succeeded' } }];
}

/** Appends one commit an event; answers the hashes. */
function append(events: StoredEvent[], stream: string, drafts: readonly Drafted[]): readonly string[] {
  const hashes: string[] = [];
  for (const [revision, { type, data }] of drafts.entries()) {
    const id = `${stream}/${revision}`;
    const bytes = canonicalBytes({ id, type, stream, revision, commandId: id, prev: hashes.at(-1) ?? ZERO_HASH, data });
    const hash = eventHash(bytes);
    hashes.push(hash);
    events.push({ id, type, bytes, hash, sealed: null, stream: stream as StreamName, revision: BigInt(revision), cursor: String(events.length) });
  }
  return hashes;
}
