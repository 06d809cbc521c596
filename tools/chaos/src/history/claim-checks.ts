import type { RunRecord } from './run-checks.ts';
import type { Report } from './violation.ts';

/** One answer to a start: every one, repeated ones too. */
export type Answer = { readonly key: string; readonly commandId: string; readonly executionId: string };

/** Any command that was acknowledged, and the stream that must have its first event. */
export type AcknowledgedCommand = { readonly commandId: string; readonly stream: string };

/** An event as a client saw it. */
export type Observation = { readonly stream: string; readonly revision: number; readonly hash: string };

/** What clients were told, to be held against the history. */
export type Claims = {
  readonly answers: readonly Answer[];
  /** every other command that was acknowledged: cancels, drafts, publications, moves of channels */
  readonly commands?: readonly AcknowledgedCommand[];
  readonly observed: readonly Observation[];
  /** what a verifier said about receipts, by execution id; `VERIFIED` is the only good word */
  readonly verdicts: ReadonlyMap<string, string>;
  /** every start was answered and every run had the time to end: nothing may be open, nothing may be unasked for */
  readonly isSettled: boolean;
  /** acknowledged runs that ended, at least: a harness where nothing happened has shown nothing */
  readonly operationsMin: number;
};

type Found = {
  readonly runs: ReadonlyMap<string, RunRecord>;
  /** command id → stream of its first event */
  readonly commands: ReadonlyMap<string, string>;
};

/** Holds what clients were told against what is there. */
export function checkClaims(claims: Claims, found: Found, report: Report): void {
  checkAnswers(claims.answers, found, report);
  checkCommands(claims.commands ?? [], found, report);
  checkObserved(claims.observed, found.runs, report);
  if (claims.isSettled) checkAsked(claims.answers, found.runs, report);
  for (const [executionId, verdict] of claims.verdicts) {
    if (verdict !== 'VERIFIED') report('RECEIPT_UNVERIFIED', `execution-${executionId}`, verdict);
  }
  const ended = new Set(claims.answers.map(({ executionId }) => executionId).filter((id) => typeof found.runs.get(id)?.verdict === 'string'));
  if (ended.size < claims.operationsMin) {
    report('TOO_FEW_OPERATIONS', 'all', `${ended.size} acknowledged runs ended, ${claims.operationsMin} are needed to show anything`);
  }
}

function checkAnswers(answers: readonly Answer[], { runs, commands }: Found, report: Report): void {
  const byKey = new Map<string, string>();
  for (const { key, commandId, executionId } of answers) {
    const stream = `execution-${executionId}`;
    if (!runs.has(executionId) || commands.get(commandId) !== stream) {
      report('ACKNOWLEDGED_LOST', stream, `command ${commandId} was acknowledged and is not in the history`);
    }
    const before = byKey.get(key);
    if (before !== undefined && before !== executionId) report('KEY_ANSWERED_TWICE', key, `runs ${before} and ${executionId}`);
    byKey.set(key, executionId);
  }
}

function checkCommands(acknowledged: readonly AcknowledgedCommand[], { commands }: Found, report: Report): void {
  for (const { commandId, stream } of acknowledged) {
    const found = commands.get(commandId);
    if (found !== stream) report('ACKNOWLEDGED_LOST', stream, `command ${commandId} was acknowledged and is ${found === undefined ? 'not in the history' : `in ${found}`}`);
  }
}

function checkObserved(observed: readonly Observation[], runs: ReadonlyMap<string, RunRecord>, report: Report): void {
  for (const { stream, revision, hash } of observed) {
    const found = runs.get(stream.slice('execution-'.length))?.hashes[revision];
    if (found !== hash) report('OBSERVED_LOST', stream, `a client saw another event at revision ${revision}${found === undefined ? ': there is none' : ''}`);
  }
}

function checkAsked(answers: readonly Answer[], runs: ReadonlyMap<string, RunRecord>, report: Report): void {
  const asked = new Set(answers.map(({ executionId }) => executionId));
  for (const [executionId, { stream }] of runs) {
    if (!asked.has(executionId)) report('RUN_UNASKED', stream, 'no client was told about this run');
  }
}
