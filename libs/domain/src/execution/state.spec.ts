import { RunUnderTest, SUCCEEDED, planned, recordedAt, reportOf, requestFor } from '../fixtures/run-under-test.ts';
import { executionDecider } from './decide.ts';
import { refsOf } from './advance.ts';
import { evolveExecution } from './evolve.ts';
import { forkExecution, initialExecution, plannedTask, shapeOf, taskOf } from './state.ts';

describe('the state of a run', () => {
  it('tried events never reach the state that a decision was made on', () => {
    const run = RunUnderTest.started(planned('a'), planned('b', ['a']));
    const before = structuredClone(run.state);
    const decision = run.decide(reportOf('a', SUCCEEDED));
    expect(decision.kind === 'accepted' && decision.events).toHaveLength(2);
    expect(run.state).toEqual(before);
  });
  it('a fork reads through and writes beside', () => {
    const run = RunUnderTest.started(planned('a'));
    const fork = forkExecution(run.state);
    const task = taskOf(fork, 'a');
    fork.tasks.set('a', { ...task, phase: 'failed' });
    expect([taskOf(fork, 'a').phase, taskOf(run.state, 'a').phase]).toEqual(['failed', 'scheduled']);
  });
  it('asking for what cannot be there is a bug', () => {
    const run = RunUnderTest.started(planned('a'), planned('b', ['a'], { reads: ['a'] }));
    expect(() => taskOf(run.state, 'ghost')).toThrow('no task ghost');
    expect(() => plannedTask(run.state, 'ghost')).toThrow('no task ghost');
    expect(() => shapeOf(initialExecution())).toThrow('no request');
    expect(() => shapeOf({ ...run.state, shape: undefined })).toThrow('no request');
    expect(() => refsOf(run.state, 'b')).toThrow('task a is read before it has an output');
  });
  it('an event that no type lets through is a bug', () => {
    expect(() => executionDecider.evolve(executionDecider.initial(), { event: { type: 'execution.exploded.v1' } } as never)).toThrow('unreachable');
  });
});

describe('a resumed run', () => {
  it('takes over an output as a success that cost nothing and ran nowhere; what needed it becomes ready', () => {
    const state = initialExecution();
    const at = '2026-01-05T10:00:00.000Z';
    evolveExecution(state, recordedAt({ type: 'execution.requested.v1', data: requestFor([planned('a'), planned('b', ['a'], { reads: ['a'] })]) }, 0, at));
    const from = { executionId: 'x', revision: 4, eventHash: 'h', attempt: 2 };
    evolveExecution(state, recordedAt({ type: 'execution.task-reused.v1', data: { taskId: 'a', from, output: { commitment: 'c' }, public: {} } }, 1, at));
    expect(state).toMatchObject({ ready: ['b'], openCount: 0, unfinishedCount: 1, costMicroUsd: 0, counts: { reused: 1, succeeded: 0, attempts: 0 } });
    expect(taskOf(state, 'a')).toMatchObject({ phase: 'succeeded', reused: true, outputRevision: 1 });
    expect(refsOf(state, 'b')).toEqual([{ taskId: 'a', revision: 1 }]);
  });
});
