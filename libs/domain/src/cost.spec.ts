import { costMicroUsd, estimateMicroUsd, usdOf } from './cost.ts';
import { PRICES, planned } from './fixtures/run-under-test.ts';

describe('cost', () => {
  it.each([
    ['small', 1_000, 11],
    ['medium', 2_500, 58],
    ['large', 60_000, 2_820],
    ['small', 0, 0],
    ['small', 1, 1],
  ] as const)('of a %s task over %i ms is %i micro-USD, rounded up', (className, durationMs, expected) => {
    expect(costMicroUsd(PRICES, className, durationMs)).toBe(expected);
  });
  it('of a plan counts each task once, for the duration that its package declares', () => {
    expect(estimateMicroUsd(PRICES, [])).toBe(0);
    expect(estimateMicroUsd(PRICES, [planned('a'), planned('b', [], { class: 'large', expectedDurationMs: 1_000 })])).toBe(2 + 47);
  });
  it('as dollars is exact to six places', () => {
    expect([usdOf(1), usdOf(1_234_567), usdOf(0), usdOf(300_000)]).toEqual([0.000001, 1.234567, 0, 0.3]);
  });
});
