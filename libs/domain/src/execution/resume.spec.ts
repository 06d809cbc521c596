import { CANCEL, CANCEL_GRACE, CONTINUE, ENVIRONMENT, EXECUTION_ID, RUN_LIMIT, RunUnderTest, SUCCEEDED, TIMED_OUT, answer, decisionOn, failedWith, hex, planned, reportOf, requestFor } from '../fixtures/run-under-test.ts';
import type { Asked } from '../fixtures/run-under-test.ts';
import { BULK_BYTES_MAX, COMMIT_EVENTS_MAX } from './draft.ts';
import { refuseResume, resumedRequest } from './resume.ts';
import { finishedTasks } from './reuse.ts';
import type { Reuse } from './reuse.ts';
import { initialExecution } from './state.ts';

const NEXT_ID = '01920000-0000-7000-8000-000000000002';
const FRESH = { executionId: NEXT_ID, inputs: { commitment: hex('c') }, requestTag: hex('5'), dataKeyId: 'key-00000002', conductorUrl: null, head: { revision: 9, hash: hex('6') } };
const LINK = { executionId: EXECUTION_ID, rootExecutionId: EXECUTION_ID, headRevision: 9, headHash: hex('6') };

/** Outputs of the earlier run, sealed again. */
function reuseOf(ids: readonly string[], remaining = 0, bytes = 256): Reuse {
  const outputs = ids.map((taskId, i) => ({
    data: { taskId, from: { executionId: EXECUTION_ID, revision: i + 4, eventHash: hex('4'), attempt: 1 }, output: { commitment: hex('2') }, public: {} },
    bytes,
  }));
  return { outputs, remaining };
}

const letThrough = (reuse: Reuse): Asked => ({ kind: 'record-policy-decision', decision: decisionOn('start', true), environment: ENVIRONMENT, argumentsCommitment: null, reuse });
const goOn = (reuse: Reuse): Asked => ({ ...CONTINUE, reuse }) as Asked;

/** A run that goes on from one with the same plan. */
function resumed(...tasks: Parameters<typeof requestFor>[0]): RunUnderTest {
  const run = new RunUnderTest();
  run.accepted({ kind: 'start', request: requestFor(tasks, { resumedFrom: LINK }) });
  return run;
}

const wide = (count: number) => Array.from({ length: count }, (_, i) => planned(`t${i}`));

describe('which runs can be resumed', () => {
  const failed = () => {
    const run = RunUnderTest.started(planned('a'));
    run.accepted(reportOf('a', failedWith(false)));
    return run;
  };
  const timedOut = () => {
    const run = RunUnderTest.started(planned('a'));
    run.accepted(RUN_LIMIT);
    return run;
  };
  const cancelled = () => {
    const run = RunUnderTest.started(planned('a'));
    run.accepted(CANCEL);
    run.nowMs += 10_000;
    run.accepted(CANCEL_GRACE);
    return run;
  };
  it.each([['failed', failed], ['timed-out', timedOut], ['cancelled', cancelled]] as const)('one that ended %s can', (verdict, make) => {
    const { state } = make();
    expect(state.verdict).toBe(verdict);
    expect(refuseResume(state, EXECUTION_ID)).toBeUndefined();
  });
  it('one that succeeded or was denied cannot, nor one that goes on or never was', () => {
    const succeeded = RunUnderTest.started(planned('a'));
    const running = refuseResume(succeeded.state, EXECUTION_ID)?.rejection;
    succeeded.accepted(reportOf('a', SUCCEEDED));
    const denied = RunUnderTest.requested(planned('a'));
    denied.accepted(answer('start', false));
    expect([running, refuseResume(succeeded.state, EXECUTION_ID)?.rejection, refuseResume(denied.state, EXECUTION_ID)?.rejection, refuseResume(initialExecution(), EXECUTION_ID)?.rejection].map((one) => [one?.code, one?.params])).toEqual([
      ['EXECUTION_RUNNING', undefined],
      ['EXECUTION_NOT_RESUMABLE', { verdict: 'succeeded' }],
      ['EXECUTION_NOT_RESUMABLE', { verdict: 'denied' }],
      ['EXECUTION_NOT_FOUND', undefined],
    ]);
  });
});

describe('the request of a resumed run', () => {
  it('is that of the first one, but for its id, its key, its address and the link', () => {
    const first = RunUnderTest.started(planned('a', [], { retries: 3 }), planned('b', ['a']));
    const { head: _, ...fresh } = FRESH;
    expect(resumedRequest(first.state, FRESH)).toEqual({ ...first.state.request, ...fresh, resumedFrom: LINK });
  });
  it('names the first run of the chain, however often it was resumed', () => {
    const second = new RunUnderTest();
    second.accepted({ kind: 'start', request: requestFor([planned('a')], { executionId: NEXT_ID, resumedFrom: LINK }) });
    const third = resumedRequest(second.state, { ...FRESH, executionId: '01920000-0000-7000-8000-000000000003' });
    expect(third.resumedFrom).toMatchObject({ executionId: NEXT_ID, rootExecutionId: EXECUTION_ID });
  });
  it('can take over what succeeded, with the event that holds its output', () => {
    const run = RunUnderTest.started(planned('a'), planned('b', ['a']), planned('c'));
    run.accepted(reportOf('a', SUCCEEDED));
    run.accepted(reportOf('c', TIMED_OUT));
    run.accepted(reportOf('b', failedWith(false)));
    const { revision } = run.history.find(({ event }) => event.type === 'execution.task-succeeded.v1') ?? {};
    expect(finishedTasks(run.state)).toEqual([{ taskId: 'a', revision }]);
    expect(finishedTasks(initialExecution())).toEqual([]);
  });
});

