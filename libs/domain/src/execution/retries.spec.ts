import { CANCELLED, RUN_LIMIT, RunUnderTest, SUCCEEDED, TIMED_OUT, UNSEEN, failedWith, planned, reportOf, retryDue, startOf } from '../fixtures/run-under-test.ts';

const oneTask = (retries: number) => RunUnderTest.started(planned('a', [], { retries }));

/** Fails attempts one after another, each with the same jitter; answers the delays. */
function delays(retries: number, jitter: number): number[] {
  const run = oneTask(retries);
  for (let attempt = 1; attempt <= retries; attempt++) {
    run.accepted(reportOf('a', failedWith(true), { attempt }, jitter));
    run.retried('a', attempt + 1);
  }
  return run.all('execution.task-retry-scheduled.v1').map(({ delayMs }) => delayMs);
}

describe('retries (DAG semantics 3)', () => {
  it('retries: n means n more attempts after the first', () => {
    const run = oneTask(2);
    for (const attempt of [1, 2]) {
      expect(run.accepted(reportOf('a', failedWith(true), { attempt }))).toEqual(['task-failed', 'task-retry-scheduled']);
      expect(run.phase('a')).toBe('backing-off');
      expect(run.retried('a', attempt + 1)).toEqual(['task-policy-check-requested', 'policy-decided', 'task-scheduled']);
    }
    expect(run.accepted(reportOf('a', failedWith(true), { attempt: 3 }))).toEqual(['task-failed', 'completed']);
    expect(run.all('execution.task-failed.v1').map(({ final }) => final)).toEqual([false, false, true]);
    expect(run.state).toMatchObject({ verdict: 'failed', counts: { failed: 1, attempts: 3 } });
  });
  it('backs off 1 s × 2^k, at most 60 s', () => {
    expect(delays(10, 0.999_999)).toEqual([999, 1_999, 3_999, 7_999, 15_999, 31_999, 59_999, 59_999, 59_999, 59_999]);
  });
  it('jitter takes the whole range: nothing of the ceiling is waited for sure', () => {
    expect(delays(3, 0)).toEqual([0, 0, 0]);
    expect(delays(3, 0.5)).toEqual([500, 1_000, 2_000]);
  });
  it('says when the next attempt is due, on the clock of the decision', () => {
    const run = oneTask(1);
    run.accepted(reportOf('a', failedWith(true), {}, 0.25));
    expect(run.all('execution.task-retry-scheduled.v1')).toEqual([{ taskId: 'a', attempt: 2, delayMs: 250, notBefore: '2026-01-05T10:00:00.250Z' }]);
  });
  it('an error that its package calls non-retryable ends the task at once', () => {
    const run = oneTask(5);
    expect(run.accepted(reportOf('a', failedWith(false)))).toEqual(['task-failed', 'completed']);
    expect(run.state.verdict).toBe('failed');
  });
  it('a time-out is retryable, and ends the task where attempts are used up', () => {
    const run = oneTask(1);
    expect(run.accepted(reportOf('a', TIMED_OUT))).toEqual(['task-timed-out', 'task-retry-scheduled']);
    run.retried('a', 2);
    expect(run.accepted(reportOf('a', TIMED_OUT, { attempt: 2 }))).toEqual(['task-timed-out', 'completed']);
    expect(run.all('execution.task-timed-out.v1').map(({ final, timeoutMs }) => [final, timeoutMs])).toEqual([[false, 300_000], [true, 300_000]]);
    expect(run.state).toMatchObject({ verdict: 'failed', counts: { timedOut: 1, failed: 0, attempts: 2 } });
  });
  it('a runner that stops an attempt nobody asked it to stop counts as lost: retryable, so that the run cannot hang', () => {
    const run = oneTask(1);
    expect(run.accepted(reportOf('a', CANCELLED))).toEqual(['task-failed', 'task-retry-scheduled']);
    expect(run.all('execution.task-failed.v1')[0]?.error).toEqual({ code: 'LOST_RUNNER', retryable: true, detail: null });
    run.retried('a', 2);
    run.accepted(reportOf('a', CANCELLED, { attempt: 2 }));
    expect(run.state.verdict).toBe('failed');
  });
  it('each attempt costs; the run costs their sum', () => {
    const run = oneTask(1);
    run.accepted(reportOf('a', failedWith(true), { durationMs: 1_500 }));
    run.retried('a', 2);
    run.accepted(reportOf('a', SUCCEEDED, { attempt: 2, durationMs: 100 }));
    expect(run.all('execution.completed.v1')).toMatchObject([{ costMicroUsd: 17 + 2, verdict: 'succeeded' }]);
  });
  it('a retry that is not awaited is refused: too late, twice, or of another attempt', () => {
    const run = oneTask(1);
    expect(run.refused(retryDue('a', 2))).toBe('TIMER_NOT_OPEN');
    expect(run.refused(retryDue('unknown', 2))).toBe('TIMER_NOT_OPEN');
    run.accepted(reportOf('a', failedWith(true)));
    expect(run.refused(retryDue('a', 3))).toBe('TIMER_NOT_OPEN');
    run.accepted(retryDue('a', 2));
    expect(run.refused(retryDue('a', 2))).toBe('TIMER_NOT_OPEN');
  });
});

