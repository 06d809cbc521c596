import type { HarnessResult } from '../harness-result.ts';
import { quantile } from '../quantiles.ts';
import { FLAT } from './soak.ts';
import type { SoakPlan, Soaked } from './soak.ts';
import type { SteadyLoad } from './steady-load.ts';

/** Of what was due, this share was begun and ended: otherwise the load was not the one that is claimed. */
const SERVED_MIN = 0.95;

type Served = Pick<SteadyLoad, 'endedCount' | 'skippedCount' | 'errorCount' | 'errors'>;

/** One line for each figure that must be flat. */
export function trendLines({ trends }: Soaked): readonly string[] {
  return Object.entries(trends).map(([name, { before, after, slopePerHour }]) => `${name}: middle third ${before.toFixed(1)}, last third ${after.toFixed(1)}, slope ${slopePerHour.toFixed(1)} an hour`);
}

/** Names what grew, what was not served, and how the conductor ended where it did not end well. */
export function soakResult(plan: SoakPlan, soaked: Soaked, load: Served, end: { readonly exitCode: number | null; readonly said: string; readonly seconds: number }): HarnessResult {
  const { maximumPerS, ratePerS, windows, trends } = soaked;
  const served = windows.reduce((sum, { endedPerS }) => sum + endedPerS, 0) / windows.length / ratePerS;
  const violations = Object.entries(trends)
    .filter(([, { isFlat }]) => !isFlat)
    .map(([name, { before, after, growth }]) => `${name} grew from ${before.toFixed(1)} to ${after.toFixed(1)} (${(growth * 100).toFixed(1)} %)`);
  if (load.errorCount > 0) violations.push(`${load.errorCount} runs were not served: ${load.errors[0]}`);
  if (served < SERVED_MIN) violations.push(`${(served * 100).toFixed(0)} % of the runs that were due ended, ${load.skippedCount} were not begun`);
  if (end.exitCode !== 0) violations.push(`the conductor ended with ${end.exitCode}: ${end.said}`);
  return {
    harness: 'soak',
    seed: '',
    seconds: Math.round(end.seconds),
    figures: {
      minutes: (windows.length * plan.windowS) / 60,
      maximumPerS,
      ratePerS,
      runs: load.endedCount,
      errors: load.errorCount,
      skipped: load.skippedCount,
      servedShare: served,
      latencyP50Ms: quantile(windows.map(({ latencyP50Ms }) => latencyP50Ms), 0.5),
      loopDelayMaxMs: Math.max(...windows.map(({ loopDelayMaxMs }) => loopDelayMaxMs)),
      trends,
      windows,
    },
    floors: { flat: FLAT, servedShareMin: SERVED_MIN, errorsMax: 0 },
    violations,
  };
}
