import { summarise } from './statistics.ts';

describe('a summary', () => {
  it('names samples that were measured, by nearest rank', () => {
    const samples = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(summarise(samples)).toEqual({ count: 200, p50: 100, p95: 190, p99: 198, max: 200 });
  });

  it('of one sample is that sample', () => {
    expect(summarise([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
  });

  it('sorts by size, not by text', () => {
    expect(summarise([10, 9, 100])?.p50).toBe(10);
  });

  it('of nothing is nothing', () => {
    expect(summarise([])).toBeUndefined();
  });
});
