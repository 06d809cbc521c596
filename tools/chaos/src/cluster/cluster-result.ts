import type { HarnessResult } from '../harness-result.ts';
import type { ScenarioResult } from './run-scenario.ts';

/** Codes of violations by what they cost. */
const LOST = /ACKNOWLEDGED_LOST|OBSERVED_LOST|RUN_OPEN|RECEIPT_MISSING|LIST_LACKS_RUN/;
const DOUBLED = /KEY_ANSWERED_TWICE|RUN_UNASKED|TASK_SUCCEEDED_TWICE|TERMINAL_TWICE|EVENT_AFTER_END|EVENT_TWICE|COMMAND_TWICE|ATTEMPT_ENDED_TWICE|RECEIPT_TWICE|REPEATED_OTHERWISE/;

export const lostOf = ({ violations }: ScenarioResult): number => violations.filter((one) => LOST.test(one)).length;
export const doubledOf = ({ violations }: ScenarioResult): number => violations.filter((one) => DOUBLED.test(one)).length;

/** One scenario in one line. */
export function lineOf(result: ScenarioResult): string {
  const { name, count, acknowledged, acknowledgedUnderFault, runs, resent, overNats, receiptsVerified, stallMs, healMs, seconds, violations } = result;
  return `${name}: ${count} ×, ${acknowledged} acknowledged (${acknowledgedUnderFault} under fault, ${overNats} over NATS, ${resent} sent again), ${runs} runs, ${receiptsVerified} receipts verified, ${lostOf(result)} lost, ${doubledOf(result)} doubled, longest stall ${stallMs} ms, all ended after ${healMs} ms, ${seconds} s, ${violations.length} violations`;
}

/** Adds up the scenarios, and names what was broken or not reached. */
export function clusterResult({ seed, isFull, isPart }: { readonly seed: string; readonly isFull: boolean; readonly isPart: boolean }, results: readonly ScenarioResult[], seconds: number): HarnessResult {
  const sum = (of: (result: ScenarioResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const scenarios = Object.fromEntries(
    results.map((result) => {
      const { name, violations: _, ...figures } = result;
      return [name, { ...figures, lost: lostOf(result), doubled: doubledOf(result) }];
    }),
  );
  const figures = {
    form: isFull ? 'full' : 'ci',
    faultCount: sum(({ count }) => count),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    resent: sum(({ resent }) => resent),
    overNats: sum(({ overNats }) => overNats),
    runs: sum(({ runs }) => runs),
    receiptsVerified: sum(({ receiptsVerified }) => receiptsVerified),
    stallMaxMs: Math.max(0, ...results.map(({ stallMs }) => stallMs)),
    scenarios,
  };
  const violations = results.flatMap((result) => result.violations);
  if (figures.receiptsVerified !== figures.runs) violations.push(`${figures.receiptsVerified} receipts of ${figures.runs} runs verify`);
  const floors = Object.fromEntries(results.map(({ name, floor }) => [name, floor]));
  return { harness: 'cluster', seed, seconds: Math.round(seconds), figures, floors: isPart ? { ...floors, part: true } : floors, violations };
}
