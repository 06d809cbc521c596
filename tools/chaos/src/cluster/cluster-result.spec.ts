import { clusterResult, lineOfRound, lineOfRow } from './cluster-result.ts';
import { FAMILIES, ROW_NAMES, familiesOf } from './families.ts';
import type { RoundResult } from './run-round.ts';

const KILLS = { name: 'kill-role', fault: 'kill -9', count: 60, floor: 60, acknowledged: 50, stallMs: 4_000, stallOf: '/api/executions, try 2', seconds: 50 };
const LINKS = { ...KILLS, name: 'links', stallMs: 5_000 };
const GREEN: RoundResult = { rows: [KILLS], acknowledged: 100, overNats: 25, resent: 3, runs: 70, receiptsVerified: 70, healMs: 9_000, judgeMs: 7_000, seconds: 60, violations: [] };
const run = { seed: '7', isFull: false, isPart: false };

describe('the result of the faults on clusters', () => {
  it('adds up its rounds, each row with its own figures', () => {
    const { violations, figures, floors } = clusterResult(run, [GREEN, { ...GREEN, rows: [LINKS] }], 1);
    expect(violations).toEqual([]);
    expect(figures).toMatchObject({ form: 'ci', faultCount: 120, acknowledged: 200, runs: 140, stallMaxMs: 5_000, scenarios: { links: { fault: 'kill -9', count: 60, stallMs: 5_000, lost: 0, doubled: 0 } } });
    expect(floors).toEqual({ 'kill-role': 60, links: 60 });
  });

  it('counts what rows share once, and what their history lost for each of them', () => {
    const { figures } = clusterResult(run, [{ ...GREEN, rows: [KILLS, LINKS], violations: ['RUN_OPEN execution-1: x'] }], 1);
    expect(figures).toMatchObject({ faultCount: 120, acknowledged: 100, scenarios: { 'kill-role': { lost: 1 }, links: { lost: 1 } } });
  });

  it('tells what was lost from what was doubled', () => {
    const broken = { ...GREEN, violations: ['RECEIPT_MISSING execution-1: x', 'LIST_LACKS_RUN execution-1: x', 'TASK_SUCCEEDED_TWICE execution-2: x', 'links: took effect 1 times'] };
    expect(clusterResult(run, [broken], 1).figures).toMatchObject({ scenarios: { 'kill-role': { lost: 2, doubled: 1 } } });
    expect(clusterResult(run, [broken], 1).violations).toHaveLength(4);
    expect([lineOfRow(KILLS), lineOfRow(LINKS), lineOfRound(broken)]).toEqual([
      'kill-role: 60 ×, 50 acknowledged meanwhile, longest stall 4000 ms, 50 s',
      'links: 60 ×, 50 acknowledged meanwhile, longest stall 5000 ms (/api/executions, try 2), 50 s',
      'judged: 100 acknowledged (25 over NATS, 3 sent again), 70 runs, 70 receipts verified, 2 lost, 1 doubled, all ended after 9000 ms, looked at in 7000 ms, 60 s, 4 violations',
    ]);
  });

  it('is broken where a receipt was not verified', () => {
    expect(clusterResult(run, [{ ...GREEN, receiptsVerified: 69 }], 1).violations).toEqual(['69 receipts of 70 runs verify']);
  });
});

describe('the table of faults', () => {
  const all = FAMILIES.flatMap(({ rounds }) => rounds.flatMap(({ rows }) => rows));

  it('has every row once, and asks more of the full form', () => {
    expect(new Set(ROW_NAMES).size).toBe(ROW_NAMES.length);
    expect(all.filter(({ floor }) => floor.ci < 1 || floor.full < floor.ci).map(({ name }) => name)).toEqual([]);
  });

  it('kills at least 60 role processes in CI, and 200 in the full form', () => {
    expect(all.find(({ name }) => name === 'kill-role')?.floor).toEqual({ ci: 60, full: 200 });
  });

  it('gives single rows, each in a round of its own', () => {
    const [family, ...others] = familiesOf(['poison', 'links']) ?? [];
    expect([others, family?.rounds.map(({ how, rows }) => [how, rows.map(({ name }) => name)])]).toEqual([[], [['in-turn', ['links']], ['in-turn', ['poison']]]]);
    expect(familiesOf(['poison', 'no such row'])).toBeUndefined();
  });
});
