import { hex } from '../fixtures/run-under-test.ts';
import { WORKFLOW_STREAM, WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { decideWorkflow, workflowDecider } from './decide.ts';

const rejectionOf = (workflow: WorkflowUnderTest) => {
  const decision = decideWorkflow(workflow.state, { kind: 'publish', version: null, policySetDigest: hex('f'), requireRegion: false, now: 'now' });
  return decision.kind === 'refused' ? decision.rejection : undefined;
};

describe('a draft', () => {
  it('is saved with its digest; its data key is the first one, for ever', () => {
    const workflow = new WorkflowUnderTest();
    expect(workflow.draft('1.0.0')).toEqual(['draft-saved']);
    workflow.draft('1.0.1');
    expect(workflow.history.map(({ event }) => event.data)).toMatchObject([
      { workflowId: 'greeting', version: '1.0.0', manifestDigest: hex('0'), dataKeyId: 'key-for-1-0-0', manifestSchema: 'manifest.v1' },
      { version: '1.0.1', dataKeyId: 'key-for-1-0-0' },
    ]);
  });
  it('saved again unchanged appends nothing', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    expect(workflow.draft('1.0.0')).toEqual([]);
    expect(workflow.draft('1.0.0', '1')).toEqual(['draft-saved']);
    expect(workflow.draft('1.0.0', '0')).toEqual(['draft-saved']);
  });
  it('of another spelling of the name is refused: both are one stream', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    expect(workflow.draft('1.0.1', '1', 'Greeting')).toBe('WORKFLOW_NAME_TAKEN');
    expect(workflow.draft('1.0.0', '0', 'Greeting')).toBe('WORKFLOW_NAME_TAKEN');
  });
});

describe('publishing', () => {
  it('needs a draft, and the version that the draft has', () => {
    const workflow = new WorkflowUnderTest();
    expect(workflow.publish()).toBe('WORKFLOW_NOT_FOUND');
    workflow.draft('1.0.0');
    expect(workflow.publish('1.0.1')).toBe('VERSION_NOT_FOUND');
    expect(workflow.publish('1.0.0')).toEqual(['publish-requested']);
  });
  it('asks policy; the snapshot is the draft that was asked about, whatever is saved meanwhile', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    workflow.draft('1.1.0', '1');
    expect(workflow.decide(true)).toEqual(['policy-decided', 'published']);
    expect(workflow.history.at(-1)?.event.data).toEqual({
      workflowId: 'greeting',
      version: '1.0.0',
      manifestDigest: hex('0'),
      draftRevision: 0,
      channel: 'stable',
      checkId: 'publish/1',
      replaces: null,
    });
    expect(workflow.state.draft?.version).toBe('1.1.0');
  });
  it('twice while policy looks appends nothing; another draft has to wait', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    expect(workflow.publish()).toEqual([]);
    workflow.draft('1.1.1');
    expect(workflow.publish()).toBe('PUBLISH_PENDING');
  });
  it('the same digest again answers as before', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0');
    expect(workflow.publish()).toEqual([]);
    expect(workflow.publish('1.0.0')).toEqual([]);
  });
  it('the same version with other content is a conflict that shows both digests', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0');
    workflow.draft('1.0.0', 'a');
    expect(rejectionOf(workflow)).toMatchObject({ code: 'VERSION_CONFLICT', params: { version: '1.0.0', publishedDigest: `sha256:${hex('0')}`, draftDigest: `sha256:${hex('a')}` } });
  });
  it('a version below the highest published one is a conflict that shows both digests', () => {
    const workflow = new WorkflowUnderTest().published('1.9.0').published('1.10.1').published('1.10.2');
    workflow.draft('1.10.0', 'a');
    expect(rejectionOf(workflow)).toMatchObject({ code: 'VERSION_CONFLICT', params: { version: '1.10.0', publishedDigest: `sha256:${hex('2')}`, draftDigest: `sha256:${hex('a')}` } });
    workflow.draft('1.10.2-rc.1', 'b');
    expect(workflow.publish()).toBe('VERSION_CONFLICT');
    workflow.draft('1.10.3-rc.1', 'c');
    expect(workflow.publish()).toEqual(['publish-requested']);
  });
  it('the first version is stable at once, later ones are candidates, each in place of the one before', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1').published('1.0.2');
    expect(workflow.status()).toEqual({ '1.0.0': 'stable', '1.0.1': 'superseded', '1.0.2': 'candidate' });
    expect(workflow.history.at(-1)?.event.data).toMatchObject({ channel: 'candidate', replaces: '1.0.1' });
  });
});

