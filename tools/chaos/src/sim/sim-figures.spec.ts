import type { SeedOutcome } from './run-seed.ts';
import { ALL_KINDS, SimFigures } from './sim-figures.ts';

const OUTCOME: SeedOutcome = {
  seed: 1,
  breaches: [],
  counts: { events: 50, runs: 4, receipts: 4, tasksSucceeded: 9, retries: 1, verdicts: { succeeded: 1, failed: 1, cancelled: 1, denied: 1 } },
  faults: Object.fromEntries(ALL_KINDS.map((kind) => [kind, 1])),
  acknowledged: 12,
  lives: 3,
  failedStarts: 1,
  noticedLosses: 1,
  attempts: 11,
  simulatedMs: 1_800_000,
  traceDigest: '',
  traceLines: 0,
};

function figuresOf(seeds: number, outcome: SeedOutcome = OUTCOME): SimFigures {
  const figures = new SimFigures();
  for (let i = 0; i < seeds; i += 1) figures.add(outcome);
  return figures;
}

describe('the figures of a batch', () => {
  it('are sums over its seeds', () => {
    const { seeds, runs, acknowledged, simulatedHours, faultCount, verdicts } = figuresOf(200);
    expect({ seeds, runs, acknowledged, simulatedHours, faultCount }).toEqual({ seeds: 200, runs: 800, acknowledged: 2_400, simulatedHours: 100, faultCount: 200 * ALL_KINDS.length });
    expect(verdicts.get('cancelled')).toBe(200);
    expect(figuresOf(200).missed()).toEqual([]);
  });

  it('name the floors that they miss: too little done, a verdict or a kind of fault that hardly happened', () => {
    expect(figuresOf(200, { ...OUTCOME, acknowledged: 1 }).missed()).toEqual(['acknowledged commands: 200, at least 1000 are needed to show anything']);
    expect(figuresOf(200, { ...OUTCOME, counts: { ...OUTCOME.counts, verdicts: { succeeded: 4 } } }).missed()).toHaveLength(3);
    const { delay: _, ...faults } = OUTCOME.faults;
    expect(figuresOf(200, { ...OUTCOME, faults }).missed()).toEqual(['faults of kind delay: 0, at least 10 are needed to show anything']);
  });

  it('ask of a few seeds only that something was done', () => {
    expect(figuresOf(3, { ...OUTCOME, faults: {}, counts: { ...OUTCOME.counts, verdicts: { succeeded: 4 } } }).missed()).toEqual([]);
    expect(figuresOf(3, { ...OUTCOME, counts: { ...OUTCOME.counts, runs: 0 } }).missed()).toHaveLength(1);
  });
});
