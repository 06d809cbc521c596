import type { ReceiptV1 } from '@maestro/contracts';
import type { Json, Recorded } from '@maestro/domain';
import { canonicalBytes } from '../canonical.ts';
import { sha256 } from '../chain.ts';
import { assemble } from './assemble.ts';
import type { AssembleInputs } from './assemble.ts';
import { eventBytes, eventsJsonl } from './event-lines.ts';
import { statementOf } from './statement.ts';

/** A receipt before it is signed: every byte of the set but the bundle, and what the bundle signs. */
export type AssembledSet = {
  readonly receipt: ReceiptV1;
  /** `events.jsonl` */
  readonly events: Uint8Array;
  /** `receipt.json`: RFC 8785 bytes */
  readonly receiptJson: Uint8Array;
  /** payload of the bundle: RFC 8785 bytes of the in-toto Statement */
  readonly statement: Uint8Array;
};

type Assembler = (events: readonly Recorded[], inputs: AssembleInputs) => ReceiptV1;

/** Every assembler ever released, by the version that receipts name. An entry is never changed and never removed. */
export const ASSEMBLERS: { readonly [version in ReceiptV1['assembler']]: Assembler } = { 'receipt.v1': assemble };

/** The version that new receipts are made with. */
export const CURRENT_ASSEMBLER: ReceiptV1['assembler'] = 'receipt.v1';

/**
 * All that is signed for a run, from its events alone: the same bytes for the same events, for ever. Throws as
 * `assemble` does. `manifest.json` is not made here: its bytes are the RFC 8785 bytes whose digest the run pinned.
 */
export function assembleSet(
  events: readonly Recorded[],
  inputs: AssembleInputs = {},
  version: ReceiptV1['assembler'] = CURRENT_ASSEMBLER,
): AssembledSet {
  const jsonl = inputs.jsonl ?? eventsJsonl(events.map(eventBytes));
  const receipt = ASSEMBLERS[version](events, { ...inputs, jsonl });
  const receiptJson = canonicalBytes(receipt as unknown as Json);
  const digests = {
    receiptDigest: sha256(receiptJson),
    eventsDigest: sha256(jsonl),
    manifestDigest: receipt.digests.manifest.slice('sha256:'.length),
  };
  return { receipt, events: jsonl, receiptJson, statement: canonicalBytes(statementOf(receipt, digests) as unknown as Json) };
}
