import type { ReceiptV1 } from '@maestro/contracts';
import type { Json, Recorded } from '@maestro/domain';
import { assembleSet } from '../assemble/assembled-set.ts';
import { RECEIPT_FILES, RECEIPT_PREDICATE_TYPE } from '../assemble/statement.ts';
import { digestOf } from '../assemble/steps.ts';
import { canonicalBytes, canonicalText } from '../canonical.ts';
import { sha256 } from '../chain.ts';
import { conclude, failed, notRun, passed } from './conclusion.ts';
import type { CheckResult, Conclusion, RequiredProfile } from './conclusion.ts';
import { openHistory } from './history.ts';
import { checkEvents, checkWholeness } from './history-checks.ts';
import { checkKey, checkKeyWindow, checkSignature } from './key-checks.ts';
import type { Trust } from './key-checks.ts';
import { openBundle } from './signed-bundle.ts';
import type { OpenedBundle } from './signed-bundle.ts';
import { openStatement } from './signed-statement.ts';
import type { OpenedStatement } from './signed-statement.ts';

/** A receipt set as bytes; undefined: the file is not there. Whatever else a set holds proves nothing. */
export type ReceiptSet = {
  readonly [file in keyof typeof RECEIPT_FILES]: Uint8Array | undefined;
} & {
  /** fingerprint of a key that lies in the set; null: none does */
  readonly ownKeyId: string | null;
};

/** What the receipt should be about; undefined members are not compared. */
export type Expectations = {
  readonly executionId?: string | undefined;
  /** the manifest's name */
  readonly workflowId?: string | undefined;
  /** `sha256:<hex>` of the manifest's RFC 8785 bytes */
  readonly manifestDigest?: string | undefined;
};

export type SetConclusion = Conclusion & {
  /** what the bundle says, verified or not; undefined where it cannot be read */
  readonly receipt: ReceiptV1 | undefined;
  readonly keyId: string | undefined;
};

type Opened = { readonly row1: CheckResult; readonly bundle: OpenedBundle | undefined; readonly statement: OpenedStatement | undefined };

/**
 * Rows 1 to 8. Pure: trust, times and expectations come from whoever verifies, never from the set. Every check runs that
 * can; `others` are results of rows 9 to 13, made elsewhere.
 */
export function checkSet(
  set: ReceiptSet,
  trust: Trust,
  expected: Expectations = {},
  { required = 'signed', others = [] }: { readonly required?: RequiredProfile; readonly others?: readonly CheckResult[] } = {},
): SetConclusion {
  const { row1, bundle, statement } = open(set);
  const receipt = statement?.receipt;
  const results = [row1, ...checkTrust(set, bundle, receipt, trust), checkExpected(set, statement, expected), ...checkHistory(set, statement)];
  return { ...conclude([...results, ...others], required), receipt, keyId: bundle?.keyId };
}

function open(set: ReceiptSet): Opened {
  const missing = (Object.keys(RECEIPT_FILES) as (keyof typeof RECEIPT_FILES)[]).filter((file) => set[file] === undefined).map((file) => RECEIPT_FILES[file]);
  const bundle = set.bundle && openBundle(set.bundle);
  const statement = typeof bundle === 'object' ? openStatement(bundle.payload) : undefined;
  const problems = [
    ...missing.map((name) => `${name} is missing`),
    ...(typeof bundle === 'string' ? [`${RECEIPT_FILES.bundle}: ${bundle}`] : []),
    ...(typeof statement === 'string' ? [`${RECEIPT_FILES.bundle}: ${statement}`] : []),
  ];
  return {
    row1: problems.length > 0 ? failed('MALFORMED', problems.join('; ')) : passed(1, 'bundle v0.3, one signature, in-toto Statement v1'),
    bundle: typeof bundle === 'object' ? bundle : undefined,
    statement: typeof statement === 'object' ? statement : undefined,
  };
}

