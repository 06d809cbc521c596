import type { PlanTask } from '@maestro/contracts';
import {
  CANCEL,
  CANCEL_GRACE,
  CONTINUE,
  RUN_LIMIT,
  RunUnderTest,
  STREAM,
  SUCCEEDED,
  answer,
  failedWith,
  planned,
  reportOf,
  retryDue,
  startOf,
} from '../fixtures/run-under-test.ts';
import { CANCEL_GRACE_MS } from './decide.ts';
import { COMMIT_EVENTS_MAX } from './draft.ts';

const many = (count: number, needs: readonly string[] = [], more: Partial<PlanTask> = {}) =>
  Array.from({ length: count }, (_, i) => planned(`t${i}`, needs, more));
const fanOut = (count: number) => {
  const run = RunUnderTest.started(planned('first'), ...many(count, ['first']));
  run.accepted(reportOf('first', SUCCEEDED));
  return run;
};
const more = `${STREAM}/more`;

/** Continues as the dispatcher does, until nothing is deferred; answers how often. */
function continueAll(run: RunUnderTest): number {
  let times = 0;
  for (; run.open.has(more); times++) run.accepted(CONTINUE);
  return times;
}

describe('more tasks than one commit holds (DAG semantics 7)', () => {
  it('1 → 999 is scheduled in several commits, none over 256 events, each task once', () => {
    const run = fanOut(999);
    expect(run.all('execution.scheduling-deferred.v1')).toEqual([{ remaining: 750 }]);
    expect(continueAll(run)).toBe(3);
    expect(Math.max(...run.commits)).toBeLessThanOrEqual(COMMIT_EVENTS_MAX);
    const ids = run.all('execution.task-scheduled.v1').map(({ taskId }) => taskId);
    expect([ids.length, new Set(ids).size]).toEqual([1_000, 1_000]);
    expect(run.refused(CONTINUE)).toBe('TIMER_NOT_OPEN');
    for (let i = 0; i < 999; i++) run.accepted(reportOf(`t${i}`, SUCCEEDED));
    expect(run.all('execution.completed.v1')).toMatchObject([{ verdict: 'succeeded', counts: { succeeded: 1_000 } }]);
    expect(run.open.size).toBe(0);
  });
  it('the run starts with 1,000 ready tasks the same way', () => {
    const run = RunUnderTest.started(...many(1_000));
    expect(continueAll(run)).toBe(4);
    expect(run.state.openCount).toBe(1_000);
  });
  it('a failing run with 999 tasks that never started skips them in several commits and ends once', () => {
    const run = RunUnderTest.started(planned('bad'), ...many(999, ['bad']));
    expect(run.accepted(reportOf('bad', failedWith(false))).at(-1)).toBe('scheduling-deferred');
    expect(continueAll(run)).toBe(3);
    expect(Math.max(...run.commits)).toBeLessThanOrEqual(COMMIT_EVENTS_MAX);
    expect(run.all('execution.completed.v1')).toMatchObject([{ verdict: 'failed', counts: { failed: 1, skipped: 999 } }]);
    expect(new Set(Object.values(run.skipped()))).toEqual(new Set(['upstream-failed']));
    expect(run.open.size).toBe(0);
  });
  it('a report in between goes on with what was deferred, and the deferral is followed up once', () => {
    const run = fanOut(300);
    expect(run.state.ready).toHaveLength(51);
    run.accepted(reportOf('t0', SUCCEEDED));
    expect(run.state).toMatchObject({ ready: [], deferredRevision: undefined });
    expect(run.open.has(more)).toBe(false);
    expect(run.refused(CONTINUE)).toBe('TIMER_NOT_OPEN');
  });
  it('a retry in between, and the answer to its check, do not swallow the deferral', () => {
    const run = RunUnderTest.started(planned('again', [], { retries: 1 }), planned('first'), ...many(900, ['first']));
    run.accepted(reportOf('again', failedWith(true)));
    run.accepted(reportOf('first', SUCCEEDED));
    for (const asked of [retryDue('again', 2), answer('task/again/2', true)]) {
      run.accepted(asked);
      expect(run.open.has(more)).toBe(true);
    }
    expect(continueAll(run)).toBe(1);
    expect(run.state).toMatchObject({ openCount: 901, ready: [] });
    expect(run.refused(CONTINUE)).toBe('TIMER_NOT_OPEN');
  });
  it('an answer of policy in between does not swallow the deferral', () => {
    const run = RunUnderTest.started(planned('a'), planned('b', ['a'], { reads: ['a'] }), planned('first'), ...many(600, ['first']));
    run.accepted(reportOf('a', SUCCEEDED));
    run.accepted(reportOf('first', SUCCEEDED));
    run.accepted(answer('task/b/1', true));
    continueAll(run);
    expect(run.state).toMatchObject({ openCount: 601, ready: [] });
  });
  it('tasks that read many outputs are deferred before the commit grows over 512 KiB', () => {
    const sources = Array.from({ length: 60 }, (_, i) => `s${10 + i}`);
    const run = RunUnderTest.started(...sources.map((id) => planned(id)), planned('join', sources), ...many(250, ['join'], { reads: sources }));
    for (const id of [...sources, 'join']) run.accepted(reportOf(id, SUCCEEDED));
    continueAll(run);
    expect(run.all('execution.task-policy-check-requested.v1')).toHaveLength(250);
    let at = 0;
    for (const size of run.commits) {
      expect(JSON.stringify(run.history.slice(at, at + size)).length).toBeLessThan(512 * 1024);
      at += size;
    }
  });
});

