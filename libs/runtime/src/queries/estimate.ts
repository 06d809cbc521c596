import type { PlanTask } from '@maestro/contracts';
import { costMicroUsd, usdOf } from '@maestro/domain';
import type { ReadModels } from '@maestro/ports';
import type { PriceBook } from './price-book.ts';

/** Whole micro-USD. */
export type CostRange = { readonly lowMicroUsd: number; readonly expectedMicroUsd: number; readonly highMicroUsd: number };

/**
 * What a run may cost. `declared`: low and expected are each task once, for the duration that its package declares, for
 * nothing is known below that. `history`: the cheapest and the median of the runs of this version that succeeded.
 * `high` is always every attempt until its time limit: no run can cost more.
 */
export type CostEstimate = CostRange & {
  readonly currency: 'USD';
  readonly basis: 'declared' | 'history';
  /** runs that it is made from */
  readonly runs: number;
  /** by what packages declare, in the order of the manifest: what single tasks cost is not kept with the runs */
  readonly tasks: readonly (CostRange & { readonly id: string })[];
};

/** The same as a dry run shows it. */
export type ShownEstimate = { readonly estimatedCostUSD: number; readonly estimate: CostEstimate };

/** Runs from which on history knows better than a package's own word, and runs that are looked at. */
const RUNS_MIN = 5;
const RUNS_MAX = 50;

/** By what packages declare. */
export function estimateOf(prices: PriceBook, planned: readonly PlanTask[]): ShownEstimate {
  const tasks = planned.map((task) => {
    const onceMicroUsd = costMicroUsd(prices, task.class, task.expectedDurationMs);
    const highMicroUsd = costMicroUsd(prices, task.class, task.timeoutMs) * (1 + task.retries);
    return { id: task.id, lowMicroUsd: onceMicroUsd, expectedMicroUsd: onceMicroUsd, highMicroUsd: Math.max(highMicroUsd, onceMicroUsd) };
  });
  const sum = (member: keyof CostRange): number => tasks.reduce((total, task) => total + task[member], 0);
  return shown({ currency: 'USD', basis: 'declared', runs: 0, lowMicroUsd: sum('lowMicroUsd'), expectedMicroUsd: sum('expectedMicroUsd'), highMicroUsd: sum('highMicroUsd'), tasks });
}

/** The estimate with what past runs cost, where there are enough. Prices may have changed since: `high` is never below. */
export function withHistory({ estimate }: ShownEstimate, pastMicroUsd: readonly number[]): ShownEstimate {
  const sorted = [...pastMicroUsd].sort((a, b) => a - b);
  const [lowMicroUsd] = sorted;
  const expectedMicroUsd = sorted[Math.floor((sorted.length - 1) / 2)];
  if (sorted.length < RUNS_MIN || lowMicroUsd === undefined || expectedMicroUsd === undefined) return shown(estimate);
  return shown({ ...estimate, basis: 'history', runs: sorted.length, lowMicroUsd, expectedMicroUsd, highMicroUsd: Math.max(estimate.highMicroUsd, expectedMicroUsd) });
}

/** What the latest runs of a version that succeeded cost, as far as the read model knows. */
export async function pastCosts(views: Pick<ReadModels, 'list'>, workflowId: string, version: string): Promise<readonly number[]> {
  const { rows } = await views.list('execution', { where: { workflowId, status: 'succeeded' }, limit: RUNS_MAX });
  return rows.flatMap((row) => (row.version === version && row.costMicroUsd !== null ? [row.costMicroUsd] : []));
}

function shown(estimate: CostEstimate): ShownEstimate {
  return { estimatedCostUSD: usdOf(estimate.expectedMicroUsd), estimate };
}
