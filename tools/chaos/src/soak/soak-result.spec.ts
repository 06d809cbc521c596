import { trendOf } from './flatness.ts';
import { soakResult, trendLines } from './soak-result.ts';
import type { Soaked, Window } from './soak.ts';

const PLAN = { minutes: 3, windowS: 10, warmUpS: 0, measureS: 10, share: 0.5, ratePerS: undefined };
const SERVED = { endedCount: 900, skippedCount: 0, errorCount: 0, errors: [] };
const END = { exitCode: 0, said: '', seconds: 200.4 };

function soaked(endedPerS: number, rssAt: (i: number) => number): Soaked {
  const windows = Array.from({ length: 18 }, (_, i) => ({ endedPerS, latencyP50Ms: 5, loopDelayMaxMs: i, rssMiB: rssAt(i) }) as Window);
  return { maximumPerS: 10, ratePerS: 5, windows, trends: { rssMiB: trendOf(windows.map(({ rssMiB }) => rssMiB), 10, { growthMax: 0.1, noise: 8 }) } };
}

describe('the result of a soak', () => {
  it('is green where everything was served and nothing grew', () => {
    const result = soakResult(PLAN, soaked(5, () => 300), SERVED, END);
    expect(result).toMatchObject({ harness: 'soak', seconds: 200, violations: [], figures: { minutes: 3, runs: 900, errors: 0, servedShare: 1, loopDelayMaxMs: 17 } });
    expect(trendLines(soaked(5, () => 300))).toEqual(['rssMiB: middle third 300.0, last third 300.0, slope 0.0 an hour']);
  });

  it('names what grew', () => {
    expect(soakResult(PLAN, soaked(5, (i) => 300 + 10 * i), SERVED, END).violations).toEqual(['rssMiB grew from 385.0 to 445.0 (15.6 %)']);
  });

  it.each([
    ['runs that were not served', { ...SERVED, errorCount: 2, errors: ['run 7: answered 500'] }, END, '2 runs were not served: run 7: answered 500'],
    ['a conductor that did not end by itself', SERVED, { ...END, exitCode: null, said: 'stuck' }, 'the conductor ended with null: stuck'],
  ])('names %s', (_, served, end, violation) => {
    expect(soakResult(PLAN, soaked(5, () => 300), served, end).violations).toEqual([violation]);
  });

  it('does not take a load that was not kept up for a soak', () => {
    expect(soakResult(PLAN, soaked(4.5, () => 300), { ...SERVED, skippedCount: 90 }, END).violations).toEqual(['90 % of the runs that were due ended, 90 were not begun']);
  });
});
