import { RECEIPT_FILES, checkSet, sha256 } from '@maestro/receipt';
import type { Expectations, ReceiptSet, Trust, VerifySignature } from '@maestro/receipt';
import { pemKey, verifySignature } from '@maestro/verify';
import { byteChanges, rightClasses } from './byte-changes.ts';
import type { ChangePlan } from './byte-changes.ts';
import type { TamperWorld } from './real-sets.ts';

/** What became of every change. `byKind` and `byClass`: `<file>: <kind or class>` → how many. */
export type ByteFindings = {
  readonly changes: number;
  readonly bytes: number;
  readonly accepted: number;
  readonly byKind: { readonly [name: string]: number };
  readonly byClass: { readonly [name: string]: number };
  readonly violations: readonly string[];
};

/**
 * Verifies the set after each change, as whoever trusts the true key would, in this process. The bytes of the key that
 * lies in the set are changed, too: that must change nothing. `check`: the verifier that is on trial.
 */
export function changeEveryByte({ set, receipt, signer }: TamperWorld, plan: ChangePlan, check = checkSet): ByteFindings {
  const key = pemKey(signer.publicPem);
  if (key === undefined) throw new Error('the published key is no public key');
  const trust: Trust = { keys: [key], verifySignature: remembering(verifySignature), trustedTime: null };
  const expected: Expectations = { executionId: receipt.executionId, workflowId: receipt.workflow.id };
  const whole: ReceiptSet = { ...set, ownKeyId: key.keyId };
  if (!check(whole, trust, expected).ok) throw new Error('the exported set does not verify before anything was changed');
  const byKind: Record<string, number> = {};
  const byClass: Record<string, number> = {};
  const violations: string[] = [];
  let changes = 0;
  let accepted = 0;
  for (const change of byteChanges(set, plan)) {
    const { file, kind, offset, bytes } = change;
    const name = RECEIPT_FILES[file];
    const { ok, code } = check({ ...whole, [file]: bytes }, trust, expected);
    changes += 1;
    count(byKind, `${name}: ${kind}`);
    count(byClass, `${name}: ${code ?? 'ACCEPTED'}`);
    if (ok) accepted += 1;
    const right = rightClasses(change, set[file]);
    if (code === null || !right.includes(code)) violations.push(`${name}, byte ${offset} ${kind}: ${code ?? 'accepted'}, expected ${right.join(' or ')}`);
  }
  for (const ownKeyId of changedKeyIds(signer.publicPem)) {
    const { code } = check({ ...whole, ownKeyId }, trust, expected);
    count(byClass, `key.pub: ${code ?? 'VERIFIED, as before'}`);
    if (code !== null) violations.push(`key.pub changed: ${code}, expected no difference`);
  }
  return { changes, bytes: Object.values(set).reduce((sum, { length }) => sum + length, 0), accepted, byKind, byClass, violations };
}

/** What a verifier makes of the key in the set after each of its bytes was changed; null: no key at all. */
function changedKeyIds(pem: string): readonly (string | null)[] {
  return [...Buffer.from(pem).keys()].map((offset) => {
    const bytes = Buffer.from(pem);
    bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
    return pemKey(bytes)?.keyId ?? null;
  });
}

/** The same question has the same answer: most changes leave the bundle alone, and its signature is a third of the work. */
function remembering(verify: VerifySignature): VerifySignature {
  const answers = new Map<string, boolean>();
  return (spki, data, signature) => {
    const question = `${spki} ${Buffer.from(signature).toString('hex')} ${sha256(data)}`;
    const known = answers.get(question);
    if (known !== undefined) return known;
    const answer = verify(spki, data, signature);
    answers.set(question, answer);
    return answer;
  };
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
