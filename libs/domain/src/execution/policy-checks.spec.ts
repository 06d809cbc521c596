import {
  CANCEL,
  ENVIRONMENT,
  RunUnderTest,
  STREAM,
  SUCCEEDED,
  TIMED_OUT,
  UNSEEN,
  answer,
  decisionOn,
  failedWith,
  fire,
  hex,
  planned,
  reportOf,
  retryDue,
  startOf,
} from '../fixtures/run-under-test.ts';
import { POLICY_DEADLINE_MS } from './advance.ts';

const readsA = (more = {}) => planned('b', ['a'], { reads: ['a'], ...more });
const lateBound = (more = {}) => {
  const run = RunUnderTest.started(planned('a'), readsA(more));
  run.accepted(reportOf('a', SUCCEEDED));
  return run;
};
const deadline = (checkId: string) => fire({ kind: 'policy-deadline', checkId });

describe('the check at the start', () => {
  it('is asked with the request and has thirty seconds', () => {
    const run = RunUnderTest.requested(planned('a'));
    expect(run.all('execution.policy-check-requested.v1')).toEqual([{ checkId: 'start', policySetDigest: hex('f'), deadlineAt: '2026-01-05T10:00:30.000Z' }]);
    expect([...run.open.keys()].sort()).toEqual([`${STREAM}/limit`, `${STREAM}/start/check`, `${STREAM}/start/deadline`]);
  });
  it('an allow starts the run in its recorded environment', () => {
    const run = RunUnderTest.requested(planned('a'));
    run.accepted(answer('start', true));
    expect(run.all('execution.started.v1')).toEqual([{ environment: ENVIRONMENT }]);
    expect(run.state).toMatchObject({ phase: 'running', startedAt: run.now });
  });
  it('a deny ends the run with the codes of all packs', () => {
    const run = RunUnderTest.requested(planned('a'));
    expect(run.accepted(answer('start', false))).toEqual(['policy-decided', 'denied']);
    expect(run.all('execution.denied.v1')).toMatchObject([{ checkId: 'start', reason: 'POLICY_DENIED', violations: ['PII_FOUND'], costMicroUsd: 0 }]);
    expect(run.state).toMatchObject({ phase: 'ended', verdict: 'denied' });
    expect([...run.open.keys()]).toEqual([]);
  });
  it('a decision that says why it could not be made is denied for that reason', () => {
    const run = RunUnderTest.requested(planned('a'));
    run.accepted({ ...answer('start', false), decision: decisionOn('start', false, { reason: 'EVALUATION_FAILED', packs: [] }) } as never);
    expect(run.all('execution.denied.v1')).toMatchObject([{ reason: 'EVALUATION_FAILED', violations: [] }]);
  });
  it('nobody answering in time is a deny: POLICY_UNAVAILABLE', () => {
    const run = RunUnderTest.requested(planned('a'));
    expect(run.accepted(deadline('start'))).toEqual(['policy-decided', 'denied']);
    expect(run.all('execution.policy-decided.v1')).toMatchObject([{ allow: false, reason: 'POLICY_UNAVAILABLE', stage: 'start', setDigest: hex('f') }]);
    expect(run.all('execution.denied.v1')).toMatchObject([{ reason: 'POLICY_UNAVAILABLE' }]);
  });
  it('the first answer wins; a second, a deadline after it, and an unknown check are refused', () => {
    const run = RunUnderTest.requested(planned('a'));
    run.accepted(answer('start', true));
    for (const asked of [answer('start', false), deadline('start'), answer('task/a/1', true)]) expect(run.refused(asked)).toBe('CHECK_NOT_OPEN');
  });
});