function checkTrust(set: ReceiptSet, bundle: OpenedBundle | undefined, receipt: ReceiptV1 | undefined, trust: Trust): CheckResult[] {
  if (bundle === undefined) return ([2, 3, 4] as const).map((row) => notRun(row, 'the bundle cannot be read'));
  const row2 = checkKey(bundle, trust, set.ownKeyId);
  const key = trust.keys.find(({ keyId }) => keyId === bundle.keyId);
  if (key === undefined) return [row2, notRun(3, 'no trusted key to verify with'), notRun(4, 'no trusted key to judge')];
  const row3 = checkSignature(bundle, key, trust);
  const row3WithFile = row3.status === 'passed' ? (findOtherReceipt(set, receipt) ?? row3) : row3;
  return [row2, row3WithFile, checkKeyWindow(key, trust.trustedTime)];
}

function findOtherReceipt(set: ReceiptSet, receipt: ReceiptV1 | undefined): CheckResult | undefined {
  if (receipt === undefined || set.receipt === undefined) return undefined;
  if (Buffer.from(set.receipt).equals(canonicalBytes(receipt as unknown as Json))) return undefined;
  return failed('TAMPERED_RECEIPT', `${RECEIPT_FILES.receipt} is not, byte for byte, the receipt that was signed`);
}

/** Row 5. */
function checkExpected(set: ReceiptSet, statement: OpenedStatement | undefined, expected: Expectations): CheckResult {
  if (statement === undefined) return notRun(5, 'the signed statement cannot be read');
  const { receipt, predicateType } = statement;
  if (receipt === undefined) return failed('REPLAYED_RECEIPT', `a statement of type ${predicateType}, not ${RECEIPT_PREDICATE_TYPE}`);
  const compared: readonly (readonly [string, string | undefined, string])[] = [
    ['run', expected.executionId, receipt.executionId],
    ['workflow', expected.workflowId, receipt.workflow.id],
    ['manifest', expected.manifestDigest, receipt.digests.manifest],
    [RECEIPT_FILES.manifest, set.manifest && digestOf(sha256(set.manifest)), receipt.digests.manifest],
  ];
  const other = compared.find(([, wanted, found]) => wanted !== undefined && wanted !== found);
  if (other !== undefined) return failed('REPLAYED_RECEIPT', `${other[0]} ${other[1]} was expected; the receipt is of ${other[2]}`);
  return passed(5, `run ${receipt.executionId} of ${receipt.workflow.id} ${receipt.workflow.version}`);
}

function checkHistory(set: ReceiptSet, statement: OpenedStatement | undefined): CheckResult[] {
  if (set.events === undefined) return ([6, 7, 8] as const).map((row) => notRun(row, `${RECEIPT_FILES.events} is missing`));
  const receipt = statement?.receipt;
  const history = openHistory(set.events);
  const { result: row6, events } = checkEvents(history, receipt);
  if (statement === undefined || receipt === undefined) return [row6, ...([7, 8] as const).map((row) => notRun(row, 'there is no receipt to compare with'))];
  const row7 = checkWholeness(history, receipt);
  if (row6.status === 'failed' || row7.status === 'failed') return [row6, row7, notRun(8, 'needs a sound history')];
  return [row6, row7, checkRebuilt(events, set.events, receipt, statement.bytes)];
}

/** Row 8. What the receipt supersedes is the one thing in it that its run's events cannot tell. */
function checkRebuilt(events: readonly Recorded[], jsonl: Uint8Array, receipt: ReceiptV1, signed: Uint8Array): CheckResult {
  try {
    const rebuilt = assembleSet(events, { jsonl, supersedes: receipt.links.supersedes }, receipt.assembler);
    if (Buffer.from(rebuilt.statement).equals(signed)) return passed(8, 'byte for byte what the events make');
    return failed('REBUILD_MISMATCH', `differs in ${differences(rebuilt.receipt, receipt)}`);
  } catch (error) {
    return failed('REBUILD_MISMATCH', `no receipt can be made of these events: ${(error as Error).message}`);
  }
}

function differences(rebuilt: ReceiptV1, signed: ReceiptV1): string {
  const members = (Object.keys(rebuilt) as (keyof ReceiptV1)[]).filter(
    (member) => canonicalText(rebuilt[member] as unknown as Json) !== canonicalText(signed[member] as unknown as Json),
  );
  return members.length > 0 ? members.join(', ') : 'the subjects of the statement';
}
