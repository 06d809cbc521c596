import { createHash } from 'node:crypto';
import { WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { CANARY_WEIGHT_PERCENT, chooseVersion } from './choose-version.ts';
import { initialWorkflow } from './state.ts';

const { state: withCandidate } = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
const { state: stableOnly } = new WorkflowUnderTest().published('1.0.0');
const choose = (state: typeof stableOnly, rollout: 'canary' | 'all' | null, executionId = 'x', version: string | null = null) => {
  const choice = chooseVersion(state, { version, rollout, executionId });
  return choice.kind === 'refused' ? choice.rejection.code : `${choice.channel} ${choice.version.version}`;
};

describe('which version a start runs', () => {
  it('`all` runs the stable one, `canary` the candidate, or the stable one where there is none', () => {
    expect(choose(withCandidate, 'all')).toBe('stable 1.0.0');
    expect(choose(withCandidate, 'canary')).toBe('candidate 1.0.1');
    expect(choose(stableOnly, 'canary')).toBe('stable 1.0.0');
  });
  it('a version that is asked for is pinned, whatever the rollout; an unpublished one is refused', () => {
    expect(choose(withCandidate, 'canary', 'x', '1.0.0')).toBe('pinned 1.0.0');
    expect(choose(withCandidate, null, 'x', '9.9.9')).toBe('VERSION_NOT_FOUND');
  });
  it('without a published version nothing starts', () => {
    expect(choose(initialWorkflow(), null)).toBe('WORKFLOW_NOT_FOUND');
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    expect(choose(workflow.state, 'all')).toBe('WORKFLOW_NOT_PUBLISHED');
  });
});

describe('the share of the candidate', () => {
  // ids as they are made: of one millisecond after the other, and from idempotency keys
  const hashed = (i: number) => createHash('sha256').update(`id ${i}`).digest('hex');
  const ids = {
    'time-ordered': (i: number) => `${(0x0192_0000_0000 + i).toString(16).padStart(12, '0').replace(/^(.{8})/, '$1-')}-7${hashed(i).slice(0, 3)}-8${hashed(i).slice(3, 6)}-${hashed(i).slice(6, 18)}`,
    derived: (i: number) => hashed(i).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-8$3-9$4-$5'),
  };

  it.each(Object.entries(ids))('is ten in a hundred of 10,000 %s ids, give or take one', (_, idOf) => {
    const all = Array.from({ length: 10_000 }, (_unused, i) => idOf(i));
    expect(new Set(all).size).toBe(10_000);
    const share = all.filter((id) => choose(withCandidate, null, id) === 'candidate 1.0.1').length / 100;
    expect(Math.abs(share - CANARY_WEIGHT_PERCENT)).toBeLessThan(1);
  });
  it('a repeat of the same start chooses the same', () => {
    for (let i = 0; i < 100; i++) expect(choose(withCandidate, null, ids.derived(i))).toBe(choose(withCandidate, null, ids.derived(i)));
  });
  it('falls to the stable version where there is no candidate', () => {
    for (let i = 0; i < 100; i++) expect(choose(stableOnly, null, ids.derived(i))).toBe('stable 1.0.0');
  });
});
