import { histogram } from './kill-histogram.ts';

describe('the histogram of kill moments', () => {
  it('counts each value once, those at the bounds in the outer bars', () => {
    const lines = histogram([50, 51, 144, 145, 999, 1_000], 50, 1_000);
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe('   50 ms    3 ###');
    expect(lines[1]).toBe('  145 ms    1 #');
    expect(lines[9]).toBe('  905 ms    2 ##');
  });

  it('fits its longest bar into a line', () => {
    const lines = histogram(Array.from({ length: 600 }, (_, i) => (i < 500 ? 60 : 990)), 50, 1_000);
    expect(lines[0]?.match(/#/g)).toHaveLength(60);
    expect(lines[9]?.match(/#/g)).toHaveLength(12);
  });
});
