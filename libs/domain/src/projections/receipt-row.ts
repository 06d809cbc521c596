import type { Recorded } from '../decider.ts';

/** Finds a receipt by the digest of any of its three documents. */
export type ReceiptRow = {
  /** 64 hex: digest of the document */
  readonly id: string;
  readonly document: 'bundle' | 'statement' | 'receipt';
  readonly executionId: string;
  /** the bundle that belongs to it; the bundle's own digest for a bundle */
  readonly bundleDigest: string;
  /** of the event in `receipt-<id>` */
  readonly revision: number;
  readonly at: string;
};

/** Rows that a signed receipt makes, one for each document; none for other events. */
export function receiptRowsOf({ event, revision, at }: Recorded): readonly ReceiptRow[] {
  if (event.type !== 'receipt.signed.v1') return [];
  const { executionId, bundleDigest, statementDigest, receiptDigest } = event.data;
  const row = (document: ReceiptRow['document'], id: string): ReceiptRow => ({ id, document, executionId, bundleDigest, revision, at });
  return [row('bundle', bundleDigest), row('statement', statementDigest), row('receipt', receiptDigest)];
}
