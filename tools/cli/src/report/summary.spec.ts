import type { ReceiptV1 } from '@maestro/contracts';
import { goldenRun } from '../../fixtures/fake-conductor.ts';
import { painter } from '../screen.ts';
import { renderSummary } from './summary.ts';

const receiptOf = (name: string): ReceiptV1 => JSON.parse(goldenRun(name).file('receipt.json').toString()) as ReceiptV1;
const summaryOf = (receipt: ReceiptV1): string => renderSummary(receipt, 'SHA256:key', painter(false));

describe('the summary of a receipt', () => {
  it('says what ran, how it ended, what it cost and who signed', () => {
    const receipt = receiptOf('OK-one-task');
    const text = summaryOf(receipt);
    expect(text).toContain(`✓ SUCCEEDED  ${receipt.workflow.id} ${receipt.workflow.version}`);
    expect(text).toContain(receipt.executionId);
    expect(text).toMatch(/tasks +1 succeeded \(1 attempt\)/);
    expect(text).toContain(receipt.stream.merkleRoot);
    expect(text).toMatch(/signed by +SHA256:key/);
    expect(text).toContain(`${(receipt.cost.microUsd / 1e6).toFixed(6)} USD`);
  });

  it('names the pack that denied, with its codes, and that nothing ran', () => {
    const receipt = receiptOf('OK-denied');
    const denied = receipt.policyDecisions.find(({ allow }) => !allow);
    const text = summaryOf(receipt);
    expect(text).toContain('✗ DENIED');
    expect(text).toContain(`${denied?.pack}: denied, ${denied?.violations.join(', ')}`);
    expect(text).toMatch(/tasks +2 tasks, none ran/);
    expect(text).toContain('skipped: run-denied');
  });

  it('takes the decisions of one pack together', () => {
    const receipt = receiptOf('OK-one-task');
    const [first] = receipt.policyDecisions;
    if (first === undefined) throw new Error('no decision');
    const again = { ...first, checkId: 'task/a/1', allow: false, violations: ['LATE_KEY'], obligations: [] };
    expect(summaryOf({ ...receipt, policyDecisions: [first, again] })).toContain(`${first.pack}: denied, LATE_KEY (2 decisions)`);
  });

  it('lists of many steps only those that did not end well', () => {
    const receipt = receiptOf('OK-one-task');
    const [ok] = receipt.steps;
    if (ok === undefined) throw new Error('no step');
    const failed = { ...ok, id: 'broken', status: 'failed' as const, code: 'HTTP_STATUS' };
    const text = summaryOf({
      ...receipt,
      steps: [...Array.from({ length: 40 }, (_, i) => ({ ...ok, id: `fine-${i}` })), failed],
    });
    expect(text).toContain('failed: HTTP_STATUS');
    expect(text).not.toContain('fine-0');
    expect(text).toContain('40 more steps ended well');
  });
});
