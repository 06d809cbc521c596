import { readFileSync, readdirSync } from 'node:fs';
import { validateReceiptV1, validateStatementV1 } from '@maestro/contracts';
import type { AnyEvent, ReceiptV1 } from '@maestro/contracts';
import type { Recorded } from '@maestro/domain';
import { sha256 } from '../chain.ts';
import { openHistory, readEvent } from '../verify/history.ts';
import { assemble } from './assemble.ts';
import { ASSEMBLERS, CURRENT_ASSEMBLER, assembleSet } from './assembled-set.ts';
import { eventBytes, eventsJsonl } from './event-lines.ts';

const histories = new URL('../../../../contracts/golden/histories/', import.meta.url);
const names = readdirSync(histories).flatMap((file) => (file.endsWith('.jsonl') ? [file.slice(0, -'.jsonl'.length)] : []));
const expectedOf = (name: string) => JSON.parse(readFileSync(new URL(`${name}.expected.json`, histories), 'utf8')) as { [key: string]: string };
const runNames = names.filter((name) => expectedOf(name)['receipt'] !== undefined);

function historyOf(name: string): Recorded[] {
  return openHistory(readFileSync(new URL(`${name}.jsonl`, histories))).lines.flatMap(({ stored, hash }) => {
    const read = stored && readEvent(stored, hash);
    return read?.kind === 'read' ? [read.recorded] : [];
  });
}

const receiptOf = (name: string): ReceiptV1 => assemble(historyOf(name));
const stepsOf = (name: string) => receiptOf(name).steps.map(({ id, attempt, status, code, reason }) => [id, attempt, status, code ?? reason]);

describe('assemble', () => {
  it.each(runNames)('makes of the golden run %s the same receipt and statement for ever', (name) => {
    const set = assembleSet(historyOf(name));
    expect(sha256(set.events)).toBe(expectedOf(name)['events']);
    expect(sha256(set.receiptJson)).toBe(expectedOf(name)['receipt']);
    expect(sha256(set.statement)).toBe(expectedOf(name)['statement']);
    expect(validateReceiptV1(set.receipt)).toBe(true);
    expect(validateStatementV1(JSON.parse(Buffer.from(set.statement).toString('utf8')))).toBe(true);
  });

  it('has golden runs of every verdict', () => {
    const verdicts = runNames.map((name) => receiptOf(name).verdict);
    expect(new Set(verdicts)).toEqual(new Set(['succeeded', 'failed', 'cancelled', 'timed-out', 'denied']));
  });

  it('writes every attempt as a step, in plan order, and what never ran with the reason', () => {
    expect(stepsOf('retries')).toEqual([
      ['steady', 1, 'ok', null],
      ['flaky', 1, 'failed', 'UPSTREAM_BROKEN'],
      ['flaky', 2, 'timed-out', null],
      ['flaky', 3, 'failed', 'UPSTREAM_BROKEN'],
      ['after-flaky', null, 'skipped', 'upstream-failed'],
      ['after-steady', null, 'skipped', 'run-failing'],
      ['slow', 1, 'ok', null],
    ]);
  });

  it('skips all tasks of a denied run, which never started and has no environment', () => {
    expect(stepsOf('denied')).toEqual([
      ['send', null, 'skipped', 'run-denied'],
      ['sweep', null, 'skipped', 'run-denied'],
    ]);
    expect(receiptOf('denied')).toMatchObject({ startedAt: null, environment: null, verdict: 'denied' });
  });

  it('fills what a stopped attempt leaves open from its start', () => {
    const [wait] = receiptOf('timed-out').steps;
    expect(wait).toMatchObject({ status: 'cancelled', reason: 'run-timed-out', runner: 'runner-1', startedAt: expect.stringMatching(/Z$/), durationMs: null });
  });

  it('does not take the start of an earlier attempt for that of a later one', () => {
    const events = historyOf('timed-out').map((one): Recorded => {
      if (one.event.type !== 'execution.task-cancelled.v1') return one;
      return { ...one, event: { ...one.event, data: { ...one.event.data, attempt: 2 } } };
    });
    expect(assemble(events).steps[0]).toMatchObject({ attempt: 2, runner: null, startedAt: null });
  });

  it('writes a reused output as ok, with where it comes from', () => {
    const [steady] = receiptOf('resumed').steps;
    expect(steady).toMatchObject({ status: 'ok', attempt: null, costMicroUsd: 0, reusedFrom: { revision: 6, attempt: 1, eventHash: expect.stringMatching(/^sha256:/) } });
    expect(receiptOf('resumed').links.resumedFrom).toMatchObject({ headRevision: 20 });
  });

  it('writes one row per pack and decision, and one for a decision without packs', () => {
    expect(receiptOf('denied').policyDecisions.map(({ pack, allow, violations, obligations }) => [pack, allow, violations, obligations])).toEqual([
      ['pii', true, [], ['REDACT_LOGS']],
      ['residency', true, [], []],
      ['stages', false, ['REGION_NOT_ALLOWED', 'STAGE_MISSING'], []],
    ]);
    expect(receiptOf('undecided').policyDecisions).toMatchObject([{ pack: 'all', allow: false, reason: 'POLICY_UNAVAILABLE', packDigest: null, inputCommitment: null }]);
    expect(receiptOf('denied-task').policyDecisions.map(({ taskId }) => taskId)).toEqual([null, null, null, 'send', 'send', 'send']);
  });

  it('takes times and actor from the events, never from elsewhere', () => {
    const events = historyOf('one-task');
    const { requestedAt, startedAt, finishedAt, requestedBy } = assemble(events);
    const started = events.find(({ event }) => event.type === 'execution.started.v1');
    expect([requestedAt, startedAt, finishedAt, requestedBy]).toEqual([events[0]?.at, started?.at, events.at(-1)?.at, 'user:local']);
  });

  it('names what it supersedes, and the digest of the event bytes that it is given', () => {
    const events = historyOf('one-task');
    const jsonl = eventsJsonl(events.map(eventBytes));
    const receipt = assemble(events, { jsonl, supersedes: `sha256:${'1'.repeat(64)}` });
    expect(receipt.links.supersedes).toBe(`sha256:${'1'.repeat(64)}`);
    expect(receipt.digests.events).toBe(`sha256:${sha256(jsonl)}`);
    expect(assembleSet(events, { jsonl }).events).toBe(jsonl);
  });

  it('keeps every assembler by the version that receipts name', () => {
    expect(Object.keys(ASSEMBLERS)).toEqual(['receipt.v1']);
    expect(ASSEMBLERS[CURRENT_ASSEMBLER](historyOf('one-task'), {}).assembler).toBe(CURRENT_ASSEMBLER);
  });

  it('refuses a history without its beginning or its end', () => {
    const events = historyOf('one-task');
    expect(() => assemble(events.slice(1))).toThrow('does not begin with execution.requested');
    expect(() => assemble([])).toThrow('does not begin with execution.requested');
    expect(() => assemble(events.slice(0, -1))).toThrow('does not end with a terminal event');
  });

  it('refuses a history that names a task outside its plan', () => {
    const events = historyOf('retries').map((one): Recorded => {
      const event: AnyEvent = one.event;
      return event.type === 'execution.task-skipped.v1' ? { ...one, event: { ...event, data: { ...event.data, taskId: 'stranger' } } } : one;
    });
    expect(() => assemble(events)).toThrow('names task stranger');
  });
});
