import type { PlanTask } from '@maestro/contracts';
import { estimateOf, withHistory } from './estimate.ts';

const PRICES = { digest: '0'.repeat(64), microUsdPerSecond: { small: 10, medium: 40, large: 160 } };
const task = (id: string, more: Partial<PlanTask> = {}): PlanTask => ({ id, uses: 'pkg:core/echo@1.0.0', packageDigest: '1'.repeat(64), needs: [], retries: 0, timeoutMs: 10_000, class: 'small', fenced: false, reads: [], expectedDurationMs: 1_000, ...more });
const declared = estimateOf(PRICES, [task('a'), task('b', { class: 'large', retries: 2 })]);

describe('what a run may cost', () => {
  it('is, by what packages declare, each task once; at most every attempt until its time limit', () => {
    expect(declared).toEqual({
      estimatedCostUSD: 0.00017,
      estimate: {
        currency: 'USD',
        basis: 'declared',
        runs: 0,
        lowMicroUsd: 170,
        expectedMicroUsd: 170,
        highMicroUsd: 4_900,
        tasks: [
          { id: 'a', lowMicroUsd: 10, expectedMicroUsd: 10, highMicroUsd: 100 },
          { id: 'b', lowMicroUsd: 160, expectedMicroUsd: 160, highMicroUsd: 4_800 },
        ],
      },
    });
  });

  it('is the cheapest and the median of past runs from five on', () => {
    expect(withHistory(declared, [9, 5, 7, 6])).toEqual(declared);
    expect(withHistory(declared, [9, 5, 70, 7, 6])).toMatchObject({ estimatedCostUSD: 0.000007, estimate: { basis: 'history', runs: 5, lowMicroUsd: 5, expectedMicroUsd: 7, highMicroUsd: 4_900 } });
  });

  it('never has a high below what is expected, whatever is declared and whatever prices were', () => {
    expect(estimateOf(PRICES, [task('slow', { expectedDurationMs: 20_000 })]).estimate).toMatchObject({ lowMicroUsd: 200, expectedMicroUsd: 200, highMicroUsd: 200 });
    expect(withHistory(declared, [6_000, 6_000, 6_000, 6_000, 6_000]).estimate).toMatchObject({ lowMicroUsd: 6_000, expectedMicroUsd: 6_000, highMicroUsd: 6_000 });
  });
});