describe('commands between the commits of a large ending', () => {
  const failing = () => {
    const run = RunUnderTest.started(planned('bad'), planned('running'), planned('again', [], { retries: 1 }), planned('source'), ...many(600, ['bad']), planned('checked', ['source'], { reads: ['source'] }));
    run.accepted(reportOf('source', SUCCEEDED));
    run.accepted(reportOf('again', failedWith(true)));
    return run;
  };

  it('a failing run starts nothing, even where policy allows it only now', () => {
    const run = failing();
    run.accepted(reportOf('bad', failedWith(false)));
    expect(run.phase('checked')).toBe('checking');
    const types = run.accepted(answer('task/checked/1', true));
    expect(types).not.toContain('task-scheduled');
    continueAll(run);
    expect(run.skipped().checked).toBe('run-failing');
    run.accepted(reportOf('running', SUCCEEDED));
    expect(run.state).toMatchObject({ verdict: 'failed', counts: { succeeded: 2, failed: 1, skipped: 602 } });
  });
  it('a failing run starts no next attempt, even where its back-off ends only now', () => {
    const tasks = [planned('bad'), ...many(600, ['bad']), planned('again', [], { retries: 1 })];
    const run = RunUnderTest.started(...tasks);
    run.accepted(reportOf('again', failedWith(true)));
    run.accepted(reportOf('bad', failedWith(false)));
    expect(run.phase('again')).toBe('backing-off');
    expect(run.refused(retryDue('again', 2))).toBe('TIMER_NOT_OPEN');
    continueAll(run);
    expect(run.skipped().again).toBe('run-failing');
  });
  it('a run cancelled before policy answered does not start when it answers then', () => {
    const run = RunUnderTest.requested(...many(600));
    run.accepted(CANCEL);
    expect(run.refused(answer('start', true))).toBe('CHECK_NOT_OPEN');
    continueAll(run);
    expect(run.state).toMatchObject({ verdict: 'cancelled', counts: { skipped: 600, attempts: 0 } });
  });
  it('a run over its limit is not cancelled any more: it ends as timed out', () => {
    const run = RunUnderTest.started(...many(600));
    continueAll(run);
    expect(run.accepted(RUN_LIMIT).at(-1)).toBe('scheduling-deferred');
    expect(run.refused(CANCEL)).toBe('EXECUTION_ENDED');
    run.accepted(reportOf('t599', { kind: 'cancelled' }));
    continueAll(run);
    expect(run.state).toMatchObject({ verdict: 'timed-out', counts: { cancelled: 600 } });
    expect(new Set(run.all('execution.task-cancelled.v1').map(({ reason }) => reason))).toEqual(new Set(['run-timed-out']));
  });
  it('a cancelled run past its grace stops what runs in several commits', () => {
    const run = RunUnderTest.started(...many(600));
    continueAll(run);
    run.accepted(startOf('t0'));
    run.accepted(CANCEL);
    run.nowMs += CANCEL_GRACE_MS;
    expect(run.accepted(CANCEL_GRACE).at(-1)).toBe('scheduling-deferred');
    expect(continueAll(run)).toBe(2);
    expect(run.state).toMatchObject({ verdict: 'cancelled', counts: { cancelled: 600 }, openCount: 0 });
    expect(Math.max(...run.commits)).toBeLessThanOrEqual(COMMIT_EVENTS_MAX);
  });
  it('a cancelled run past its grace stops the rest also where it goes on with a clock that is behind', () => {
    const run = RunUnderTest.started(...many(600));
    continueAll(run);
    run.accepted(CANCEL);
    run.nowMs += CANCEL_GRACE_MS;
    run.accepted(CANCEL_GRACE);
    run.nowMs -= 600_000;
    continueAll(run);
    expect(run.state).toMatchObject({ verdict: 'cancelled', counts: { cancelled: 600 }, openCount: 0 });
  });
});

