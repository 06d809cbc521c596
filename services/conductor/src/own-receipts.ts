import { verify as verifySignature, createPublicKey } from 'node:crypto';
import { executionStream, parseExecutionId, streamName } from '@maestro/domain';
import type { Json } from '@maestro/domain';
import type { EventStore, EvidenceStore } from '@maestro/ports';
import { canonicalBytes, checkSet, eventsJsonl } from '@maestro/receipt';
import type { KeyRegistry, ReceiptSet } from '@maestro/receipt';
import { loadStream, readReceipt, recordedOf } from '@maestro/runtime';
import type { VerifyReport } from '@maestro/service-api';

/** Verifies receipts of this conductor with its own registry: what it would tell anybody, from what it has stored. */
export function ownReceiptVerifier(store: EventStore, evidence: EvidenceStore, registry: KeyRegistry): (executionId: string) => Promise<VerifyReport> {
  return async (executionId) => {
    const set = await receiptSetOf(store, evidence, executionId);
    const trust = { keys: registry.keys, verifySignature: verifyP256, trustedTime: null };
    const { ok, code, exitCode, results } = checkSet(set, trust, { executionId });
    const rows = results.map(({ row, title, status, code: failure, detail, meaning, remedy }) => ({
      check: row,
      name: title,
      status: status === 'passed' || status === 'failed' ? status : ('not-checked' as const),
      code: failure,
      meaning: meaning ?? detail,
      whatToDo: remedy ?? '',
    }));
    return { rows, verdict: ok ? 'VERIFIED' : (code ?? 'MALFORMED'), exitCode };
  };
}

/** The set as it would be exported: event bytes as stored, the bundle that `receipt.signed` names, the pinned manifest. */
async function receiptSetOf(store: EventStore, evidence: EvidenceStore, executionId: string): Promise<ReceiptSet> {
  const id = parseExecutionId(executionId);
  const found = id === undefined ? undefined : await readReceipt(store, evidence, id);
  if (id === undefined || found?.kind !== 'receipt') return { events: undefined, manifest: undefined, receipt: undefined, bundle: undefined, ownKeyId: null };
  const { stored } = await loadStream(store, executionStream(id));
  const { signature: _s, keyId: _k, bundleDigest: _b, signedAt: _a, states: _t, ...receipt } = found.view;
  return {
    events: eventsJsonl(stored.map(({ bytes }) => bytes)),
    manifest: await manifestBytes(store, found.view.workflow.id, found.view.digests.manifest),
    receipt: canonicalBytes(receipt as unknown as Json),
    bundle: found.bundle,
    ownKeyId: null,
  };
}

async function manifestBytes(store: EventStore, workflowId: string, digest: string): Promise<Uint8Array | undefined> {
  const stream = streamName('workflow', workflowId);
  if (stream === undefined) return undefined;
  for (const { event } of (await loadStream(store, stream)).stored.map(recordedOf)) {
    if (event.type === 'workflow.draft-saved.v1' && `sha256:${event.data.manifestDigest}` === digest) return canonicalBytes(event.data.manifest as unknown as Json);
  }
  return undefined;
}

function verifyP256(spki: string, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifySignature('sha256', data, createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
