import { median, quantile } from './quantiles.ts';

describe('quantiles', () => {
  it('are samples by the nearest rank, a median may lie between two', () => {
    const samples = [4, 1, 3, 2];
    expect([quantile(samples, 0.5), quantile(samples, 0.99), quantile(samples, 0)]).toEqual([2, 4, 1]);
    expect([median(samples), median([3, 1, 2])]).toEqual([2.5, 2]);
    expect([quantile([], 0.5), median([])]).toEqual([Number.NaN, Number.NaN]);
  });
});
