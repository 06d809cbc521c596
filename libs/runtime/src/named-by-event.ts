import { decodeSealed } from '@maestro/codec';
import type { Json } from '@maestro/domain';
import type { DataKeyId, EvidenceRef, StoredEvent } from '@maestro/ports';

/** What one event names beside itself. */
export type NamedByEvent = { readonly evidence: readonly EvidenceRef[]; readonly dataKeys: readonly DataKeyId[]; readonly policySet: string | undefined };

/** Everything that has to be where the event is: evidence, data keys (those of its ciphertexts, too) and the policy set. */
export function namedByEvent({ bytes, sealed }: Pick<StoredEvent, 'bytes' | 'sealed'>): NamedByEvent {
  const { data } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly data: Json };
  const evidence: EvidenceRef[] = [];
  const dataKeys = new Set<DataKeyId>(sealed === null ? [] : decodeSealed(sealed).map(({ keyId }) => keyId));
  collect(data, evidence, dataKeys);
  const { policySetDigest } = data as { readonly policySetDigest?: unknown };
  return { evidence, dataKeys: [...dataKeys], policySet: typeof policySetDigest === 'string' ? policySetDigest : undefined };
}

/** Receipts and large values alike: any object of a digest and a location is a piece of evidence. */
function collect(value: Json, evidence: EvidenceRef[], dataKeys: Set<DataKeyId>): void {
  if (typeof value !== 'object' || value === null) return;
  const { digest, location, dataKeyId, dataKeyIds } = value as { readonly [name: string]: unknown };
  if (typeof digest === 'string' && typeof location === 'string') evidence.push({ digest, location });
  for (const keyId of [dataKeyId, ...(Array.isArray(dataKeyIds) ? (dataKeyIds as unknown[]) : [])]) if (typeof keyId === 'string') dataKeys.add(keyId);
  for (const child of Object.values(value)) collect(child as Json, evidence, dataKeys);
}
