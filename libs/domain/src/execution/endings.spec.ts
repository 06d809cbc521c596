import {
  CANCEL,
  CANCELLED,
  CANCEL_GRACE,
  CONTINUE,
  RUN_LIMIT,
  RunUnderTest,
  STREAM,
  SUCCEEDED,
  answer,
  failedWith,
  fire,
  planned,
  reportOf,
  requestFor,
  retryDue,
  startOf,
} from '../fixtures/run-under-test.ts';
import { CANCEL_GRACE_MS } from './decide.ts';

const diamond = () => RunUnderTest.started(planned('a'), planned('b', ['a']), planned('c', ['a']), planned('d', ['b', 'c']));

describe('ready (DAG semantics 1)', () => {
  it('a task is scheduled in the commit that made the last of its needs succeed, and not before', () => {
    const run = diamond();
    expect(run.accepted(reportOf('a', SUCCEEDED))).toEqual(['task-succeeded', 'task-scheduled', 'task-scheduled']);
    expect(run.accepted(reportOf('b', SUCCEEDED))).toEqual(['task-succeeded']);
    expect(run.phase('d')).toBe('waiting');
    expect(run.accepted(reportOf('c', SUCCEEDED))).toEqual(['task-succeeded', 'task-scheduled']);
    expect(run.accepted(reportOf('d', SUCCEEDED))).toEqual(['task-succeeded', 'completed']);
    expect(run.all('execution.completed.v1')).toEqual([
      { verdict: 'succeeded', costMicroUsd: 44, counts: { succeeded: 4, failed: 0, timedOut: 0, skipped: 0, cancelled: 0, reused: 0, attempts: 4 } },
    ]);
  });
  it('what needs nothing is scheduled in the commit that starts the run', () => {
    const run = RunUnderTest.requested(planned('a'), planned('b'), planned('c', ['a']));
    expect(run.accepted(answer('start', true))).toEqual(['policy-decided', 'started', 'task-scheduled', 'task-scheduled']);
    expect(run.all('execution.task-scheduled.v1').map(({ taskId }) => taskId)).toEqual(['a', 'b']);
  });
});

describe('a failing run (DAG semantics 2)', () => {
  const failing = () => {
    const run = RunUnderTest.started(
      planned('bad'),
      planned('running'),
      planned('retrying', [], { retries: 1 }),
      planned('child', ['bad']),
      planned('grandchild', ['child']),
      planned('other', ['running']),
    );
    run.accepted(reportOf('retrying', failedWith(true)));
    run.accepted(reportOf('bad', failedWith(false)));
    return run;
  };

  it('starts nothing new; dependents are skipped as upstream-failed, others as run-failing, also the ones that back off', () => {
    const run = failing();
    expect(run.skipped()).toEqual({ child: 'upstream-failed', grandchild: 'upstream-failed', other: 'run-failing', retrying: 'run-failing' });
    expect(run.phase('running')).toBe('scheduled');
    expect(run.state.verdict).toBeUndefined();
    expect(run.refused(retryDue('retrying', 2))).toBe('TIMER_NOT_OPEN');
  });
  it('lets running ones finish, succeeded ones too, and is failed then', () => {
    const run = failing();
    expect(run.accepted(reportOf('running', SUCCEEDED))).toEqual(['task-succeeded', 'completed']);
    expect(run.all('execution.completed.v1')).toMatchObject([{ verdict: 'failed', counts: { succeeded: 1, failed: 1, skipped: 4, attempts: 3 } }]);
  });
  it('retries nothing any more: the next failure of a running task is final', () => {
    const run = RunUnderTest.started(planned('bad'), planned('running', [], { retries: 5 }));
    run.accepted(reportOf('bad', failedWith(false)));
    expect(run.accepted(reportOf('running', failedWith(true)))).toEqual(['task-failed', 'completed']);
    expect(run.all('execution.task-failed.v1').map(({ final }) => final)).toEqual([true, true]);
  });
  it('an attempt that stopped by itself is cancelled, not failed', () => {
    const run = failing();
    run.accepted(reportOf('running', CANCELLED));
    expect(run.all('execution.task-cancelled.v1')).toMatchObject([{ taskId: 'running', reason: 'run-failing' }]);
    expect(run.state).toMatchObject({ verdict: 'failed', counts: { cancelled: 1 } });
  });
  it('can still be cancelled, and is cancelled then', () => {
    const run = failing();
    run.accepted(CANCEL);
    run.accepted(reportOf('running', SUCCEEDED));
    expect(run.state.verdict).toBe('cancelled');
  });
});

