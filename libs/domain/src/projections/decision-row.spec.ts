import { EXECUTION_ID, RunUnderTest, answer, planned } from '../fixtures/run-under-test.ts';
import { WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { decisionRowOf } from './decision-row.ts';

describe('the row of a decision', () => {
  it('tells what was decided on a run, by whom and with what, and nothing that is sealed', () => {
    const run = RunUnderTest.requested(planned('a'));
    run.accepted(answer('start', false));
    const rows = run.history.flatMap((recorded) => decisionRowOf(recorded, 'greeting') ?? []);
    expect(rows).toEqual([expect.objectContaining({ executionId: EXECUTION_ID, workflowId: 'greeting', stage: 'start', taskId: null, allow: false, packs: [expect.objectContaining({ pack: 'pii', violations: ['PII_FOUND'] })], durationUs: 5 })]);
    expect(Object.keys(rows[0] ?? {})).not.toEqual(expect.arrayContaining(['input', 'result']));
  });
  it('is of no run where a publication was decided', () => {
    const { history } = new WorkflowUnderTest().published('1.0.0');
    const rows = history.flatMap((recorded) => decisionRowOf(recorded, 'greeting') ?? []);
    expect(rows).toEqual([expect.objectContaining({ executionId: null, workflowId: 'greeting', stage: 'publish', allow: true })]);
  });
});
