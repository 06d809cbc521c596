import { FolderEvidenceStore } from '@maestro/adapter-filesystem';
import type { ExecutionEvent, Recorded } from '@maestro/domain';
import type { Cursor, EventStore, EvidenceRef } from '@maestro/ports';
import { MovedEvidence, recordedOf } from '@maestro/runtime';
import type { DataFolder } from '../data-folder.ts';
import type { Progress } from './check-store.ts';
import { broken, fine, problem } from './finding.ts';
import type { Finding } from './finding.ts';

const PAGE_EVENTS = 500;

/** What an event keeps in the evidence store, and of what. */
type Kept = { readonly of: string; readonly ref: EvidenceRef };

/** Every receipt that is called signed has its bundle, and every large value its ciphertext, with the digest in the event. */
export async function checkEvidence({ evidence: path }: DataFolder, store: EventStore, onProgress: Progress): Promise<Finding> {
  const missing: string[] = [];
  const count = { receipts: 0, values: 0 };
  try {
    const stored = await FolderEvidenceStore.open(path);
    const evidence = new MovedEvidence(stored);
    try {
      for (let after: Cursor | null = null; ; ) {
        const page = await store.readAll({ after, limit: PAGE_EVENTS });
        for (const { of, ref } of page.events.flatMap((event) => keptBy(recordedOf(event)))) {
          count[of.startsWith('value ') ? 'values' : 'receipts'] += 1;
          await evidence.get(ref).catch((error: Error) => missing.push(`${of}: ${error.message}`));
        }
        onProgress(count.receipts, count.receipts);
        after = page.next;
        if (page.end) break;
      }
      const damages = stored.findings.filter(({ kind }) => kind === 'damaged-record').map(({ file, offset }) => `${file} at offset ${offset}: damaged record`);
      missing.push(...damages);
    } finally {
      await evidence.close();
    }
  } catch (error) {
    return broken('evidence', error, 'mend what is named above it first');
  }
  const whole = `${count.receipts} receipts, each with its bundle, ${count.values} large values; digests checked`;
  if (missing.length === 0) return fine('evidence', whole);
  const detail = `${missing.length} of ${count.receipts} receipts and ${count.values} large values are not whole`;
  return problem('evidence', detail, 'restore the evidence folder from a backup; what is named shows no receipt or value meanwhile', { items: missing });
}

function keptBy({ event, stream, revision }: Recorded): readonly Kept[] {
  if (event.type === 'receipt.signed.v1') return [{ of: event.data.executionId, ref: event.data.evidence }];
  const kept: Kept[] = [];
  collect((event as ExecutionEvent).data, `value in revision ${revision} of ${stream}`, kept);
  return kept;
}

function collect(value: unknown, of: string, kept: Kept[]): void {
  if (typeof value !== 'object' || value === null) return;
  const { commitment, blob } = value as { readonly commitment?: unknown; readonly blob?: EvidenceRef };
  if (typeof commitment === 'string' && blob !== undefined) kept.push({ of, ref: { digest: blob.digest, location: blob.location } });
  for (const child of Object.values(value)) collect(child, of, kept);
}
