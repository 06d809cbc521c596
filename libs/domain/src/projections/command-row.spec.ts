import { CANCEL, EXECUTION_ID, RunUnderTest, STREAM, hex, planned } from '../fixtures/run-under-test.ts';
import { WORKFLOW_STREAM, WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { commandRowOf } from './command-row.ts';

describe('what became of a command', () => {
  it('is told by the event that a client caused', () => {
    const workflow = new WorkflowUnderTest();
    workflow.draft('1.0.0');
    workflow.publish();
    const run = RunUnderTest.requested(planned('a'));
    run.accepted(CANCEL);
    const rows = [...workflow.history, ...run.history].flatMap((recorded) => commandRowOf(recorded) ?? []);
    const version = { id: 'greeting', version: '1.0.0', digest: `sha256:${hex('0')}` };
    expect(rows.map(({ type, stream, revision, result }) => ({ type, stream, revision, result }))).toEqual([
      { type: 'workflow.save-draft.v1', stream: WORKFLOW_STREAM, revision: 0, result: version },
      { type: 'workflow.publish.v1', stream: WORKFLOW_STREAM, revision: 1, result: { ...version, checkId: 'publish/1' } },
      { type: 'execution.start.v1', stream: STREAM, revision: 0, result: { executionId: EXECUTION_ID } },
      { type: 'execution.cancel.v1', stream: STREAM, revision: 2, result: { executionId: EXECUTION_ID } },
    ]);
    expect(rows[0]).toMatchObject({ id: hex('7'), at: '2026-01-05T10:00:10.000Z', actor: 'user:local' });
  });
});
