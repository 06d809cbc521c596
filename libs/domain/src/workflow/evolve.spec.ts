import { WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { chooseVersion } from './choose-version.ts';
import { evolveWorkflow } from './evolve.ts';
import { initialWorkflow } from './state.ts';
import type { WorkflowEvent } from './state.ts';

const because = { workflowId: 'greeting', reason: 'BECAUSE', comment: '' };
const promoted = (version: string, replaces: string | null): WorkflowEvent => ({ type: 'workflow.promoted.v1', data: { ...because, version, replaces } });
const rolledBack = (version: string, to: string | null): WorkflowEvent => ({ type: 'workflow.rolled-back.v1', data: { ...because, version, to } });
const retired = (version: string | null): WorkflowEvent => ({ type: 'workflow.retired.v1', data: { ...because, version } });
const twoVersions = () => new WorkflowUnderTest().published('1.0.0').published('1.0.1');

describe('a candidate', () => {
  it('that is promoted is the stable version; the one before steps back', () => {
    const workflow = twoVersions();
    workflow.store(promoted('1.0.1', '1.0.0'));
    expect(workflow.state).toMatchObject({ stable: '1.0.1', candidate: undefined });
    expect(workflow.status()).toEqual({ '1.0.0': 'superseded', '1.0.1': 'stable' });
  });
  it('that is withdrawn leaves the stable version alone', () => {
    const workflow = twoVersions();
    workflow.store(rolledBack('1.0.1', null));
    expect(workflow.state).toMatchObject({ stable: '1.0.0', candidate: undefined });
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'rolled-back' });
  });
  it('stays one while another version is promoted', () => {
    const workflow = twoVersions().published('1.0.2');
    workflow.store(promoted('1.0.1', '1.0.0'));
    expect(workflow.state).toMatchObject({ stable: '1.0.1', candidate: '1.0.2' });
  });
});

describe('a stable version', () => {
  it('that is rolled back gives way to an earlier one and is marked', () => {
    const workflow = twoVersions();
    workflow.store(promoted('1.0.1', '1.0.0'));
    workflow.published('1.0.2');
    workflow.store(rolledBack('1.0.1', '1.0.0'));
    expect(workflow.state).toMatchObject({ stable: '1.0.0', candidate: '1.0.2' });
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'rolled-back', '1.0.2': 'candidate' });
  });
  it('promoted again is still the stable one', () => {
    const workflow = twoVersions();
    workflow.store(promoted('1.0.0', null));
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'candidate' });
  });
});

describe('retiring', () => {
  it('a workflow starts nothing any more', () => {
    const workflow = twoVersions();
    workflow.store(retired(null));
    expect(workflow.state.retired).toBe(true);
    expect(chooseVersion(workflow.state, { version: '1.0.0', rollout: null, executionId: 'x' })).toMatchObject({ rejection: { code: 'WORKFLOW_RETIRED' } });
  });
  it('a version starts no run any more: neither by name nor as candidate or stable one', () => {
    const workflow = twoVersions();
    workflow.store(retired('1.0.1'));
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'retired' });
    expect(chooseVersion(workflow.state, { version: '1.0.1', rollout: null, executionId: 'x' })).toMatchObject({ rejection: { code: 'WORKFLOW_RETIRED' } });
    expect(chooseVersion(workflow.state, { version: null, rollout: 'canary', executionId: 'x' })).toMatchObject({ channel: 'stable', version: { version: '1.0.0' } });
    workflow.store(retired('1.0.0'));
    expect(chooseVersion(workflow.state, { version: null, rollout: 'all', executionId: 'x' })).toMatchObject({ rejection: { code: 'WORKFLOW_NOT_PUBLISHED' } });
    expect(workflow.published('1.0.2').state.stable).toBe('1.0.2');
  });
});

describe('any event', () => {
  it('about a version that nobody published changes no version', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.store(rolledBack('9.9.9', null));
    expect(workflow.status()).toEqual({});
  });
  it('folds to the same state again', () => {
    const workflow = twoVersions();
    workflow.store(promoted('1.0.1', '1.0.0'));
    workflow.store(rolledBack('1.0.1', '1.0.0'));
    expect(workflow.history.reduce(evolveWorkflow, initialWorkflow())).toEqual(workflow.state);
  });
  it('that no type lets through is a bug', () => {
    expect(() => evolveWorkflow(initialWorkflow(), { event: { type: 'workflow.exploded.v1' } } as never)).toThrow('unreachable');
  });
});
