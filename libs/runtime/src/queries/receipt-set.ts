import { executionStream, parseExecutionId, streamName } from '@maestro/domain';
import type { Json } from '@maestro/domain';
import type { EventStore } from '@maestro/ports';
import { canonicalBytes, eventsJsonl } from '@maestro/receipt';
import type { ReceiptSet } from '@maestro/receipt';
import { loadStream, recordedOf } from '../recorded-events.ts';
import type { FoundReceipt } from './receipt-view.ts';

/** The files that a receipt is about, as they are stored; undefined: the store does not hold it (any more). */
export type StoredSet = Omit<ReceiptSet, 'ownKeyId'>;

/**
 * The set of a signed run as it is exported: event bytes as stored, the bundle that `receipt.signed` names, the receipt
 * that it holds, the manifest that the run pinned. Verifies nothing. Faults of the store pass through.
 */
export async function readReceiptSet(store: EventStore, { receipt, bundle }: Pick<FoundReceipt, 'receipt' | 'bundle'>): Promise<StoredSet> {
  const id = parseExecutionId(receipt.executionId);
  const events = id === undefined ? [] : (await loadStream(store, executionStream(id))).stored;
  return {
    events: events.length === 0 ? undefined : eventsJsonl(events.map(({ bytes }) => bytes)),
    manifest: await manifestBytes(store, receipt.workflow.id, receipt.digests.manifest),
    receipt: canonicalBytes(receipt as unknown as Json),
    bundle,
  };
}

async function manifestBytes(store: EventStore, workflowId: string, digest: string): Promise<Uint8Array | undefined> {
  const stream = streamName('workflow', workflowId);
  if (stream === undefined) return undefined;
  for (const stored of (await loadStream(store, stream)).stored) {
    if (stored.type !== 'workflow.draft-saved.v1') continue;
    const { event } = recordedOf(stored);
    if (event.type === 'workflow.draft-saved.v1' && `sha256:${event.data.manifestDigest}` === digest) return canonicalBytes(event.data.manifest as unknown as Json);
  }
  return undefined;
}
