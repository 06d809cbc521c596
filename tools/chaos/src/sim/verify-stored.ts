import { decodeEvent } from '@maestro/codec';
import type { Recorded, StreamName } from '@maestro/domain';
import { assembleSet, eventsJsonl, sha256 } from '@maestro/receipt';
import type { SimulatedDisk } from './simulated-disk.ts';

/** Events of a stream as they lie on the disk. Throws for what cannot be read. */
export function eventsOf(disk: SimulatedDisk, stream: string): readonly Recorded[] {
  return (disk.log.streams.get(stream as StreamName) ?? []).map(({ bytes, hash }) => {
    const decoded = decodeEvent(bytes, hash);
    if (decoded.kind === 'failed') throw new Error(decoded.detail);
    return decoded.recorded;
  });
}

/**
 * What a verifier says of the receipt of a run, from what lies on the disk: `VERIFIED`, or the first thing that is wrong.
 * It makes the set anew from the events; the signature is the simulated one.
 */
export async function verifyStored(disk: SimulatedDisk, executionId: string): Promise<string> {
  const signed = eventsOf(disk, `receipt-${executionId}`)[0]?.event;
  if (signed?.type !== 'receipt.signed.v1') return 'MISSING';
  const { evidence, bundleDigest, receiptDigest, statementDigest } = signed.data;
  const bundle = await disk.evidence.get(evidence).catch(() => undefined);
  if (bundle === undefined) return 'BUNDLE_MISSING';
  if (sha256(bundle) !== bundleDigest) return 'BUNDLE_MISMATCH';
  const stored = disk.log.streams.get(`execution-${executionId}` as StreamName) ?? [];
  const { receiptJson, statement } = assembleSet(eventsOf(disk, `execution-${executionId}`), { jsonl: eventsJsonl(stored.map(({ bytes }) => bytes)) });
  if (sha256(receiptJson) !== receiptDigest) return 'RECEIPT_MISMATCH';
  if (sha256(statement) !== statementDigest) return 'STATEMENT_MISMATCH';
  const { statement: named } = JSON.parse(Buffer.from(bundle).toString('utf8')) as { readonly statement: string };
  return named === statementDigest ? 'VERIFIED' : 'SIGNATURE_INVALID';
}
