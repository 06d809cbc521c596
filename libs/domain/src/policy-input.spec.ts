import { findPackage, manifestOf, taskWith } from './fixtures/packages.ts';
import { planOf } from './manifest/plan.ts';
import { undecided } from './policy-decision.ts';
import { publishInput, regionOf, startInput, taskCheckInput } from './policy-input.ts';

const plan = planOf(
  manifestOf([taskWith('a', { with: { text: '${{ inputs.name }}' } }), taskWith('b', { needs: ['a'], with: { text: '${{ tasks.a.outputs.x }}', run: '${{ run.id }}' } }), taskWith('c')], {
    region: 'eu',
    labels: { team: 'x' },
    inputs: { name: 'default' },
  }),
  findPackage,
);
const request = { at: '2026-01-05T10:00:00.000Z', actor: 'user:local', region: 'eu', regionSource: 'workflow', requireRegion: true } as const;
const echo = { uses: 'pkg:core/echo@1.0.0', class: 'small' };
const frame = {
  schema: 'policy-input.v1',
  at: '2026-01-05T10:00:00.000Z',
  workflow: { id: 'greeting', version: '1.0.0', region: 'eu', labels: { team: 'x' } },
  request: { region: 'eu', regionSource: 'workflow' },
  actor: 'user:local',
  config: { requireRegion: true },
};

describe('what policy sees', () => {
  it('at publish: the manifest as written with its declared inputs, and no inputs of a run', () => {
    expect(publishInput(plan, request)).toEqual({
      ...frame,
      workflow: { ...frame.workflow, inputs: { name: 'default' } },
      stage: 'publish',
      inputs: null,
      tasks: [
        { id: 'a', ...echo, with: { text: '${{ inputs.name }}' }, lateBound: false },
        { id: 'b', ...echo, with: { text: '${{ tasks.a.outputs.x }}', run: '${{ run.id }}' }, lateBound: true },
        { id: 'c', ...echo, with: {}, lateBound: false },
      ],
    });
  });
  it('at the start: the merged inputs, and what will really run as far as it is known', () => {
    expect(startInput(plan, request, { name: 'given' }, { id: 'run-1', attempt: 1, conductorUrl: null }, 100)).toEqual({
      ...frame,
      stage: 'start',
      inputs: { name: 'given' },
      tasks: [
        { id: 'a', ...echo, with: { text: 'given' }, lateBound: false },
        { id: 'b', ...echo, with: { text: '${{ tasks.a.outputs.x }}', run: 'run-1' }, lateBound: true },
        { id: 'c', ...echo, with: {}, lateBound: false },
      ],
    });
  });
  it('at the start: nothing at all where it would be larger than the bound', () => {
    const run = { id: 'run-1', attempt: 1, conductorUrl: null };
    expect([22, 21].map((max) => startInput(plan, request, { name: 'thirteen-long' }, run, max) === undefined)).toEqual([false, true]);
  });
  it('of a task whose arguments are known only now: that task with exactly these', () => {
    expect(taskCheckInput(plan, request, { name: 'given' }, 'b', { text: 7 })).toEqual({
      ...frame,
      stage: 'task',
      inputs: { name: 'given' },
      tasks: [{ id: 'b', ...echo, with: { text: 7 }, lateBound: true }],
    });
  });
  it('of a task that the plan does not have is a bug', () => {
    expect(() => taskCheckInput(plan, request, {}, 'ghost', {})).toThrow('no task ghost in the plan');
  });
});

describe('the region of a run', () => {
  it.each([
    ['us', 'eu', 'ap', { region: 'us', regionSource: 'request' }],
    [null, 'eu', 'ap', { region: 'eu', regionSource: 'config' }],
    [null, null, 'ap', { region: 'ap', regionSource: 'workflow' }],
    [null, null, null, { region: null, regionSource: 'none' }],
  ] as const)('asked %s, configured %s, declared %s', (asked, configured, declared, expected) => {
    expect(regionOf(asked, configured, declared)).toEqual(expected);
  });
});

describe('a check that nobody answered', () => {
  it.each([
    ['start', 'start'],
    ['publish/3', 'publish'],
    ['task/publish/1', 'task'],
  ])('%s is denied at stage %s', (checkId, stage) => {
    expect(undecided(checkId, 'digest', 'now')).toMatchObject({ checkId, stage, allow: false, reason: 'POLICY_UNAVAILABLE', setDigest: 'digest', evaluatedAt: 'now', packs: [] });
  });
});
