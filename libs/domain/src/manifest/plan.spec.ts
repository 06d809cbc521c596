import { findPackage, manifestOf, taskWith } from '../fixtures/packages.ts';
import { hex } from '../fixtures/run-under-test.ts';
import { mergeInputs, planOf, readsOf, scheduleOf } from './plan.ts';

describe('plan', () => {
  it('fills in what a manifest may leave out', () => {
    const plan = planOf(manifestOf([taskWith('a')]), findPackage);
    expect(plan).toEqual({
      workflow: { id: 'greeting', version: '1.0.0', region: null },
      labels: {},
      inputs: {},
      tasks: [
        {
          id: 'a',
          uses: 'pkg:core/echo@1.0.0',
          packageDigest: hex('4'),
          needs: [],
          retries: 0,
          timeoutMs: 300_000,
          class: 'small',
          fenced: false,
          reads: [],
          expectedDurationMs: 10,
        },
      ],
      arguments: new Map([['a', {}]]),
    });
  });
  it('takes over what it says, and what its packages say of themselves', () => {
    const task = taskWith('b', { uses: 'pkg:core/slow@1.0.0', needs: ['a', 'a'], retries: 2, timeoutSeconds: 7, resources: { class: 'large' }, with: { text: '${{ tasks.a.outputs.x }}' } });
    const plan = planOf(manifestOf([taskWith('a', { resources: {} }), task], { region: 'eu', labels: { team: 'x' }, inputs: { n: 1 } }), findPackage);
    expect(plan).toMatchObject({ workflow: { region: 'eu' }, labels: { team: 'x' }, inputs: { n: 1 } });
    expect(plan.tasks[0]?.class).toBe('small');
    expect(plan.tasks[1]).toMatchObject({ packageDigest: hex('5'), needs: ['a'], retries: 2, timeoutMs: 7_000, class: 'large', fenced: true, reads: ['a'], expectedDurationMs: 900 });
    expect(plan.arguments.get('b')).toEqual({ text: '${{ tasks.a.outputs.x }}' });
  });
  it('an unknown package is a bug here: the manifest was checked before', () => {
    expect(() => planOf(manifestOf([taskWith('a', { uses: 'pkg:core/none@1.0.0' })]), findPackage)).toThrow('pkg:core/none@1.0.0 is unknown');
  });
});

describe('reads', () => {
  it('are the tasks whose outputs a value refers to, sorted, each once; a status needs no reading', () => {
    const value = { z: '${{ tasks.z.outputs.x }} ${{ tasks.b.outputs }}', list: ['${{ tasks.z.outputs.y }}', '${{ tasks.s.status }}', '${{ inputs.a }}', '${{ broken'] };
    expect(readsOf(value)).toEqual(['b', 'z']);
  });
});

describe('inputs of a run', () => {
  it('each given one replaces its default as a whole', () => {
    expect(mergeInputs({ a: { x: 1 }, b: 2 }, { a: { y: 1 }, c: null })).toEqual({ a: { y: 1 }, b: 2, c: null });
  });
});

describe('schedule', () => {
  const manifest = manifestOf([taskWith('a'), taskWith('slow', { uses: 'pkg:core/slow@1.0.0', needs: ['a'] }), taskWith('quick', { needs: ['a'] }), taskWith('end', { needs: ['quick', 'slow'] }), taskWith('alone')]);
  const { tasks } = planOf(manifest, findPackage);

  it('shows levels and the chain that takes longest', () => {
    expect(scheduleOf(manifest, tasks)).toEqual({ levels: [['a', 'alone'], ['slow', 'quick'], ['end']], criticalPath: ['a', 'slow', 'end'] });
  });
  it('among equals the first in the manifest is shown', () => {
    const equal = manifestOf([taskWith('x'), taskWith('y')]);
    expect(scheduleOf(equal, planOf(equal, findPackage).tasks).criticalPath).toEqual(['x']);
  });
  it('tasks whose duration nobody knows count for nothing', () => {
    expect(scheduleOf(manifest, tasks.filter(({ id }) => id !== 'slow')).criticalPath).toEqual(['a', 'quick', 'end']);
  });
  it('leaves out what is stuck on a cycle', () => {
    const stuck = manifestOf([taskWith('a'), taskWith('b', { needs: ['a', 'c'] }), taskWith('c', { needs: ['b'] })]);
    expect(scheduleOf(stuck, [])).toEqual({ levels: [['a']], criticalPath: ['a'] });
    expect(scheduleOf(manifestOf([taskWith('b', { needs: ['c'] }), taskWith('c', { needs: ['b'] })]), [])).toEqual({ levels: [], criticalPath: [] });
  });
});
