import { RECEIPT_FILES, assembleSet, digestOf, openBundle, openHistory, openStatement, readEvent, sha256 } from '@maestro/receipt';
import type { AssembledSet, OpenedStatement, ReceiptSet } from '@maestro/receipt';
import { readReceiptFolder } from './receipt-folder.ts';

/** One document of the set against what the events make. */
export type Compared = { readonly name: string; readonly identical: boolean; readonly detail: string };
export type Rebuilt = { readonly identical: boolean; readonly compared: readonly Compared[] };

const STATEMENT = 'signed statement';

/**
 * Assembles the receipt and the statement of an exported set anew, from `events.jsonl` and `manifest.json` alone, and
 * compares bytes. Signatures are no part of it: they are randomised, payloads are not. VerifyError: no such folder.
 */
export async function rebuildFolder(folder: string): Promise<Rebuilt> {
  const set = await readReceiptFolder(folder);
  const statement = statementIn(set);
  const rebuilt = rebuild(set, statement);
  if (typeof rebuilt === 'string') return { identical: false, compared: [{ name: RECEIPT_FILES.events, identical: false, detail: rebuilt }] };
  const manifestDigest = set.manifest && digestOf(sha256(set.manifest));
  const compared = [
    compare(RECEIPT_FILES.receipt, set.receipt, rebuilt.receiptJson),
    compare(STATEMENT, statement?.bytes, rebuilt.statement),
    verdict(RECEIPT_FILES.manifest, manifestDigest === rebuilt.receipt.digests.manifest, 'not the manifest that the run pinned'),
  ];
  return { identical: compared.every(({ identical }) => identical), compared };
}

function statementIn(set: ReceiptSet): OpenedStatement | undefined {
  const bundle = set.bundle && openBundle(set.bundle);
  const statement = typeof bundle === 'object' ? openStatement(bundle.payload) : undefined;
  return typeof statement === 'object' ? statement : undefined;
}

/** Answers why nothing can be assembled as text. */
function rebuild(set: ReceiptSet, statement: OpenedStatement | undefined): AssembledSet | string {
  if (set.events === undefined) return 'missing';
  const events = [];
  for (const [index, { stored, problem, hash }] of openHistory(set.events).lines.entries()) {
    if (stored === undefined) return `line ${index + 1}: ${problem}`;
    const read = readEvent(stored, hash);
    if (read.kind !== 'read') return read.detail;
    events.push(read.recorded);
  }
  try {
    return assembleSet(events, { jsonl: set.events, supersedes: statement?.receipt?.links.supersedes ?? null });
  } catch (error) {
    return (error as Error).message;
  }
}

function compare(name: string, found: Uint8Array | undefined, rebuilt: Uint8Array): Compared {
  if (found === undefined) return verdict(name, false, 'missing or unreadable');
  return verdict(name, Buffer.from(found).equals(rebuilt), 'not what the events make');
}

function verdict(name: string, identical: boolean, otherwise: string): Compared {
  return { name, identical, detail: identical ? 'identical, byte for byte' : otherwise };
}
