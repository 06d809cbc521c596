import { CANCEL, CONTINUE, RunUnderTest, STREAM, SUCCEEDED, answer, failedWith, planned, recordedAt, reportOf, retryDue, startOf } from './fixtures/run-under-test.ts';
import { intentsOf } from './intents.ts';

const keys = (run: RunUnderTest) => [...run.open.keys()].map((key) => key.slice(STREAM.length + 1)).sort();

describe('what a run has open', () => {
  it('is its limit for as long as it goes, and the one next thing of each task', () => {
    const run = RunUnderTest.requested(planned('a', [], { retries: 1 }), planned('b', ['a'], { reads: ['a'] }), planned('c'));
    expect(keys(run)).toEqual(['limit', 'start/check', 'start/deadline']);
    run.accepted(answer('start', true));
    expect(keys(run)).toEqual(['limit', 'task/a/1/run', 'task/c/1/run']);
    run.accepted(startOf('a'));
    expect(keys(run)).toEqual(['limit', 'task/a/1/run', 'task/c/1/run']);
    run.accepted(reportOf('a', failedWith(true)));
    expect(keys(run)).toEqual(['limit', 'task/a/2/retry', 'task/c/1/run']);
    run.accepted(retryDue('a', 2));
    expect(keys(run)).toEqual(['limit', 'task/a/2/check', 'task/a/2/deadline', 'task/c/1/run']);
    run.accepted(answer('task/a/2', true));
    expect(keys(run)).toEqual(['limit', 'task/a/2/run', 'task/c/1/run']);
    run.accepted(reportOf('a', SUCCEEDED, { attempt: 2 }));
    expect(keys(run)).toEqual(['limit', 'task/b/1/check', 'task/b/1/deadline', 'task/c/1/run']);
    run.accepted(answer('task/b/1', true));
    expect(keys(run)).toEqual(['limit', 'task/b/1/run', 'task/c/1/run']);
    run.accepted(CANCEL);
    expect(keys(run)).toEqual(['grace', 'limit', 'task/b/1/run', 'task/c/1/run']);
    run.accepted(reportOf('b', { kind: 'cancelled' }));
    expect(keys(run)).toEqual(['grace', 'limit', 'task/c/1/run']);
    run.accepted(reportOf('c', SUCCEEDED));
    expect(keys(run)).toEqual([]);
  });
  it('names the event that asks, so that the same work has the same name', () => {
    const run = RunUnderTest.started(planned('a'));
    expect(run.open.get(`${STREAM}/task/a/1/run`)).toEqual({ key: `${STREAM}/task/a/1/run`, stream: STREAM, eventId: 'event-4', revision: 4, at: run.now, kind: 'task', taskId: 'a', attempt: 1 });
  });
  it('timers are due when their event says: retry, deadline, grace', () => {
    const run = RunUnderTest.started(planned('a', [], { retries: 1 }), planned('s'), planned('b', ['s'], { reads: ['s'] }), planned('c'));
    run.accepted(reportOf('a', failedWith(true), {}, 0.5));
    run.accepted(reportOf('s', SUCCEEDED));
    expect(run.open.get(`${STREAM}/task/a/2/retry`)).toMatchObject({ dueAt: '2026-01-05T10:00:00.500Z', waitMs: 500, timer: { kind: 'retry-due', taskId: 'a', attempt: 2 } });
    expect(run.open.get(`${STREAM}/task/b/1/deadline`)).toMatchObject({ dueAt: '2026-01-05T10:00:30.000Z', waitMs: 30_000, timer: { kind: 'policy-deadline', checkId: 'task/b/1' } });
    run.accepted(CANCEL);
    expect(run.open.get(`${STREAM}/grace`)).toMatchObject({ dueAt: '2026-01-05T10:00:10.000Z', waitMs: 10_000, timer: { kind: 'cancel-grace' } });
    expect(keys(run)).toEqual(['grace', 'limit', 'task/c/1/run']);
  });
  it('the check of a retry is due 30 s after it is asked for; what denies it closes it with its deadline', () => {
    const run = RunUnderTest.started(planned('a', [], { retries: 1 }), planned('c'));
    run.accepted(reportOf('a', failedWith(true)));
    run.nowMs += 45_000;
    run.accepted(retryDue('a', 2));
    const { eventId } = run.open.get(`${STREAM}/task/a/2/check`) ?? {};
    expect(run.open.get(`${STREAM}/task/a/2/check`)).toMatchObject({ kind: 'policy-check', checkId: 'task/a/2' });
    const due = { eventId, dueAt: '2026-01-05T10:01:15.000Z', timer: { kind: 'policy-deadline', checkId: 'task/a/2' } };
    expect(run.open.get(`${STREAM}/task/a/2/deadline`)).toMatchObject(due);
    run.accepted(answer('task/a/2', false));
    expect(keys(run)).toEqual(['limit', 'task/c/1/run']);
  });
  it('one deferral at a time: what goes on closes it and opens the next', () => {
    const run = RunUnderTest.started(...Array.from({ length: 600 }, (_, i) => planned(`t${i}`)));
    const first = run.open.get(`${STREAM}/more`)?.eventId;
    run.accepted(CONTINUE);
    const second = run.open.get(`${STREAM}/more`)?.eventId;
    expect([typeof first, typeof second, first === second]).toEqual(['string', 'string', false]);
    run.accepted(CONTINUE);
    expect(run.open.has(`${STREAM}/more`)).toBe(false);
  });
  it('carries the trace of the request that led to it, where there is one', () => {
    const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
    const [requested] = RunUnderTest.requested(planned('a')).history;
    if (requested === undefined) throw new Error('no request');
    const traces = (correlationId: string) => intentsOf({ ...requested, correlationId }).opens.map((intent) => intent.traceparent);
    expect(traces(traceparent)).toEqual([traceparent]);
    expect(traces('c')).toEqual([undefined]);
  });
  it('a task id that begins as another closes only its own', () => {
    const run = RunUnderTest.started(planned('a'), planned('a-b'), planned('ab'));
    run.accepted(reportOf('a', SUCCEEDED));
    expect(keys(run)).toEqual(['limit', 'task/a-b/1/run', 'task/ab/1/run']);
  });
});

describe('other events', () => {
  it('open and close nothing', () => {
    expect(intentsOf(recordedAt({ type: 'receipt.signed.v1', data: {} } as never, 0, '2026-01-05T10:00:00.000Z'))).toEqual({ opens: [], closes: [] });
  });
});
