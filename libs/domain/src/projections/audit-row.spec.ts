import type { Recorded } from '../decider.ts';
import { CANCEL, EXECUTION_ID, RunUnderTest, answer, hex, planned, recordedAt } from '../fixtures/run-under-test.ts';
import { WorkflowUnderTest } from '../fixtures/workflow-under-test.ts';
import { auditRowOf } from './audit-row.ts';

const rowsOf = (history: readonly Recorded[]) => history.flatMap((recorded) => auditRowOf(recorded, { actor: recorded.actor }) ?? []);
const because = { reason: 'BECAUSE', comment: 'so' };

describe('the audit trail', () => {
  it('holds what was published, denied, promoted, rolled back and retired', () => {
    const workflow = new WorkflowUnderTest().published('1.0.0').published('1.0.1');
    workflow.draft('1.0.2');
    workflow.publish();
    workflow.decide(false);
    workflow.store({ type: 'workflow.promoted.v1', data: { workflowId: 'greeting', version: '1.0.1', replaces: '1.0.0', ...because } });
    workflow.store({ type: 'workflow.rolled-back.v1', data: { workflowId: 'greeting', version: '1.0.1', to: '1.0.0', ...because } });
    workflow.store({ type: 'workflow.retired.v1', data: { workflowId: 'greeting', version: null, ...because } });
    const rows = rowsOf(workflow.history);
    expect(rows.map(({ action, detail }) => ({ action, ...detail }))).toEqual([
      { action: 'published', version: '1.0.0', digest: `sha256:${hex('0')}`, channel: 'stable', replaces: null },
      { action: 'published', version: '1.0.1', digest: `sha256:${hex('1')}`, channel: 'candidate', replaces: null },
      expect.objectContaining({ action: 'publish-denied', version: '1.0.2', reason: 'POLICY_DENIED', violations: ['PII_FOUND'] }),
      { action: 'promoted', version: '1.0.1', replaces: '1.0.0', ...because },
      { action: 'rolled-back', version: '1.0.1', to: '1.0.0', ...because },
      { action: 'retired', version: null, ...because },
    ]);
    expect(rows.every(({ subject, subjectKind, actor }) => subject === 'greeting' && subjectKind === 'workflow' && actor !== '')).toBe(true);
  });
  it('holds runs that were denied, cancelled and resumed, not those that were begun', () => {
    const denied = RunUnderTest.requested(planned('a'));
    denied.accepted(answer('start', false));
    const cancelled = RunUnderTest.requested(planned('a'));
    cancelled.accepted(CANCEL);
    const [requested] = denied.history;
    if (requested?.event.type !== 'execution.requested.v1') throw new Error('a run begins with its request');
    const resumedFrom = { executionId: 'old', rootExecutionId: 'old', headRevision: 3, headHash: hex('9') };
    const resumed = recordedAt({ ...requested.event, data: { ...requested.event.data, resumedFrom } }, 0, requested.at, requested.stream);
    expect(rowsOf([...denied.history, ...cancelled.history, resumed]).map(({ action, subject, detail }) => [action, subject, detail])).toEqual([
      ['run-denied', EXECUTION_ID, expect.objectContaining({ checkId: 'start' })],
      ['cancelled', EXECUTION_ID, { reason: null, comment: '' }],
      ['resumed', EXECUTION_ID, { from: 'old' }],
    ]);
  });
  it('holds what happened to a receipt, under its run', () => {
    const of = (type: string, data: object): Recorded => recordedAt({ type, data: { executionId: EXECUTION_ID, ...data } } as never, 1, '2026-01-05T11:00:00.000Z', `receipt-${EXECUTION_ID}`);
    const rows = rowsOf([
      of('receipt.superseded.v1', { supersededBundleDigest: hex('1'), bundleDigest: hex('2'), ...because }),
      of('receipt.disclosed.v1', { disclosureId: 'd', to: 'auditor', purpose: 'AUDIT', pointers: [{ revision: 0, pointer: '/a' }], archiveDigest: hex('3') }),
      of('receipt.values-erased.v1', { scope: 'execution', dataKeyIds: ['k'], ...because }),
      of('receipt.logged.v1', {}),
    ]);
    expect(rows.map(({ action, detail }) => [action, detail])).toEqual([
      ['receipt-superseded', { supersededBundleDigest: hex('1'), bundleDigest: hex('2'), ...because }],
      ['disclosed', { disclosureId: 'd', to: 'auditor', purpose: 'AUDIT', places: 1 }],
      ['values-erased', { scope: 'execution', ...because }],
    ]);
    expect(rows.every(({ subject, subjectKind }) => subject === EXECUTION_ID && subjectKind === 'execution')).toBe(true);
  });
  it('names who asked, and is left as it is where that is not known any more', () => {
    const { history } = new WorkflowUnderTest().published('1.0.0');
    const published = history.find(({ event }) => event.type === 'workflow.published.v1');
    if (published === undefined) throw new Error('it was published');
    expect(auditRowOf(published, { actor: 'user:somebody' })).toMatchObject({ id: published.id, at: published.at, actor: 'user:somebody' });
    expect(auditRowOf(published, { actor: null })).toBeUndefined();
  });
});
