/** Rows of the table of checks; the number of the row that fails first is the exit code of every verifier. */
export type CheckRow = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13;

/** What each row checks, for people. */
export const CHECK_TITLES: { readonly [row in CheckRow]: string } = {
  1: 'well-formed set',
  2: 'key is trusted',
  3: 'signature',
  4: 'key window and revocation',
  5: 'the run that was expected',
  6: 'every event, chained',
  7: 'whole history',
  8: 'receipt rebuilt from events',
  9: 'policy evaluated again',
  10: 'in the transparency log',
  11: 'log consistent with the last seen',
  12: 'disclosed values',
  13: 'not superseded or revoked',
};

/** The order in which checks count: the first failure in it names the class. */
export const CHECK_ORDER: readonly CheckRow[] = [1, 2, 3, 10, 11, 4, 5, 6, 7, 8, 9, 12, 13];

type Explained = { readonly row: CheckRow; readonly meaning: string; readonly remedy: string };

const ASK_AGAIN = 'fetch the receipt set again from the conductor';
const DO_NOT_RELY = 'do not rely on this set; keep it as evidence and ask the operator for the original';

/** Every failure class: the row it belongs to, what it means, what to do. Codes are stable; texts may improve. */
export const FAILURE_CLASSES = {
  MALFORMED: { row: 1, meaning: 'the set is not complete or not in the one form that receipts have', remedy: ASK_AGAIN },
  UNKNOWN_KEY: {
    row: 2,
    meaning: 'no key that you trust has the id that the receipt names',
    remedy: 'get the key registry of that deployment over a channel you trust, then verify with --registry and --root',
  },
  SELF_ASSERTED: {
    row: 2,
    meaning: 'the only key offered comes from the set itself, so anybody could have made both',
    remedy: 'get the key over another channel and verify with --key, or enrol the deployment in your trust store',
  },
  TAMPERED_RECEIPT: { row: 3, meaning: 'the receipt is not what the key signed', remedy: DO_NOT_RELY },
  WRONG_KEY: {
    row: 3,
    meaning: 'the receipt names one key, but another trusted key signed it',
    remedy: 'ask the operator which key signs; treat the set as unsigned until that is explained',
  },
  EXPIRED_KEY: { row: 4, meaning: 'the key was not valid at the trusted time of the signature', remedy: 'ask the operator for a receipt under a valid key' },
  REVOKED_KEY: {
    row: 4,
    meaning: 'the key is revoked and nothing proves that the signature is older than that',
    remedy: 'ask the operator why it was revoked, and for a new receipt of this run',
  },
  NO_TRUSTED_TIME: {
    row: 4,
    meaning: 'the key has an end, and nothing trusted tells when the signature was made',
    remedy: 'ask for the witnessed set: a time stamp or a witness cosignature dates the signature',
  },
  REPLAYED_RECEIPT: { row: 5, meaning: 'a genuine receipt, but of something other than expected', remedy: 'ask for the receipt of the run that you mean' },
  TAMPERED_EVENT: { row: 6, meaning: 'an event was changed, moved or put in after it was stored', remedy: DO_NOT_RELY },
  MISSING_EVENT: { row: 6, meaning: 'an event in the middle of the history was taken out', remedy: DO_NOT_RELY },
  UNSUPPORTED_VERSION: {
    row: 6,
    meaning: 'the history holds events of a version that this verifier does not know',
    remedy: 'verify with a newer release of the verifier',
  },
  TRUNCATED_HISTORY: { row: 7, meaning: 'the history stops before the event that the receipt closes over', remedy: DO_NOT_RELY },
  EXTRA_EVENTS: { row: 7, meaning: 'the history goes on after the event that ends the run', remedy: DO_NOT_RELY },
  REBUILD_MISMATCH: {
    row: 8,
    meaning: 'the signed receipt does not follow from the events: whoever signed it wrote something else',
    remedy: 'do not rely on the receipt; the events show what happened; tell the operator',
  },
  POLICY_MISMATCH: { row: 9, meaning: 'the pinned policy, evaluated again, decides otherwise', remedy: DO_NOT_RELY },
  PACK_UNAVAILABLE: { row: 9, meaning: 'a policy pack that the run pinned is not at hand', remedy: 'fetch the pack by its digest and verify again' },
  NOT_LOGGED: { row: 10, meaning: 'no proof that the receipt is in the transparency log', remedy: 'ask for the set again once the receipt is logged' },
  UNWITNESSED: { row: 10, meaning: 'too few trusted witnesses cosigned the checkpoint', remedy: 'ask for the set again once the checkpoint is witnessed' },
  ROLLED_BACK_LOG: { row: 11, meaning: 'the log is smaller than it was when last seen', remedy: 'keep both checkpoints as evidence and tell the operator' },
  SPLIT_VIEW: { row: 11, meaning: 'the log shows you another history than before', remedy: 'keep both checkpoints as evidence and tell the operator' },
  BAD_DISCLOSURE: { row: 12, meaning: 'a disclosed value is not the one that the event committed to', remedy: 'do not rely on the disclosed value' },
  SUPERSEDED: { row: 13, meaning: 'a later receipt corrects this one', remedy: 'ask for the later receipt' },
  REVOKED: { row: 13, meaning: 'the receipt was withdrawn', remedy: 'ask the operator why it was withdrawn' },
} as const satisfies { readonly [code: string]: Explained };

export type FailureClass = keyof typeof FAILURE_CLASSES;