describe('the check of arguments that become known late', () => {
  it('names the events whose outputs are read, and nothing is scheduled before it is answered', () => {
    const run = lateBound();
    const { checkId, refs, attempt } = run.all('execution.task-policy-check-requested.v1')[0] ?? {};
    expect({ checkId, refs, attempt }).toEqual({ checkId: 'task/b/1', attempt: 1, refs: [{ taskId: 'a', revision: 5 }] });
    expect(run.history[5]?.event).toMatchObject({ type: 'execution.task-succeeded.v1', data: { taskId: 'a' } });
    expect(run.phase('b')).toBe('checking');
    expect(run.refused(reportOf('b', SUCCEEDED))).toBe('TASK_NOT_OPEN');
    expect(run.state.openCount).toBe(0);
  });
  it('an allow schedules the same refs with the arguments that policy saw', () => {
    const run = lateBound();
    expect(run.accepted(answer('task/b/1', true, hex('3')))).toEqual(['policy-decided', 'task-scheduled']);
    expect(run.all('execution.policy-decided.v1')[1]).toMatchObject({ taskId: 'b', attempt: 1 });
    expect(run.all('execution.task-scheduled.v1')[1]).toMatchObject({ taskId: 'b', refs: [{ taskId: 'a', revision: 5 }], argumentsCommitment: hex('3') });
    expect(run.state.tasks.get('b')?.argumentsCommitment).toBe(hex('3'));
  });
  it('a deny fails the task for good, and with it the run', () => {
    const run = lateBound({ retries: 3 });
    expect(run.accepted(answer('task/b/1', false))).toEqual(['policy-decided', 'task-failed', 'completed']);
    expect(run.all('execution.task-failed.v1')).toMatchObject([{ final: true, runner: null, costMicroUsd: 0, error: { code: 'POLICY_DENIED', retryable: false } }]);
    expect(run.state).toMatchObject({ verdict: 'failed', openCount: 0, unfinishedCount: 0 });
  });
  it('nobody answering in time fails the task: POLICY_UNAVAILABLE', () => {
    const run = lateBound();
    expect(run.accepted(deadline('task/b/1'))).toEqual(['policy-decided', 'task-failed', 'completed']);
    expect(run.all('execution.policy-decided.v1')[1]).toMatchObject({ stage: 'task', taskId: 'b', attempt: 1, reason: 'POLICY_UNAVAILABLE' });
    expect(run.all('execution.task-failed.v1')[0]?.error.code).toBe('POLICY_UNAVAILABLE');
  });
  it('every attempt is checked anew, under a check of its own', () => {
    const run = lateBound({ retries: 1 });
    run.accepted(answer('task/b/1', true, hex('3')));
    run.accepted(reportOf('b', TIMED_OUT));
    expect(run.accepted(retryDue('b', 2))).toEqual(['task-policy-check-requested']);
    expect(run.refused(answer('task/b/1', true))).toBe('CHECK_NOT_OPEN');
    run.accepted(answer('task/b/2', true, hex('3')));
    run.accepted(reportOf('b', SUCCEEDED, { attempt: 2 }));
    expect(run.state.verdict).toBe('succeeded');
  });
  it('an attempt that ran with other arguments than those that policy checked fails for good, whatever it says', () => {
    for (const outcome of [SUCCEEDED, failedWith(true)]) {
      const run = lateBound({ retries: 2 });
      run.accepted(answer('task/b/1', true, hex('3')));
      expect(run.accepted(reportOf('b', outcome, { argumentsCommitment: hex('4') }))).toEqual(['task-failed', 'completed']);
      expect(run.all('execution.task-failed.v1')[0]).toMatchObject({ error: { code: 'ARGUMENTS_CHANGED', retryable: false }, final: true, argumentsCommitment: hex('4') });
    }
  });
  it('an attempt that ran with the arguments that policy checked counts, and one that was stopped is only cancelled', () => {
    const run = lateBound();
    run.accepted(answer('task/b/1', true, hex('3')));
    expect(run.accepted(reportOf('b', SUCCEEDED, { argumentsCommitment: hex('3') }))).toEqual(['task-succeeded', 'completed']);
    const stopped = lateBound();
    stopped.accepted(answer('task/b/1', true, hex('3')));
    stopped.accepted(CANCEL);
    expect(stopped.accepted(reportOf('b', { kind: 'cancelled' }, { argumentsCommitment: hex('4') }))).toEqual(['task-cancelled', 'completed']);
  });
  it('arguments that cannot be made fail the task before any runner sees it, and close its check', () => {
    const run = lateBound();
    expect(run.accepted(reportOf('b', failedWith(false, 'EXPRESSION_UNRESOLVED'), UNSEEN))).toEqual(['task-failed', 'completed']);
    expect(run.state.counts).toMatchObject({ failed: 1, succeeded: 1 });
  });
  it('where that failure may be retried, the check of the failed attempt is closed too', () => {
    const run = lateBound({ retries: 1 });
    expect(run.accepted(reportOf('b', failedWith(true, 'BLOB_MISSING'), UNSEEN))).toEqual(['task-failed', 'task-retry-scheduled']);
    expect(run.refused(answer('task/b/1', true))).toBe('CHECK_NOT_OPEN');
    expect([...run.open.keys()].filter((key) => key.includes('/task/b/'))).toEqual([`${STREAM}/task/b/2/retry`]);
  });
  it('an attempt that policy still looks at cannot have succeeded, whoever says so', () => {
    const run = lateBound();
    expect(run.refused(reportOf('b', SUCCEEDED, UNSEEN))).toBe('TASK_NOT_OPEN');
    expect(run.refused(reportOf('b', failedWith(false)))).toBe('TASK_NOT_OPEN');
  });
  it('a cancelled run skips the task under check, and its answer is refused', () => {
    const run = RunUnderTest.started(planned('a'), readsA(), planned('c'));
    run.accepted(reportOf('a', SUCCEEDED));
    run.accepted(CANCEL);
    expect(run.skipped()).toEqual({ b: 'run-cancelled' });
    expect(run.refused(answer('task/b/1', true))).toBe('CHECK_NOT_OPEN');
  });
});

