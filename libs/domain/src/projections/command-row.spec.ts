import { CANCEL, EXECUTION_ID, RunUnderTest, STREAM, hex, planned, requestFor } from '../fixtures/run-under-test.ts';
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
  it('a resume is told from a start by its link, a promotion and a rollback by what they changed', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
    workflow.send({ kind: 'promote', comment: '' });
    workflow.send({ kind: 'rollback', to: null, comment: '' });
    const run = new RunUnderTest();
    const resumedFrom = { executionId: '01920000-0000-7000-8000-000000000009', rootExecutionId: EXECUTION_ID, headRevision: 5, headHash: hex('6') };
    run.accepted({ kind: 'start', request: requestFor([planned('a')], { resumedFrom }) });
    const rows = [...workflow.history.slice(-2), ...run.history].flatMap((recorded) => commandRowOf(recorded) ?? []);
    expect(rows.map(({ type, result }) => ({ type, result }))).toEqual([
      { type: 'workflow.promote.v1', result: { id: 'greeting', version: '1.0.1' } },
      { type: 'workflow.rollback.v1', result: { id: 'greeting', version: '1.0.1', to: '1.0.0' } },
      { type: 'execution.resume.v1', result: { executionId: EXECUTION_ID, resumedFrom: resumedFrom.executionId } },
    ]);
  });
});
