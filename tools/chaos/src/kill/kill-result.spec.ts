import type { LaneResult } from './kill-lane.ts';
import { killResult, linesOf } from './kill-result.ts';

const PLAN = { kills: 4, acknowledgedMin: 14, seed: '7' };
const KILL = { upMs: 500, acknowledged: 3, openCount: 2, restartMs: 1_000 };
const VERBS = { start: 1, cancel: 1, resume: 1, save: 1, publish: 1, promote: 1, rollback: 1 };

function lane(change: Partial<LaneResult> = {}): LaneResult {
  const stall = { ms: 900.4, path: '/api/executions', tries: 3, longestTryMs: 20, longestTry: '202' };
  const counts = { events: 30, runs: 2, receipts: 2, tasksSucceeded: 2, retries: 0, verdicts: { succeeded: 2 } };
  const figures = { misses: 1, acknowledged: 7, acknowledgedUnderKills: 6, resent: 1, observed: 20, receiptsVerified: 2, dataBytesPerEvent: 4_000, filesAtFirst: 49, filesAtLast: 51 };
  return { kills: [KILL, { ...KILL, upMs: 60, restartMs: 2_000 }], verbs: VERBS, stall, counts, violations: [], ...figures, ...change };
}

describe('the result of a kill run', () => {
  it('adds up its lanes, and takes the worst of what cannot be added', () => {
    const result = killResult(PLAN, [lane(), lane({ stall: { ...lane().stall, ms: 3_000 }, filesAtLast: 52 })], 9.6);
    expect(result).toMatchObject({ harness: 'kill', seed: '7', seconds: 10, violations: [] });
    expect(result.figures).toMatchObject({ kills: 4, misses: 2, acknowledged: 14, openAtKills: 8, events: 60, receiptsVerified: 4, restartP50Ms: 1_000, restartP99Ms: 2_000, stallMaxMs: 3_000, filesAtLast: 52 });
    expect(result.figures['verbs']).toEqual({ start: 2, cancel: 2, resume: 2, save: 2, publish: 2, promote: 2, rollback: 2 });
    expect(linesOf(result, [lane()]).join('\n')).toMatch(/moments of 4 kills[^]+ 50 ms +1 #[^]+2 × rollback[^]+longest stall of a client 3000 ms/);
  });

  it.each([
    ['too few kills', { kills: [KILL] }, '3 kills count, 4 are needed (2 came too late)'],
    ['too few commands', { acknowledged: 6 }, '13 commands were acknowledged, 14 are needed'],
    ['a receipt that does not verify', { receiptsVerified: 1 }, '3 receipts of 4 runs verify'],
    ['files that stay open', { filesAtLast: 58 }, 'open files grew from 49 to 58'],
    ['what the checker names', { violations: ['CHAIN_BROKEN x: y'] }, 'CHAIN_BROKEN x: y'],
  ])('names %s', (_, change, violation) => {
    expect(killResult(PLAN, [lane(), lane(change)], 1).violations).toEqual([violation]);
  });

  it('names a verb that nobody had acknowledged', () => {
    const { cancel: _, ...verbs } = VERBS;
    expect(killResult(PLAN, [lane({ verbs }), lane({ verbs })], 1).violations).toEqual(['no cancel was acknowledged']);
  });
});