describe('reports (DAG semantics 5)', () => {
  it('the first report of an attempt wins; every later one is refused', () => {
    const run = RunUnderTest.started(planned('a'), planned('b'));
    run.accepted(reportOf('a', SUCCEEDED));
    for (const outcome of [SUCCEEDED, failedWith(false), TIMED_OUT]) expect(run.refused(reportOf('a', outcome))).toBe('TASK_NOT_OPEN');
  });
  it('a report of an earlier attempt is refused while a later one is open', () => {
    const run = oneTask(1);
    run.accepted(reportOf('a', failedWith(true)));
    expect(run.refused(reportOf('a', SUCCEEDED))).toBe('TASK_NOT_OPEN');
    run.retried('a', 2);
    expect(run.refused(reportOf('a', SUCCEEDED, { attempt: 1 }))).toBe('TASK_NOT_OPEN');
    run.accepted(reportOf('a', SUCCEEDED, { attempt: 2 }));
    expect(run.state.verdict).toBe('succeeded');
  });
  it('a task that waits, or that the plan does not have, cannot be reported or started', () => {
    const run = RunUnderTest.started(planned('a'), planned('b', ['a']));
    for (const id of ['b', 'unknown']) {
      expect(run.refused(reportOf(id, SUCCEEDED))).toBe('TASK_NOT_OPEN');
      expect(run.refused(startOf(id))).toBe('TASK_NOT_OPEN');
    }
  });
  it('an attempt without a duration costs nothing', () => {
    const run = oneTask(0);
    run.accepted(reportOf('a', failedWith(false, 'EXPRESSION_UNRESOLVED'), UNSEEN));
    expect(run.all('execution.task-failed.v1')).toMatchObject([{ costMicroUsd: 0, runner: null, error: { code: 'EXPRESSION_UNRESOLVED' } }]);
    expect(run.state.verdict).toBe('failed');
  });
});

describe('start and fencing (DAG semantics 5)', () => {
  const fenced = (retries = 0) => RunUnderTest.started(planned('a', [], { fenced: true, retries }));

  it('a started task is written down once; saying so again changes nothing', () => {
    const run = oneTask(0);
    expect(run.accepted(startOf('a'))).toEqual(['task-started']);
    expect(run.accepted(startOf('a'))).toEqual([]);
    expect(run.state.openCount).toBe(1);
    expect(run.refused(startOf('a', null, 2))).toBe('TASK_NOT_OPEN');
    expect(run.accepted(reportOf('a', SUCCEEDED))).toEqual(['task-succeeded', 'completed']);
  });
  it('a task that is not fenced takes no lease: whoever reports first wins', () => {
    const run = oneTask(0);
    run.accepted(startOf('a', 'lease-1'));
    expect(run.all('execution.task-started.v1')[0]?.leaseId).toBeNull();
    expect(run.accepted(reportOf('a', SUCCEEDED, { leaseId: 'lease-2' }))).toEqual(['task-succeeded', 'completed']);
  });
  it('a fenced task succeeds under the lease that started it, and under no other', () => {
    const run = fenced();
    run.accepted(startOf('a', 'lease-1'));
    expect(run.refused(reportOf('a', SUCCEEDED, { leaseId: 'lease-2' }))).toBe('LEASE_LOST');
    expect(run.refused(reportOf('a', SUCCEEDED))).toBe('LEASE_LOST');
    expect(run.accepted(reportOf('a', SUCCEEDED, { leaseId: 'lease-1' }))).toEqual(['task-succeeded', 'completed']);
  });
  it('a fenced task that nobody started cannot succeed; that it failed before its start can be said', () => {
    const run = fenced(1);
    expect(run.refused(reportOf('a', SUCCEEDED, { leaseId: 'lease-1' }))).toBe('LEASE_LOST');
    expect(run.accepted(reportOf('a', failedWith(true), { leaseId: 'lease-1' }))).toEqual(['task-failed', 'task-retry-scheduled']);
  });
  it('a fenced task cannot start without a lease', () => {
    expect(fenced().refused(startOf('a'))).toBe('LEASE_LOST');
  });
  it('a later lease takes a fenced task over: the runner before it is refused, so a lost runner blocks nothing', () => {
    const run = fenced();
    run.accepted(startOf('a', 'lease-1'));
    expect(run.accepted(startOf('a', 'lease-1'))).toEqual([]);
    expect(run.accepted(startOf('a', 'lease-2'))).toEqual(['task-started']);
    expect(run.state.openCount).toBe(1);
    expect(run.refused(reportOf('a', SUCCEEDED, { leaseId: 'lease-1' }))).toBe('LEASE_LOST');
    expect(run.accepted(reportOf('a', SUCCEEDED, { leaseId: 'lease-2' }))).toEqual(['task-succeeded', 'completed']);
  });
  it('the next attempt needs its own lease', () => {
    const run = fenced(1);
    run.accepted(startOf('a', 'lease-1'));
    run.accepted(reportOf('a', failedWith(true), { leaseId: 'lease-1' }));
    run.retried('a', 2);
    expect(run.refused(reportOf('a', SUCCEEDED, { attempt: 2, leaseId: 'lease-1' }))).toBe('LEASE_LOST');
    run.accepted(startOf('a', 'lease-2', 2));
    run.accepted(reportOf('a', SUCCEEDED, { attempt: 2, leaseId: 'lease-2' }));
    expect(run.state.verdict).toBe('succeeded');
  });
  it('a fenced task that the run stopped names the lease that held it', () => {
    const run = fenced();
    run.accepted(startOf('a', 'lease-1'));
    run.accepted(RUN_LIMIT);
    expect(run.all('execution.task-cancelled.v1')).toMatchObject([{ leaseId: 'lease-1', reason: 'run-timed-out' }]);
  });
});
