import { WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';

const promote = { kind: 'promote', comment: 'as agreed' } as const;
const rollBackTo = (to: string | null) => ({ kind: 'rollback', to, comment: 'it broke' }) as const;

/** Each version published and, but for the first, promoted: the last one is stable. */
function stableThrough(...versions: readonly string[]): WorkflowUnderTest {
  const workflow = new WorkflowUnderTest();
  for (const [i, version] of versions.entries()) {
    workflow.published(version);
    if (i > 0) workflow.send(promote);
  }
  return workflow;
}

describe('promotion', () => {
  it('makes the candidate stable; what was stable is superseded', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
    expect(workflow.send(promote)).toEqual(['promoted']);
    expect(workflow.status()).toEqual({ '1.0.0': 'superseded', '1.0.1': 'stable' });
    expect(workflow.state.candidate).toBeUndefined();
    expect(workflow.history.at(-1)?.event.data).toEqual({ workflowId: 'greeting', version: '1.0.1', replaces: '1.0.0', reason: 'OPERATOR_REQUEST', comment: 'as agreed' });
  });
  it('is refused where there is no candidate', () => {
    expect(stableThrough('1.0.0').send(promote)).toBe('NO_CANDIDATE');
    expect(stableThrough('1.0.0', '1.0.1').send(promote)).toBe('NO_CANDIDATE');
    const draft = new WorkflowUnderTest();
    draft.draft('1.0.0');
    expect(draft.send(promote)).toBe('NO_CANDIDATE');
  });
  it('of a workflow that is unknown or retired is refused', () => {
    expect(new WorkflowUnderTest().send(promote)).toBe('WORKFLOW_NOT_FOUND');
    const retired = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
    retired.store({ type: 'workflow.retired.v1', data: { workflowId: 'greeting', version: null, reason: 'OLD', comment: '' } });
    expect(retired.send(promote)).toBe('WORKFLOW_RETIRED');
    expect(retired.send(rollBackTo(null))).toBe('WORKFLOW_RETIRED');
  });
  it('where the stable version was retired replaces none', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
    workflow.store({ type: 'workflow.retired.v1', data: { workflowId: 'greeting', version: '1.0.0', reason: 'OLD', comment: '' } });
    expect(workflow.send(promote)).toEqual(['promoted']);
    expect(workflow.history.at(-1)?.event.data).toMatchObject({ version: '1.0.1', replaces: null });
    expect(workflow.state.formerStables).toEqual([]);
  });
});

describe('rollback', () => {
  it('with no version named withdraws the candidate first, and leaves what is stable', () => {
    const workflow = stableThrough('1.0.0', '1.0.1').published('1.0.2');
    expect(workflow.send(rollBackTo(null))).toEqual(['rolled-back']);
    expect(workflow.history.at(-1)?.event.data).toEqual({ workflowId: 'greeting', version: '1.0.2', to: null, reason: 'OPERATOR_REQUEST', comment: 'it broke' });
    expect(workflow.status()).toEqual({ '1.0.0': 'superseded', '1.0.1': 'stable', '1.0.2': 'rolled-back' });
    expect(workflow.state).toMatchObject({ stable: '1.0.1', candidate: undefined });
  });
  it('with no version named and no candidate goes back step by step, until nothing is left', () => {
    const workflow = stableThrough('1.0.0', '1.0.1', '1.0.2');
    expect(workflow.send(rollBackTo(null))).toEqual(['rolled-back']);
    expect(workflow.history.at(-1)?.event.data).toMatchObject({ version: '1.0.2', to: '1.0.1' });
    expect(workflow.send(rollBackTo(null))).toEqual(['rolled-back']);
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'rolled-back', '1.0.2': 'rolled-back' });
    expect(workflow.send(rollBackTo(null))).toBe('NO_EARLIER_VERSION');
  });
  it('never goes back to a version that was retired meanwhile', () => {
    const workflow = stableThrough('1.0.0', '1.0.1', '1.0.2');
    workflow.store({ type: 'workflow.retired.v1', data: { workflowId: 'greeting', version: '1.0.1', reason: 'OLD', comment: '' } });
    workflow.send(rollBackTo(null));
    expect(workflow.state.stable).toBe('1.0.0');
  });
  it('to a named version makes that one stable, over those in between, and leaves a candidate alone', () => {
    const workflow = stableThrough('1.0.0', '1.0.1', '1.0.2').published('1.0.3');
    expect(workflow.send(rollBackTo('1.0.0'))).toEqual(['rolled-back']);
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'superseded', '1.0.2': 'rolled-back', '1.0.3': 'candidate' });
    // what came after it is no way back any more
    workflow.send(rollBackTo(null));
    expect(workflow.send(rollBackTo(null))).toBe('NO_EARLIER_VERSION');
  });
  it('to a published version that was never stable is allowed', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1').published('1.0.2');
    workflow.send(promote);
    expect(workflow.send(rollBackTo('1.0.1'))).toEqual(['rolled-back']);
    expect(workflow.state).toMatchObject({ stable: '1.0.1', formerStables: ['1.0.0'] });
  });
  it.each([
    ['9.9.9', 'VERSION_NOT_FOUND'],
    ['1.0.1', 'ROLLBACK_TARGET_INVALID'], // stable already
    ['1.0.3', 'ROLLBACK_TARGET_INVALID'], // the candidate
    ['1.0.2', 'ROLLBACK_TARGET_INVALID'], // rolled back before
    ['1.0.0', 'ROLLBACK_TARGET_INVALID'], // retired
  ])('to %s is refused: %s', (to, code) => {
    const workflow = stableThrough('1.0.0', '1.0.1', '1.0.2');
    workflow.send(rollBackTo(null));
    workflow.published('1.0.3');
    workflow.store({ type: 'workflow.retired.v1', data: { workflowId: 'greeting', version: '1.0.0', reason: 'OLD', comment: '' } });
    expect(workflow.send(rollBackTo(to))).toBe(code);
  });
  it('of a workflow that is unknown, or has nothing stable, is refused', () => {
    expect(new WorkflowUnderTest().send(rollBackTo(null))).toBe('WORKFLOW_NOT_FOUND');
    const workflow = stableThrough('1.0.0', '1.0.1');
    workflow.store({ type: 'workflow.retired.v1', data: { workflowId: 'greeting', version: '1.0.1', reason: 'OLD', comment: '' } });
    expect(workflow.send(rollBackTo('1.0.0'))).toBe('WORKFLOW_NOT_PUBLISHED');
  });
  it('to the candidate that an event from elsewhere names leaves no candidate', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
    workflow.store({ type: 'workflow.rolled-back.v1', data: { workflowId: 'greeting', version: '1.0.0', to: '1.0.1', reason: 'SLO_BREACH', comment: '' } });
    expect(workflow.state).toMatchObject({ stable: '1.0.1', candidate: undefined });
  });
});
