import { FolderEvidenceStore } from '@maestro/adapter-filesystem';
import { sweepEventStore } from '@maestro/adapter-sqlite';
import type { SweptEvent } from '@maestro/adapter-sqlite';
import { Fault } from '@maestro/ports';
import type { EvidenceRef } from '@maestro/ports';
import { MovedEvidence, namedByEvent } from '@maestro/runtime';
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
    const named = namedByEvent({ bytes, sealed: null });
    if (type === 'receipt.signed.v1') receipts += 1;
    if (named.policySet !== undefined) policySets.add(named.policySet);
    evidence.push(...named.evidence);
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
  const evidence = new MovedEvidence(await FolderEvidenceStore.open(pathsOf(folder).evidence));
  try {
    for (const ref of refs) await evidence.get(ref);
  } finally {
    await evidence.close();
  }
}