describe('policy about a version', () => {
  it('a deny keeps the draft and says why; after that it can be published again, under a check of its own', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    expect(workflow.decide(false)).toEqual(['policy-decided', 'publish-denied']);
    expect(workflow.state).toMatchObject({ denied: { version: '1.0.0', reason: 'POLICY_DENIED', violations: ['PII_FOUND'] }, pending: undefined, stable: undefined });
    expect(workflow.publish()).toEqual(['publish-requested']);
    expect(workflow.state).toMatchObject({ denied: undefined, pending: { checkId: 'publish/4' } });
    expect(workflow.decide(true)).toEqual(['policy-decided', 'published']);
    expect(workflow.state.stable).toBe('1.0.0');
  });
  it('another draft forgets why the one before was denied', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    workflow.decide(false, { reason: 'EVALUATION_FAILED', packs: [] });
    expect(workflow.state.denied).toEqual({ version: '1.0.0', reason: 'EVALUATION_FAILED', violations: [] });
    workflow.draft('1.0.1');
    expect(workflow.state.denied).toBeUndefined();
  });
  it('nobody answering in time is a deny: POLICY_UNAVAILABLE', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    expect(workflow.send({ kind: 'fire-policy-deadline', checkId: 'publish/1' })).toEqual(['policy-decided', 'publish-denied']);
    expect(workflow.history.at(-2)?.event.data).toMatchObject({ stage: 'publish', reason: 'POLICY_UNAVAILABLE', setDigest: hex('f'), evaluatedAt: '2026-01-05T10:00:30.000Z' });
    expect(workflow.state.denied?.reason).toBe('POLICY_UNAVAILABLE');
  });
  it('an answer that nobody awaits is refused: twice, late, of another check', () => {
    const workflow = new WorkflowUnderTest();
    expect(workflow.decide(true)).toBe('CHECK_NOT_OPEN');
    expect(workflow.send({ kind: 'fire-policy-deadline', checkId: 'publish/1' })).toBe('CHECK_NOT_OPEN');
    workflow.published('1.0.0');
    expect(workflow.decide(false)).toBe('CHECK_NOT_OPEN');
    workflow.draft('1.0.1');
    workflow.publish();
    expect(workflow.send({ kind: 'fire-policy-deadline', checkId: 'publish/1' })).toBe('CHECK_NOT_OPEN');
  });
  it('the check and its deadline are open until the answer, and nothing is after it', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    expect([...workflow.open.values()].map(({ key, kind }) => [key, kind])).toEqual([
      [`${WORKFLOW_STREAM}/publish/1/check`, 'policy-check'],
      [`${WORKFLOW_STREAM}/publish/1/deadline`, 'timer'],
    ]);
    expect([...workflow.open.values()][1]).toMatchObject({ dueAt: '2026-01-05T10:00:41.000Z', timer: { kind: 'policy-deadline', checkId: 'publish/1' } });
    workflow.decide(false);
    expect(workflow.open.size).toBe(0);
    workflow.publish();
    workflow.decide(true);
    expect(workflow.open.size).toBe(0);
  });
});

describe('the decider', () => {
  it('is its three functions; a command that no type lets through is a bug', () => {
    expect(workflowDecider.initial()).toMatchObject({ revision: -1, retired: false });
    expect(() => workflowDecider.decide(workflowDecider.initial(), { kind: 'explode' } as never)).toThrow('unreachable');
  });
});
