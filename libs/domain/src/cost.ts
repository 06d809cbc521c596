import type { PlanTask, Prices } from '@maestro/contracts';

/** Cost of one attempt in micro-USD: price of the class × duration, rounded up, so that nothing is free by rounding. */
export function costMicroUsd(prices: Prices, className: PlanTask['class'], durationMs: number): number {
  return Math.ceil((prices.microUsdPerSecond[className] * durationMs) / 1_000);
}

/** Expected cost of a run: each task once, for the duration that its package declares. */
export function estimateMicroUsd(prices: Prices, tasks: readonly PlanTask[]): number {
  return tasks.reduce((sum, task) => sum + costMicroUsd(prices, task.class, task.expectedDurationMs), 0);
}

/** Micro-USD as dollars, exact to six places. */
export function usdOf(microUsd: number): number {
  return Number((microUsd / 1_000_000).toFixed(6));
}
