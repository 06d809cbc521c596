import type { ReceiptV1, StatementV1 } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { escapePointer } from '@maestro/domain';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** Predicate type of a receipt; what `cosign verify-blob-attestation --type` is given. */
export const RECEIPT_PREDICATE_TYPE = 'https://companyos/internal/maestro/receipt/v1';

/** Names of the files of a receipt set. */
export const RECEIPT_FILES = {
  events: 'events.jsonl',
  manifest: 'manifest.json',
  receipt: 'receipt.json',
  bundle: 'receipt.sigstore.json',
} as const;

/** SHA-256 of the files, 64 hex characters each; `manifestDigest` is of the manifest's RFC 8785 bytes. */
export type SetDigests = { readonly receiptDigest: string; readonly eventsDigest: string; readonly manifestDigest: string };

type Subject = StatementV1['subject'][number];

const PUBLIC_DIGEST = /^sha256:([0-9a-f]{64})$/;
/** characters, as statement.v1 bounds a subject's name; a longer pointer names nothing */
const SUBJECT_NAME_MAX = 512;

/**
 * The in-toto Statement v1 that a receipt's bundle signs; its RFC 8785 bytes are the payload. Subjects: `events.jsonl`
 * first (what stock tools are pointed at), `manifest.json`, `receipt.json`, then every digest that a successful step
 * made public, as `outputs/<task id><JSON pointer within public>`, by step and key order.
 */
export function statementOf(receipt: ReceiptV1, { receiptDigest, eventsDigest, manifestDigest }: SetDigests): StatementV1 {
  const [events, manifest, document] = [
    subject(RECEIPT_FILES.events, eventsDigest),
    subject(RECEIPT_FILES.manifest, manifestDigest),
    subject(RECEIPT_FILES.receipt, receiptDigest),
  ] as const;
  return {
    _type: STATEMENT_TYPE,
    subject: [events, manifest, document, ...receipt.steps.flatMap(outputSubjects)],
    predicateType: RECEIPT_PREDICATE_TYPE,
    predicate: receipt,
  };
}

function outputSubjects(step: ReceiptV1['steps'][number]): Subject[] {
  if (step.status !== 'ok') return [];
  const found: Subject[] = [];
  collect(step.public as Json, `outputs/${step.id}`, found);
  return found.filter(({ name }) => name.length <= SUBJECT_NAME_MAX);
}

/** Keys by UTF-16 code unit, as RFC 8785 orders them: insertion order differs between writer and reader. */
function collect(value: Json, name: string, found: Subject[]): void {
  if (typeof value === 'string') {
    const hex = PUBLIC_DIGEST.exec(value)?.[1];
    if (hex !== undefined) found.push(subject(name, hex));
  } else if (typeof value === 'object' && value !== null) {
    const entries: [string, Json][] = Array.isArray(value) ? value.map((item, index) => [String(index), item]) : sortedEntries(value);
    for (const [key, child] of entries) collect(child, `${name}/${escapePointer(key)}`, found);
  }
}

function sortedEntries(value: object): [string, Json][] {
  return (Object.entries(value) as [string, Json][]).sort(([a], [b]) => (a < b ? -1 : 1));
}

function subject(name: string, sha256: string): Subject {
  return { name, digest: { sha256 } };
}
