import { hex } from '../fixtures/run-under-test.ts';
import { WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { projectWorkflow } from './workflow-row.ts';
import type { WorkflowRow } from './workflow-row.ts';

const because = { workflowId: 'greeting', reason: 'BECAUSE', comment: '' };

/** A workflow that went through everything that a row shows. */
function busyWorkflow(): WorkflowUnderTest {
  const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
  workflow.store({ type: 'workflow.promoted.v1', data: { ...because, version: '1.0.1', replaces: '1.0.0' } });
  workflow.published('1.0.2');
  workflow.store({ type: 'workflow.rolled-back.v1', data: { ...because, version: '1.0.1', to: '1.0.0' } });
  workflow.store({ type: 'workflow.promoted.v1', data: { ...because, version: '1.0.0', replaces: null } });
  workflow.store({ type: 'workflow.rolled-back.v1', data: { ...because, version: '1.0.2', to: null } });
  workflow.published('1.0.3');
  workflow.store({ type: 'workflow.retired.v1', data: { ...because, version: '1.0.3' } });
  workflow.published('1.0.4');
  workflow.store({ type: 'workflow.retired.v1', data: { ...because, version: '1.0.0' } });
  workflow.draft('1.0.5');
  workflow.publish();
  workflow.decide(false);
  workflow.store({ type: 'workflow.retired.v1', data: { ...because, version: null } });
  return workflow;
}

describe('the row of a workflow', () => {
  it('shows after every event what the state of the aggregate says', () => {
    const workflow = new WorkflowUnderTest();
    let row: WorkflowRow | undefined;
    for (const recorded of busyWorkflow().history) {
      workflow.store(recorded.event);
      row = projectWorkflow(row, recorded);
      const { stable = null, candidate = null, draft, versions } = workflow.state;
      expect(row).toMatchObject({ id: 'greeting', name: 'greeting', labels: {}, draftVersion: draft?.version, stable, candidate, versions: [...versions.keys()], updatedAt: recorded.at, appliedRevision: recorded.revision });
    }
    expect(row).toMatchObject({ stable: null, candidate: '1.0.4', draftVersion: '1.0.5' });
  });
  it('an event that comes twice, or late, changes nothing', () => {
    const { history } = busyWorkflow();
    const row = history.reduce<WorkflowRow | undefined>(projectWorkflow, undefined);
    for (const recorded of history) expect(projectWorkflow(row, recorded)).toBe(row);
    const doubled = history.flatMap((recorded, i) => [recorded, ...history.slice(0, i + 1)]);
    expect(doubled.reduce<WorkflowRow | undefined>(projectWorkflow, undefined)).toEqual(row);
  });
  it('is known by its name in lower case, and shows it as it was first spelled', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0', '0', 'Greeting');
    expect(projectWorkflow(undefined, workflow.history[0] as never)).toMatchObject({ id: 'greeting', name: 'Greeting' });
  });
  it('shows the labels of its draft, and who asked for the latest publication', () => {
    const workflow = new WorkflowUnderTest();
    workflow.store({ type: 'workflow.draft-saved.v1', data: { workflowId: 'greeting', version: '1.0.0', manifestDigest: hex('0'), manifestSchema: 'manifest.v1', manifest: { labels: { team: 'x' } }, dataKeyId: 'key-00000001' } });
    workflow.publish();
    expect(workflow.history.reduce<WorkflowRow | undefined>(projectWorkflow, undefined)).toMatchObject({ labels: { team: 'x' }, publication: { checkId: 'publish/1', actor: 'user:local' } });
  });
  it('begins with a draft', () => {
    const [, requested] = busyWorkflow().history;
    expect(projectWorkflow(undefined, requested as never)).toBeUndefined();
  });
});
