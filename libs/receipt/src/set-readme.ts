import type { ReceiptV1 } from '@maestro/contracts';
import { RECEIPT_FILES, RECEIPT_PREDICATE_TYPE } from './assemble/statement.ts';

/** The public key of the signer, for stock tools. It proves nothing as long as it comes with the set. */
export const OWN_KEY_FILE = 'key.pub';
/** For whoever gets a set and knows nothing of this program. */
export const README_FILE = 'README';

/** What checks the signature with a stock tool, run inside the folder of the set. */
export const COSIGN_COMMAND =
  `cosign verify-blob-attestation --bundle ${RECEIPT_FILES.bundle} --key ${OWN_KEY_FILE} --type ${RECEIPT_PREDICATE_TYPE} ` +
  `--insecure-ignore-tlog ${RECEIPT_FILES.events}`;

/** The text that goes with a set, for whoever gets it and knows nothing of this program. The same set has the same text. */
export function readmeOf({ executionId, workflow, verdict, finishedAt, stream }: ReceiptV1, keyId: string): string {
  return `RECEIPT SET OF A WORKFLOW RUN

run        ${executionId}
workflow   ${workflow.id} ${workflow.version}
verdict    ${verdict}, ${finishedAt}
signed by  ${keyId}

Files
  ${RECEIPT_FILES.events}          the whole history of the run, ${stream.count} events, one a line, oldest first. Values of users
                        are not in it; in their places stand commitments: salted SHA-256 digests.
  ${RECEIPT_FILES.receipt}          the receipt: what ran, decided by which policy, with which result. Made from the events alone.
  ${RECEIPT_FILES.bundle} Sigstore bundle: the signature (DSSE) over an in-toto statement that names the SHA-256 of
                        ${RECEIPT_FILES.events}, ${RECEIPT_FILES.manifest} and ${RECEIPT_FILES.receipt}.
  ${RECEIPT_FILES.manifest}         the workflow that ran, as canonical JSON (RFC 8785).
  ${OWN_KEY_FILE}               public key of the signer. Get it a second time from a source that you trust and compare:
                        a key that comes with what it signs proves nothing.

Check the signature over the events with a stock tool (https://github.com/sigstore/cosign), in this folder:
  ${COSIGN_COMMAND}

Check everything (signature, key, every event, that none is missing, that the receipt follows from the events):
  ./maestro verify <this folder> --key <${OWN_KEY_FILE} from a source that you trust>

What the signature proves: whoever holds the key stated this receipt over exactly these events and this manifest, and
nothing was changed, left out or added since.
What it does not prove: that the statements are true, or when they were made. It proves nothing against the holder of the
key, who could have signed another history; only a record kept outside the deployment shows that.
`;
}
