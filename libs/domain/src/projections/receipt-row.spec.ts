import { EXECUTION_ID, hex, recordedAt } from '../fixtures/run-under-test.ts';
import { receiptRowsOf } from './receipt-row.ts';

const at = '2026-01-05T11:00:00.000Z';
const recorded = (type: string) =>
  recordedAt({ type, data: { executionId: EXECUTION_ID, bundleDigest: hex('1'), statementDigest: hex('2'), receiptDigest: hex('3') } } as never, 4, at, `receipt-${EXECUTION_ID}`);

describe('rows of a receipt', () => {
  it('let each of its documents be found by its digest', () => {
    const row = (document: string, digit: string) => ({ id: hex(digit), document, executionId: EXECUTION_ID, bundleDigest: hex('1'), revision: 4, at });
    expect(receiptRowsOf(recorded('receipt.signed.v1'))).toEqual([row('bundle', '1'), row('statement', '2'), row('receipt', '3')]);
    expect(receiptRowsOf(recorded('receipt.logged.v1'))).toEqual([]);
  });
});