describe('cancel (DAG semantics 6)', () => {
  it('skips what has not started and gives what runs ten seconds', () => {
    const run = diamond();
    expect(run.accepted(CANCEL)).toEqual(['cancel-requested', 'task-skipped', 'task-skipped', 'task-skipped']);
    expect(run.all('execution.cancel-requested.v1')).toEqual([{ reason: null, comment: '', graceUntil: '2026-01-05T10:00:10.000Z' }]);
    expect(run.skipped()).toEqual({ b: 'run-cancelled', c: 'run-cancelled', d: 'run-cancelled' });
    expect(run.phase('a')).toBe('scheduled');
  });
  it.each([
    ['says it stopped', CANCELLED, { cancelled: 1, skipped: 3 }],
    ['succeeds after all', SUCCEEDED, { succeeded: 1, skipped: 3 }],
    ['fails', failedWith(true), { failed: 1, skipped: 3 }],
  ])('the run is cancelled, never failed, where the running task %s', (_, outcome, counts) => {
    const run = diamond();
    run.accepted(CANCEL);
    run.accepted(reportOf('a', outcome));
    expect(run.state.verdict).toBe('cancelled');
    expect(run.state.counts).toMatchObject(counts);
  });
  it('an attempt that stopped on demand says so', () => {
    const run = diamond();
    run.accepted(CANCEL);
    run.accepted(reportOf('a', CANCELLED));
    expect(run.all('execution.task-cancelled.v1')).toMatchObject([{ taskId: 'a', reason: 'run-cancelled', runner: 'runner-1', costMicroUsd: 11 }]);
  });
  it('after the grace time what still runs is taken from its runner, whose late report is refused', () => {
    const run = diamond();
    run.accepted(startOf('a'));
    run.accepted(CANCEL);
    run.nowMs += CANCEL_GRACE_MS - 1;
    expect(run.refused(CANCEL_GRACE)).toBe('TIMER_NOT_OPEN');
    run.nowMs += 1;
    expect(run.accepted(CANCEL_GRACE)).toEqual(['task-cancelled', 'completed']);
    expect(run.state).toMatchObject({ verdict: 'cancelled', counts: { cancelled: 1, skipped: 3, attempts: 1 } });
    expect(run.refused(reportOf('a', SUCCEEDED))).toBe('EXECUTION_ENDED');
  });
  it('asking again changes nothing: the first grace time counts', () => {
    const run = diamond();
    run.accepted(CANCEL);
    run.nowMs += 5_000;
    expect(run.accepted(CANCEL)).toEqual([]);
    expect(run.state.graceUntil).toBe('2026-01-05T10:00:10.000Z');
  });
  it('a grace time that nobody asked for is refused', () => {
    expect(diamond().refused(CANCEL_GRACE)).toBe('TIMER_NOT_OPEN');
  });
  it('before policy answered it ends the run at once, and the answer is refused', () => {
    const run = RunUnderTest.requested(planned('a'));
    expect(run.accepted(CANCEL)).toEqual(['cancel-requested', 'task-skipped', 'completed']);
    expect(run.state.verdict).toBe('cancelled');
    expect(run.refused(answer('start', true))).toBe('EXECUTION_ENDED');
  });
  it('of a finished run is a refusal', () => {
    const run = diamond();
    run.accepted(CANCEL);
    run.accepted(reportOf('a', SUCCEEDED));
    expect(run.refused(CANCEL)).toBe('EXECUTION_ENDED');
  });
  it('a run that is being cancelled is not timed out: what runs keeps its ten seconds', () => {
    const run = diamond();
    run.accepted(CANCEL);
    expect(run.refused(RUN_LIMIT)).toBe('TIMER_NOT_OPEN');
    run.accepted(reportOf('a', SUCCEEDED));
    expect(run.state.verdict).toBe('cancelled');
  });
});

describe('the limit of a run (DAG semantics 4)', () => {
  it('stops what runs, skips the rest, and ends the run as timed out', () => {
    const run = diamond();
    run.accepted(reportOf('a', SUCCEEDED));
    expect(run.accepted(RUN_LIMIT)).toEqual(['task-cancelled', 'task-cancelled', 'task-skipped', 'completed']);
    expect(run.skipped()).toEqual({ d: 'run-timed-out' });
    expect(run.all('execution.task-cancelled.v1').map(({ reason }) => reason)).toEqual(['run-timed-out', 'run-timed-out']);
    expect(run.all('execution.completed.v1')).toMatchObject([{ verdict: 'timed-out', counts: { succeeded: 1, cancelled: 2, skipped: 1 } }]);
  });
  it('counts while policy has not answered: time in a queue is time', () => {
    const run = RunUnderTest.requested(planned('a'));
    expect(run.accepted(RUN_LIMIT)).toEqual(['task-skipped', 'completed']);
    expect(run.state.verdict).toBe('timed-out');
  });
  it('its timer is due after the pinned limit', () => {
    const run = new RunUnderTest();
    run.accepted({ kind: 'start', request: requestFor([planned('a')], { runTimeoutMs: 60_000 }) });
    expect(run.open.get(`${STREAM}/limit`)).toMatchObject({ kind: 'timer', dueAt: '2026-01-05T10:01:00.000Z', timer: { kind: 'run-limit' } });
  });
});

describe('the end of a run (DAG semantics 8)', () => {
  it('nothing is appended after the terminal event: every command is refused', () => {
    const run = RunUnderTest.started(planned('a'));
    run.accepted(reportOf('a', SUCCEEDED));
    const late = [CANCEL, CANCEL_GRACE, RUN_LIMIT, CONTINUE, retryDue('a', 2), reportOf('a', SUCCEEDED), startOf('a'), answer('start', false)];
    for (const asked of late) expect(run.refused(asked)).toBe('EXECUTION_ENDED');
    expect(run.history.at(-1)?.event.type).toBe('execution.completed.v1');
    expect([...run.open.keys()]).toEqual([]);
  });
  it('an unknown run is refused, a known one is not requested again', () => {
    const run = new RunUnderTest();
    for (const asked of [CANCEL, reportOf('a', SUCCEEDED), answer('start', true)]) expect(run.refused(asked)).toBe('EXECUTION_NOT_FOUND');
    const request = requestFor([planned('a')]);
    expect(run.accepted({ kind: 'start', request })).toEqual(['requested', 'policy-check-requested']);
    expect(run.refused({ kind: 'start', request })).toBe('EXECUTION_EXISTS');
  });
  it('commands and timers that no type lets through are bugs, not refusals', () => {
    const run = RunUnderTest.started(planned('a'));
    expect(() => run.decide({ kind: 'explode' } as never)).toThrow('unreachable');
    expect(() => run.decide(fire({ kind: 'explode' } as never))).toThrow('unreachable');
    expect(() => run.decide(reportOf('a', { kind: 'explode' } as never))).toThrow('unreachable');
  });
});
