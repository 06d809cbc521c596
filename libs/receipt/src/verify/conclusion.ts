import { CHECK_ORDER, CHECK_TITLES, FAILURE_CLASSES } from './failure-classes.ts';
import type { CheckRow, FailureClass } from './failure-classes.ts';

/** What one row of the table came to. `not-run` never counts as passed; `not-applicable` has nothing to check. */
export type CheckResult = {
  readonly row: CheckRow;
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'not-run' | 'not-applicable';
  /** class of the failure; null unless `failed` */
  readonly code: FailureClass | null;
  /** what was found, naming the place */
  readonly detail: string;
  /** what the failure means and what to do about it; null unless `failed` */
  readonly meaning: string | null;
  readonly remedy: string | null;
};

/** What a verifier asks for beyond a sound signed set; each also asks for all of `signed`. */
export type RequiredProfile = 'signed' | 'logged' | 'witnessed' | 'policy';

export type Conclusion = {
  readonly ok: boolean;
  /** 0, or the number of the row that failed first */
  readonly exitCode: 0 | CheckRow;
  readonly code: FailureClass | null;
  /** all thirteen rows, in the order in which they count */
  readonly results: readonly CheckResult[];
};

export function passed(row: CheckRow, detail: string): CheckResult {
  return { ...unfailed(row), status: 'passed', detail };
}

export function notRun(row: CheckRow, detail: string): CheckResult {
  return { ...unfailed(row), status: 'not-run', detail };
}

export function notApplicable(row: CheckRow, detail: string): CheckResult {
  return { ...unfailed(row), status: 'not-applicable', detail };
}

/** The row follows from the class. */
export function failed(code: FailureClass, detail: string): CheckResult {
  const { row, meaning, remedy } = FAILURE_CLASSES[code];
  return { row, title: CHECK_TITLES[row], status: 'failed', code, detail, meaning, remedy };
}

function unfailed(row: CheckRow): Pick<CheckResult, 'row' | 'title' | 'code' | 'meaning' | 'remedy'> {
  return { row, title: CHECK_TITLES[row], code: null, meaning: null, remedy: null };
}

/** Class of a required row that could not run: what cannot be shown counts as absent. */
const UNSHOWN: { readonly [profile in RequiredProfile]: readonly FailureClass[] } = {
  signed: ['MALFORMED', 'UNKNOWN_KEY', 'TAMPERED_RECEIPT', 'NO_TRUSTED_TIME', 'REPLAYED_RECEIPT', 'TAMPERED_EVENT', 'TRUNCATED_HISTORY', 'REBUILD_MISMATCH'],
  logged: ['NOT_LOGGED'],
  witnessed: ['UNWITNESSED'],
  policy: ['PACK_UNAVAILABLE'],
};

/**
 * Puts results in order and names the first failure. A row without a result was not run; one that the profile requires
 * and that was not run fails. `required` comes from who verifies, never from the set.
 */
export function conclude(found: readonly CheckResult[], required: RequiredProfile = 'signed'): Conclusion {
  const results = CHECK_ORDER.map((row) => found.find((result) => result.row === row) ?? notRun(row, 'NOT_CHECKED: this verifier was not asked to'));
  // A row that waited for a failed one says so; only when nothing failed is its absence the finding.
  const anyFailed = results.some(({ status }) => status === 'failed');
  const unshown = anyFailed ? [] : [...UNSHOWN.signed, ...UNSHOWN[required]];
  const judged = results.map((result) => {
    const code = result.status === 'not-run' ? unshown.find((one) => FAILURE_CLASSES[one].row === result.row) : undefined;
    return code === undefined ? result : failed(code, `required, and not shown: ${result.detail}`);
  });
  const first = judged.find(({ status }) => status === 'failed');
  if (first === undefined) return { ok: true, exitCode: 0, code: null, results: judged };
  return { ok: false, exitCode: first.row, code: first.code, results: judged };
}
