import type { ReceiptSignedV1, ReceiptV1 } from '@maestro/contracts';
import { executionStream, receiptStream } from '@maestro/domain';
import type { ExecutionId, Recorded } from '@maestro/domain';
import type { EventStore, EvidenceStore } from '@maestro/ports';
import { fromEnvelope, sha256 } from '@maestro/receipt';
import { isTerminal, readHistory } from './stream-history.ts';
import type { Unreadable } from './stream-history.ts';

/** How far a receipt has come: each state is a statement of its own event, never an expectation. */
export type ReceiptStates = { readonly signed: true; readonly logged: boolean; readonly witnessed: boolean };

/** The signed receipt as JSON: what the bundle holds, its signature, and its states. The bundle alone is the proof. */
export type ReceiptView = ReceiptV1 & {
  /** base64 of the DSSE signature */
  readonly signature: string;
  readonly keyId: string;
  readonly bundleDigest: string;
  readonly signedAt: string;
  readonly states: ReceiptStates;
};

export type FoundReceipt = {
  readonly kind: 'receipt';
  readonly view: ReceiptView;
  /** what was signed */
  readonly receipt: ReceiptV1;
  /** payload of the bundle: the bytes that the signature covers */
  readonly statement: Uint8Array;
  /** of the latest event of its stream: the view changes with it */
  readonly revision: number;
  /** the exact stored bytes */
  readonly bundle: Uint8Array;
  /** 64 hex: SHA-256 of the bundle */
  readonly bundleDigest: string;
};

/** `ended`: the run has its verdict and waits for its signature. */
export type NoReceipt = { readonly kind: 'missing' } | { readonly kind: 'unfinished'; readonly ended: boolean };

/**
 * The receipt of a run: the bundle that its latest `receipt.signed` names, as it was stored. Any other bundle is a draft
 * and never shown. `named`: the one that has this bundle digest instead. Faults of the store and of the evidence store pass through (EVIDENCE_DAMAGED, EVIDENCE_MISSING).
 */
export async function readReceipt(store: EventStore, evidence: EvidenceStore, id: ExecutionId, named: string | null = null): Promise<FoundReceipt | NoReceipt | Unreadable> {
  const history = await readHistory(store, receiptStream(id));
  if (history.kind === 'unreadable') return history;
  const events = history.kind === 'history' ? history.events : [];
  const signed = events.findLast(({ event }) => event.type === 'receipt.signed.v1' && (named === null || event.data.bundleDigest === named));
  if (signed?.event.type !== 'receipt.signed.v1') return whyNone(store, id);
  const { data } = signed.event;
  const bundle = await evidence.get(data.evidence);
  const opened = sha256(bundle) === data.bundleDigest ? openBundle(bundle) : undefined;
  if (opened === undefined) {
    return { kind: 'unreadable', code: 'STORE_DAMAGED', detail: `the bundle that revision ${signed.revision} of ${signed.stream} names is not a receipt of this run` };
  }
  const states = { signed: true, logged: has(events, 'receipt.logged.v1', data), witnessed: has(events, 'receipt.witnessed.v1', data) } as const;
  const view = { ...opened.receipt, signature: opened.signature, keyId: data.keyId, bundleDigest: `sha256:${data.bundleDigest}`, signedAt: signed.at, states };
  const revision = events.at(-1)?.revision ?? signed.revision;
  return { kind: 'receipt', bundle, bundleDigest: data.bundleDigest, view, receipt: opened.receipt, statement: opened.statement, revision };
}

async function whyNone(store: EventStore, id: ExecutionId): Promise<NoReceipt> {
  const page = await store.readStream(executionStream(id), { direction: 'backward', limit: 1 });
  if (page.kind === 'missing') return { kind: 'missing' };
  return { kind: 'unfinished', ended: isTerminal(page.events[0]?.type ?? '') };
}

type About = Pick<ReceiptSignedV1['data'], 'statementDigest'>;

function has(events: readonly Recorded[], type: 'receipt.logged.v1' | 'receipt.witnessed.v1', { statementDigest }: About): boolean {
  return events.some(({ event }) => event.type === type && event.data.statementDigest === statementDigest);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Receipt and signature out of a Sigstore bundle; undefined where it is no receipt bundle. Verifies nothing. */
function openBundle(bundle: Uint8Array): { readonly receipt: ReceiptV1; readonly statement: Uint8Array; readonly signature: string } | undefined {
  const { dsseEnvelope } = JSON.parse(decoder.decode(bundle)) as { readonly dsseEnvelope?: unknown };
  const envelope = fromEnvelope(dsseEnvelope);
  if (envelope === undefined) return undefined;
  const { predicate } = JSON.parse(decoder.decode(envelope.payload)) as { readonly predicate?: ReceiptV1 };
  if (predicate?.schema !== 'receipt.v1') return undefined;
  return { receipt: predicate, statement: envelope.payload, signature: Buffer.from(envelope.signature).toString('base64') };
}
