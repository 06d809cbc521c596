import { FolderEvidenceStore } from '@maestro/adapter-filesystem';
import { sweepEventStore } from '@maestro/adapter-sqlite';
import type { SweptEvent } from '@maestro/adapter-sqlite';
import type { Json } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { EvidenceRef } from '@maestro/ports';
import { pathsOf } from '../data-folder.ts';
import type { Progress } from '../doctor/check-store.ts';

/** What the events of a store name beside themselves. */
export type NamedByEvents = { readonly evidence: readonly EvidenceRef[]; readonly policySets: readonly string[]; readonly receipts: number };

/** Proves every event of a store and gathers what they name. Faults: STORE_DAMAGED (says where), STORE_BEHIND_MARK. */
export async function gatherNamed(path: string, onProgress: Progress): Promise<NamedByEvents> {
  const evidence: EvidenceRef[] = [];
  const policySets = new Set<string>();
  let receipts = 0;
  const onEvent = ({ bytes, type }: SweptEvent): undefined => {
    const { data } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly data: Json };
    if (type === 'receipt.signed.v1') receipts += 1;
    const set = (data as { readonly policySetDigest?: unknown }).policySetDigest;
    if (typeof set === 'string') policySets.add(set);
    collectRefs(data, evidence);
  };
  const sweep = await sweepEventStore({ path, onEvent, onProgress });
  if (sweep.kind === 'missing') throw new Fault('STORE_DAMAGED', `${path} holds no event store`);
  const [damage] = sweep.damages;
  if (damage !== undefined) {
    const place = damage.stream === null ? '' : `, ${damage.stream} revision ${damage.revision}`;
    throw new Fault('STORE_DAMAGED', `${sweep.damages.length + sweep.damagesOmitted} events are damaged, the first at position ${damage.position}${place}: ${damage.what}; doctor names all`);
  }
  if (sweep.markFault !== null) throw new Fault('STORE_BEHIND_MARK', `${path}: ${sweep.markFault}`);
  return { evidence, policySets: [...policySets].sort(), receipts };
}

/** Reads all that events name, so that each digest is checked. Opening an evidence folder finishes its last pack. */
export async function proveEvidence(folder: string, refs: readonly EvidenceRef[]): Promise<void> {
  const evidence = await FolderEvidenceStore.open(pathsOf(folder).evidence);
  try {
    for (const ref of refs) await evidence.get(ref);
  } finally {
    await evidence.close();
  }
}

/** Receipts and large values alike: any object of a digest and a location. */
function collectRefs(value: Json, found: EvidenceRef[]): void {
  if (typeof value !== 'object' || value === null) return;
  const { digest, location } = value as { readonly digest?: unknown; readonly location?: unknown };
  if (typeof digest === 'string' && typeof location === 'string') found.push({ digest, location });
  else for (const child of Object.values(value)) collectRefs(child as Json, found);
}
