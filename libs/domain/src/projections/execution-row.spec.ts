import type { Recorded } from '../decider.ts';
import { CANCEL, EXECUTION_ID, RunUnderTest, SUCCEEDED, answer, hex, planned, recordedAt, reportOf } from '../fixtures/run-under-test.ts';
import { projectExecution } from './execution-row.ts';
import type { ExecutionRow } from './execution-row.ts';

const fold = (events: readonly Recorded[]) => events.reduce<ExecutionRow | undefined>(projectExecution, undefined);
const signed = (revision: number, digest: string, type = 'receipt.signed.v1') =>
  recordedAt({ type, data: { executionId: EXECUTION_ID, bundleDigest: hex(digest) } } as never, revision, '2026-01-05T11:00:00.000Z', `receipt-${EXECUTION_ID}`);

function succeededRun(): RunUnderTest {
  const run = RunUnderTest.requested(planned('a'), planned('b', ['a']));
  run.nowMs += 1_000;
  run.accepted(answer('start', true));
  run.accepted(reportOf('a', SUCCEEDED));
  run.nowMs += 1_000;
  run.accepted(reportOf('b', SUCCEEDED));
  return run;
}

describe('the row of a run', () => {
  it('tells a run from its request to its end', () => {
    const { history } = succeededRun();
    expect(fold(history.slice(0, 1))).toEqual({
      id: EXECUTION_ID,
      workflowId: 'greeting',
      version: '1.0.0',
      channel: 'stable',
      status: 'checking',
      requestedAt: '2026-01-05T10:00:00.000Z',
      startedAt: null,
      finishedAt: null,
      actor: 'user:local',
      region: null,
      labels: {},
      resumedFrom: null,
      taskCount: 2,
      counts: null,
      costMicroUsd: null,
      receipt: null,
      appliedRevision: 0,
      appliedReceiptRevision: -1,
    });
    expect(fold(history.slice(0, 4))).toMatchObject({ status: 'running', startedAt: '2026-01-05T10:00:01.000Z', appliedRevision: 3 });
    expect(fold(history)).toMatchObject({ status: 'succeeded', finishedAt: '2026-01-05T10:00:02.000Z', costMicroUsd: 22, counts: { succeeded: 2 }, appliedRevision: history.length - 1 });
  });
  it('shows a denied and a cancelled run as what they are', () => {
    const denied = RunUnderTest.requested(planned('a'));
    denied.accepted(answer('start', false));
    expect(fold(denied.history)).toMatchObject({ status: 'denied', startedAt: null, finishedAt: denied.now, costMicroUsd: 0 });
    const cancelled = RunUnderTest.requested(planned('a'));
    cancelled.accepted(CANCEL);
    expect(fold(cancelled.history)).toMatchObject({ status: 'cancelled', counts: { skipped: 1 } });
  });
  it('shows the newest signed receipt; other news of a receipt change nothing', () => {
    const { history } = succeededRun();
    const row = fold([...history, signed(0, '1')]);
    expect(row).toMatchObject({ receipt: hex('1'), appliedReceiptRevision: 0, appliedRevision: history.length - 1 });
    expect(projectExecution(row, signed(1, '3', 'receipt.logged.v1'))).toBe(row);
    expect(projectExecution(row, signed(2, '2'))).toMatchObject({ receipt: hex('2'), appliedReceiptRevision: 2 });
    expect(projectExecution(row, signed(0, '4'))).toBe(row);
  });
  it('an event that comes twice, or late, changes nothing', () => {
    const events = [...succeededRun().history, signed(0, '1')];
    const row = fold(events);
    for (const recorded of events) expect(projectExecution(row, recorded)).toBe(row);
    expect(fold(events.flatMap((recorded, i) => [recorded, ...events.slice(0, i + 1)]))).toEqual(row);
  });
  it('names the run that it goes on with', () => {
    const [requested] = succeededRun().history;
    if (requested?.event.type !== 'execution.requested.v1') throw new Error('a run begins with its request');
    const resumedFrom = { executionId: 'old', rootExecutionId: 'old', headRevision: 3, headHash: hex('9') };
    expect(projectExecution(undefined, { ...requested, event: { ...requested.event, data: { ...requested.event.data, resumedFrom } } })).toMatchObject({ resumedFrom: 'old' });
  });
  it('begins with the request: what comes without it is left alone', () => {
    const [, second] = succeededRun().history;
    expect(projectExecution(undefined, second as never)).toBeUndefined();
    expect(projectExecution(undefined, signed(0, '1'))).toBeUndefined();
  });
});