describe('the check of a retry (its attempt number is an argument that policy has not seen)', () => {
  /** One task that reads no output and failed once, its back-off over; another runs beside it. */
  const retrying = (more = {}) => {
    const run = RunUnderTest.started(planned('a', [], { retries: 2, ...more }), planned('c'));
    run.accepted(reportOf('a', failedWith(true)));
    run.accepted(retryDue('a', 2));
    return run;
  };

  it('is asked for although nothing is read, and no runner gets the attempt before it is answered', () => {
    const run = retrying();
    const deadlineAt = '2026-01-05T10:00:30.000Z';
    expect(run.all('execution.task-policy-check-requested.v1')).toEqual([
      { checkId: 'task/a/2', taskId: 'a', attempt: 2, refs: [], policySetDigest: hex('f'), deadlineAt },
    ]);
    expect([run.phase('a'), run.state.openCount]).toEqual(['checking', 1]);
    expect(run.refused(reportOf('a', SUCCEEDED, { attempt: 2 }))).toBe('TASK_NOT_OPEN');
    expect(run.refused(startOf('a', null, 2))).toBe('TASK_NOT_OPEN');
    expect(run.refused(answer('task/a/1', true))).toBe('CHECK_NOT_OPEN');
  });
  it('is not asked for before the first attempt: policy saw that one at the start', () => {
    const run = RunUnderTest.started(planned('a', [], { retries: 2 }));
    expect(run.all('execution.task-policy-check-requested.v1')).toEqual([]);
    expect(run.all('execution.task-scheduled.v1')).toMatchObject([{ taskId: 'a', attempt: 1, argumentsCommitment: null }]);
  });
  it('an allow schedules the attempt with the arguments that policy saw', () => {
    const run = retrying();
    expect(run.accepted(answer('task/a/2', true, hex('3')))).toEqual(['policy-decided', 'task-scheduled']);
    const decided = { checkId: 'task/a/2', stage: 'task', taskId: 'a', attempt: 2, allow: true };
    expect(run.all('execution.policy-decided.v1')[1]).toMatchObject(decided);
    const scheduled = { taskId: 'a', attempt: 2, refs: [], argumentsCommitment: hex('3'), notBefore: null };
    expect(run.all('execution.task-scheduled.v1').at(-1)).toEqual(scheduled);
    expect(run.state.tasks.get('a')).toMatchObject({ phase: 'scheduled', attempt: 2, argumentsCommitment: hex('3') });
  });
  it('each further attempt is scheduled with its own arguments, not with those of the one before', () => {
    const run = retrying();
    run.accepted(answer('task/a/2', true, hex('3')));
    run.accepted(reportOf('a', TIMED_OUT, { attempt: 2 }));
    run.accepted(retryDue('a', 3));
    expect(run.refused(answer('task/a/2', true, hex('3')))).toBe('CHECK_NOT_OPEN');
    run.accepted(answer('task/a/3', true, hex('4')));
    const scheduled = run.all('execution.task-scheduled.v1').filter(({ taskId }) => taskId === 'a');
    expect(scheduled.map((each) => each.argumentsCommitment)).toEqual([null, hex('3'), hex('4')]);
  });
  it('a deny fails the task for good although attempts are left: POLICY_DENIED', () => {
    const run = retrying();
    expect(run.accepted(answer('task/a/2', false))).toEqual(['policy-decided', 'task-failed']);
    const failed = { taskId: 'a', attempt: 2, final: true, runner: null, costMicroUsd: 0, error: { code: 'POLICY_DENIED', retryable: false } };
    expect(run.all('execution.task-failed.v1').at(-1)).toMatchObject(failed);
    expect([run.phase('a'), run.state.phase]).toEqual(['failed', 'failing']);
    run.accepted(reportOf('c', SUCCEEDED));
    expect(run.state).toMatchObject({ verdict: 'failed', counts: { failed: 1, succeeded: 1, attempts: 3 } });
  });
  it('nobody answering for 30 s fails the task: POLICY_UNAVAILABLE', () => {
    const run = retrying();
    run.nowMs += POLICY_DEADLINE_MS;
    expect(run.accepted(deadline('task/a/2'))).toEqual(['policy-decided', 'task-failed']);
    const decided = { stage: 'task', taskId: 'a', attempt: 2, allow: false, reason: 'POLICY_UNAVAILABLE' };
    expect(run.all('execution.policy-decided.v1').at(-1)).toMatchObject(decided);
    const failed = { attempt: 2, final: true, error: { code: 'POLICY_UNAVAILABLE', retryable: false } };
    expect(run.all('execution.task-failed.v1').at(-1)).toMatchObject(failed);
    expect(run.refused(answer('task/a/2', true))).toBe('CHECK_NOT_OPEN');
  });
  it('a run that fails meanwhile skips the attempt under check, and its answer is refused', () => {
    const run = RunUnderTest.started(planned('a', [], { retries: 2 }), planned('bad'), planned('c'));
    run.accepted(reportOf('a', failedWith(true)));
    run.accepted(retryDue('a', 2));
    run.accepted(reportOf('bad', failedWith(false)));
    expect(run.skipped()).toEqual({ a: 'run-failing' });
    expect(run.refused(answer('task/a/2', true))).toBe('CHECK_NOT_OPEN');
  });
});