describe('what a resumed run takes over', () => {
  it('counts as done without an attempt or a cost, and the rest is handed out', () => {
    const run = resumed(planned('a'), planned('b', ['a'], { reads: ['a'] }), planned('c', ['b']));
    expect(run.accepted(letThrough(reuseOf(['a'])))).toEqual(['policy-decided', 'started', 'task-reused', 'task-policy-check-requested']);
    expect(run.state.tasks.get('a')).toMatchObject({ phase: 'succeeded', reused: true, attempt: 0, outputRevision: 4 });
    expect(run.all('execution.task-policy-check-requested.v1')[0]?.refs).toEqual([{ taskId: 'a', revision: 4 }]);
    run.accepted(answer('task/b/1', true));
    run.accepted(reportOf('b', SUCCEEDED));
    expect(run.accepted(reportOf('c', SUCCEEDED))).toEqual(['task-succeeded', 'completed']);
    expect(run.state.counts).toEqual({ succeeded: 2, reused: 1, failed: 0, timedOut: 0, skipped: 0, cancelled: 0, attempts: 2 });
    expect(run.state.costMicroUsd).toBe(22);
    expect([...run.open.keys()]).toEqual([]);
  });
  it('nothing, where the run was denied', () => {
    const run = resumed(planned('a'));
    expect(run.accepted({ ...letThrough(reuseOf(['a'])), decision: decisionOn('start', false) } as Asked)).toEqual(['policy-decided', 'denied']);
  });
  it('everything ends the run at once: all had succeeded before somebody cancelled it', () => {
    const run = resumed(planned('a'), planned('b', ['a']));
    expect(run.accepted(letThrough(reuseOf(['a', 'b'])))).toEqual(['policy-decided', 'started', 'task-reused', 'task-reused', 'completed']);
    expect(run.state.verdict).toBe('succeeded');
  });
  it('takes as many commits as it needs, and nothing is handed out before the last', () => {
    const tasks = [...wide(600), planned('last')];
    const ids = wide(600).map(({ id }) => id);
    const run = resumed(...tasks);
    run.accepted(letThrough(reuseOf(ids.slice(0, COMMIT_EVENTS_MAX), 600 - COMMIT_EVENTS_MAX)));
    while (run.state.deferredRevision !== undefined) {
      expect(run.all('execution.task-scheduled.v1')).toEqual([]);
      expect([...run.open.values()].map(({ kind }) => kind)).toContain('schedule-more');
      const open = ids.filter((id) => run.phase(id) === 'waiting');
      expect(run.all('execution.scheduling-deferred.v1').at(-1)?.remaining).toBe(open.length);
      run.accepted(goOn(reuseOf(open.slice(0, COMMIT_EVENTS_MAX), Math.max(0, open.length - COMMIT_EVENTS_MAX))));
    }
    expect(run.commits.every((size) => size <= COMMIT_EVENTS_MAX)).toBe(true);
    expect(run.all('execution.task-reused.v1').map(({ taskId }) => taskId)).toEqual(ids);
    expect(run.all('execution.task-scheduled.v1').map(({ taskId }) => taskId)).toEqual(['last']);
    expect(run.commits).toHaveLength(4);
  });
  it('large outputs fill a commit by their bytes; the first of a commit always fits', () => {
    const run = resumed(planned('a'), planned('b'), planned('c'));
    const large = (...ids: string[]) => reuseOf(ids, 0, BULK_BYTES_MAX);
    expect(run.accepted(letThrough(large('a', 'b', 'c')))).toEqual(['policy-decided', 'started', 'task-reused', 'scheduling-deferred']);
    expect(run.accepted(goOn(large('b', 'c')))).toEqual(['task-reused', 'scheduling-deferred']);
    expect(run.accepted(goOn(large('c')))).toEqual(['task-reused', 'completed']);
  });
  it('the same output twice is taken over once', () => {
    const run = resumed(planned('a'), planned('b'));
    run.accepted(letThrough(reuseOf(['a'], 1)));
    expect(run.accepted(goOn(reuseOf(['a', 'b'])))).toEqual(['task-reused', 'completed']);
    expect(run.refused(goOn(reuseOf(['a', 'b'])))).toBe('EXECUTION_ENDED');
  });
  it('is given up for what can be taken over no more: the task runs again', () => {
    const run = resumed(planned('a'), planned('b'));
    run.accepted(letThrough(reuseOf(['a'], 1)));
    expect(run.accepted(goOn(reuseOf([])))).toEqual(['task-scheduled']);
    expect(run.state.ready).toEqual([]);
  });
  it('ends with a cancel in between: the rest is skipped', () => {
    const run = resumed(planned('a'), planned('b'));
    run.accepted(letThrough(reuseOf(['a'], 1)));
    expect(run.accepted(CANCEL)).toEqual(['cancel-requested', 'task-skipped', 'completed']);
    expect(run.state).toMatchObject({ verdict: 'cancelled', counts: { reused: 1, skipped: 1 } });
    expect([...run.open.keys()]).toEqual([]);
  });
  it('nothing more once a large run is being cancelled, however much was left', () => {
    const tasks = wide(400);
    const run = resumed(...tasks);
    run.accepted(letThrough(reuseOf(['t0'], 399)));
    run.accepted(CANCEL);
    expect(run.state.deferredRevision).toBeDefined();
    expect(run.accepted(goOn(reuseOf(['t399']))).includes('task-reused')).toBe(false);
    expect(run.state).toMatchObject({ verdict: 'cancelled', counts: { reused: 1, skipped: 399 } });
  });
});
