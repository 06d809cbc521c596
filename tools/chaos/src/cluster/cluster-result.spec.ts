import { clusterResult, lineOf } from './cluster-result.ts';
import { FAMILIES } from './families.ts';
import type { ScenarioResult } from './run-scenario.ts';

const GREEN: ScenarioResult = { name: 'kill-role', fault: 'kill -9', count: 60, floor: 60, acknowledged: 100, acknowledgedUnderFault: 50, resent: 3, overNats: 25, runs: 70, receiptsVerified: 70, stallMs: 4_000, healMs: 9_000, seconds: 60, violations: [] };
const run = { seed: '7', isFull: false, isPart: false };

describe('the result of the faults on clusters', () => {
  it('adds up its scenarios, each with its own figures', () => {
    const { violations, figures, floors } = clusterResult(run, [GREEN, { ...GREEN, name: 'links', stallMs: 5_000 }], 1);
    expect(violations).toEqual([]);
    expect(figures).toMatchObject({ form: 'ci', faultCount: 120, acknowledged: 200, runs: 140, stallMaxMs: 5_000, scenarios: { links: { count: 60, lost: 0, doubled: 0 } } });
    expect(floors).toEqual({ 'kill-role': 60, links: 60 });
  });

  it('tells what was lost from what was doubled', () => {
    const broken = { ...GREEN, violations: ['RECEIPT_MISSING execution-1: x', 'LIST_LACKS_RUN execution-1: x', 'TASK_SUCCEEDED_TWICE execution-2: x', 'links: took effect 1 times'] };
    expect(clusterResult(run, [broken], 1).figures).toMatchObject({ scenarios: { 'kill-role': { lost: 2, doubled: 1 } } });
    expect(clusterResult(run, [broken], 1).violations).toHaveLength(4);
    expect(lineOf(broken)).toBe('kill-role: 60 ×, 100 acknowledged (50 under fault, 25 over NATS, 3 sent again), 70 runs, 70 receipts verified, 2 lost, 1 doubled, longest stall 4000 ms, all ended after 9000 ms, 60 s, 4 violations');
  });

  it('is broken where a receipt was not verified', () => {
    expect(clusterResult(run, [{ ...GREEN, receiptsVerified: 69 }], 1).violations).toEqual(['69 receipts of 70 runs verify']);
  });
});

describe('the table of faults', () => {
  const all = FAMILIES.flatMap(({ scenarios }) => scenarios);

  it('has every scenario once, and asks more of the full form', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(all.filter(({ floor }) => floor.ci < 1 || floor.full < floor.ci).map(({ name }) => name)).toEqual([]);
  });

  it('kills at least 60 role processes in CI, and 200 in the full form', () => {
    expect(all.find(({ name }) => name === 'kill-role')?.floor).toEqual({ ci: 60, full: 200 });
  });
});
