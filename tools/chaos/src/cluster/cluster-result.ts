import type { HarnessResult } from '../harness-result.ts';
import type { RoundResult, RowResult } from './run-round.ts';

/** Codes of violations by what they cost. */
const LOST = /ACKNOWLEDGED_LOST|OBSERVED_LOST|RUN_OPEN|RECEIPT_MISSING|LIST_LACKS_RUN/;
const DOUBLED = /KEY_ANSWERED_TWICE|RUN_UNASKED|TASK_SUCCEEDED_TWICE|TERMINAL_TWICE|EVENT_AFTER_END|EVENT_TWICE|COMMAND_TWICE|ATTEMPT_ENDED_TWICE|RECEIPT_TWICE|REPEATED_OTHERWISE/;

const lostOf = ({ violations }: RoundResult): number => violations.filter((one) => LOST.test(one)).length;
const doubledOf = ({ violations }: RoundResult): number => violations.filter((one) => DOUBLED.test(one)).length;

/** A wait so long that one wants to know what it was for. */
const LONG_STALL_MS = 5_000;

/** One row in a line. */
export function lineOfRow({ name, count, acknowledged, stallMs, stallOf, seconds }: RowResult): string {
  return `${name}: ${count} ×, ${acknowledged} acknowledged meanwhile, longest stall ${stallMs} ms${stallMs < LONG_STALL_MS ? '' : ` (${stallOf})`}, ${seconds} s`;
}

/** What the rows of a round came to together. */
export function lineOfRound(round: RoundResult): string {
  const { acknowledged, overNats, resent, runs, receiptsVerified, healMs, judgeMs, seconds, violations } = round;
  return `judged: ${acknowledged} acknowledged (${overNats} over NATS, ${resent} sent again), ${runs} runs, ${receiptsVerified} receipts verified, ${lostOf(round)} lost, ${doubledOf(round)} doubled, all ended after ${healMs} ms, looked at in ${judgeMs} ms, ${seconds} s, ${violations.length} violations`;
}

/** Adds up the rounds, and names what was broken or not reached. */
export function clusterResult({ seed, isFull, isPart }: { readonly seed: string; readonly isFull: boolean; readonly isPart: boolean }, rounds: readonly RoundResult[], seconds: number): HarnessResult {
  const rows = rounds.flatMap((round) => round.rows);
  const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0);
  const figures = {
    form: isFull ? 'full' : 'ci',
    faultCount: sum(rows, ({ count }) => count),
    acknowledged: sum(rounds, ({ acknowledged }) => acknowledged),
    overNats: sum(rounds, ({ overNats }) => overNats),
    resent: sum(rounds, ({ resent }) => resent),
    runs: sum(rounds, ({ runs }) => runs),
    receiptsVerified: sum(rounds, ({ receiptsVerified }) => receiptsVerified),
    stallMaxMs: Math.max(0, ...rows.map(({ stallMs }) => stallMs)),
    scenarios: Object.fromEntries(rounds.flatMap((round) => round.rows.map((row) => [row.name, figuresOf(row, round)]))),
  };
  const violations = rounds.flatMap((round) => round.violations);
  if (figures.receiptsVerified !== figures.runs) violations.push(`${figures.receiptsVerified} receipts of ${figures.runs} runs verify`);
  const floors = Object.fromEntries(rows.map(({ name, floor }) => [name, floor]));
  return { harness: 'cluster', seed, seconds: Math.round(seconds), figures, floors: isPart ? { ...floors, part: true } : floors, violations };
}

/** What is lost or doubled belongs to all rows of a round: they share a history. */
function figuresOf({ name: _, stallOf: __, ...row }: RowResult, round: RoundResult): object {
  return { ...row, lost: lostOf(round), doubled: doubledOf(round) };
}
