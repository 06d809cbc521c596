import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { parseExecutionId } from '@maestro/domain';
import type { EventStore, EvidenceStore } from '@maestro/ports';
import { OWN_KEY_FILE, RECEIPT_FILES, checkSet, pinnedKey } from '@maestro/receipt';
import type { Expectations, KeyRegistry, ReceiptSet } from '@maestro/receipt';
import { readReceipt, readReceiptSet } from '@maestro/runtime';
import type { VerifyReport } from '@maestro/service-api';

const NOTHING: ReceiptSet = { events: undefined, manifest: undefined, receipt: undefined, bundle: undefined, ownKeyId: null };

/** Verifies receipts of this conductor with its own registry: what it would tell anybody, from what it has stored. */
export function ownReceiptVerifier(store: EventStore, evidence: EvidenceStore, registry: KeyRegistry): (executionId: string) => Promise<VerifyReport> {
  return async (executionId) => {
    const id = parseExecutionId(executionId);
    const found = id === undefined ? undefined : await readReceipt(store, evidence, id);
    const set = found?.kind === 'receipt' ? { ...(await readReceiptSet(store, found)), ownKeyId: null } : NOTHING;
    return report(set, registry, { executionId });
  };
}

/** Verifies a set that somebody sent, by the same keys. A key among its files is only told apart: it proves nothing. */
export function sentSetVerifier(registry: KeyRegistry): (files: ReadonlyMap<string, Uint8Array>) => VerifyReport {
  return (files) => {
    const { events, manifest, receipt, bundle } = RECEIPT_FILES;
    const set = { events: files.get(events), manifest: files.get(manifest), receipt: files.get(receipt), bundle: files.get(bundle), ownKeyId: keyIdOf(files.get(OWN_KEY_FILE)) };
    return report(set, registry, {});
  };
}

function report(set: ReceiptSet, registry: KeyRegistry, expected: Expectations): VerifyReport {
  const trust = { keys: registry.keys, verifySignature: verifyP256, trustedTime: null };
  const { ok, code, exitCode, results } = checkSet(set, trust, expected);
  const rows = results.map(({ row, title, status, code: failure, detail, meaning, remedy }) => ({
    check: row,
    name: title,
    status: status === 'passed' || status === 'failed' ? status : ('not-checked' as const),
    code: failure,
    meaning: meaning ?? detail,
    whatToDo: remedy ?? '',
  }));
  return { rows, verdict: ok ? 'VERIFIED' : (code ?? 'MALFORMED'), exitCode };
}

/** Null: no public key in PEM. */
function keyIdOf(pem: Uint8Array | undefined): string | null {
  const text = pem === undefined ? '' : Buffer.from(pem).toString('utf8');
  // a private key has no business in a set, and is not read as if it had
  if (!text.includes('-----BEGIN PUBLIC KEY-----')) return null;
  try {
    return pinnedKey(createPublicKey(text).export({ format: 'der', type: 'spki' }).toString('base64'))?.keyId ?? null;
  } catch {
    return null;
  }
}

function verifyP256(spki: string, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifySignature('sha256', data, createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
