import { checkSet, openBundle } from '@maestro/receipt';
import type { CheckResult, Expectations, RequiredProfile, SetConclusion } from '@maestro/receipt';
import { readReceiptFolder } from './receipt-folder.ts';
import { gatherTrust } from './trust.ts';
import type { TrustOptions } from './trust.ts';

export type VerifyOptions = TrustOptions & {
  readonly expected?: Expectations | undefined;
  /** what has to be shown beyond a sound signed set; default `signed` */
  readonly required?: RequiredProfile | undefined;
  /** results of rows 9 to 13, where the caller has what they need */
  readonly others?: readonly CheckResult[] | undefined;
};

/**
 * Verifies the receipt set in a folder, offline: reads the set's own files there and nothing else. The answer's
 * `exitCode` is 0 or the number of the row that failed first. VerifyError: the verification could not begin.
 */
export async function verifyFolder(folder: string, options: VerifyOptions = {}): Promise<SetConclusion> {
  const set = await readReceiptFolder(folder);
  const bundle = set.bundle && openBundle(set.bundle);
  const keyId = typeof bundle === 'object' ? bundle.keyId : undefined;
  const trust = await gatherTrust(folder, keyId, options);
  return checkSet(set, trust, options.expected, { required: options.required ?? 'signed', others: options.others ?? [] });
}
