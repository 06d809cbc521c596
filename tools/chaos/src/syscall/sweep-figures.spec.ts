import type { ErrorResult } from './error-sweep.ts';
import { quantile, tally, tallyText } from './figures.ts';
import type { PointResult } from './kill-sweep.ts';
import type { SmallDisk } from './small-disk.ts';
import { errorFigures, fullDiskFigures, killFigures } from './sweep-figures.ts';

const result = (change: Partial<PointResult> = {}): PointResult => ({
  name: 'kill:s:fsync:a:1',
  point: { scenario: 's', syscall: 'fsync', path: 'a', ordinal: 1, thread: 'writer' },
  findings: [],
  eventsAcknowledged: 3,
  evidenceAcknowledged: 1,
  resent: 1,
  resentDeduplicated: 0,
  recoveryMs: 5,
  ...change,
});
const failed = (change: Partial<ErrorResult> = {}): ErrorResult => ({ ...result(), shape: 'once', injected: 1, faults: { STORE_READ_ONLY: 1 }, longestRefusalMs: 7, ...change });
const lost = { code: 'ACKNOWLEDGED_LOST', detail: 'gone' };

describe('figures', () => {
  it('count names, the most frequent first, and find quantiles', () => {
    expect(tallyText(tally(['a', 'b', 'b']))).toBe('b 2, a 1');
    expect(tallyText({})).toBe('none');
    expect([0.5, 0.99, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([2, 4, 4]);
    expect(quantile([], 0.5)).toBe(0);
  });
});

describe('a kill sweep', () => {
  it('is green with enough deaths and nothing broken', () => {
    const part = killFigures({ died: [result(), result()], missed: ['x'] }, { kills: 2, seed: 'a' });
    expect(part).toMatchObject({ violations: [], summary: '2 kills, 0 lost', figures: { kills: 2, killsMissed: 1, lost: 0, eventsReadBack: 6, recoveryMs: { p99: 5 } } });
  });

  it('is red with too few deaths, and where nothing was acknowledged', () => {
    expect(killFigures({ died: [result()], missed: [] }, { kills: 2, seed: 'a' }).violations).toEqual([expect.stringContaining('TOO_FEW_POINTS')]);
    expect(killFigures({ died: [result({ eventsAcknowledged: 0 })], missed: [] }, { kills: 1, seed: 'a' }).violations).toEqual([expect.stringContaining('TOO_FEW_OPERATIONS')]);
  });

  it('names what was lost, and what plays it again', () => {
    const part = killFigures({ died: [result({ findings: [lost] })], missed: [] }, { kills: 1, seed: 'a' });
    expect(part.violations).toEqual(['ACKNOWLEDGED_LOST at kill:s:fsync:a:1 (./maestro chaos syscall --seed a --only kill:s:fsync:a:1): gone']);
    expect(part.figures['lost']).toBe(1);
  });
});

describe('a sweep of failing calls', () => {
  it('is green with enough points, and tells what callers were answered', () => {
    const part = errorFigures('EIO', { hit: [failed(), failed({ faults: {} })], missed: [] }, { errors: 2, seed: 'a' });
    expect(part).toMatchObject({ violations: [], summary: '2 EIO, 0 lost', figures: { EIO: { points: 2, callsFailed: 2, refusing: 1, faults: { STORE_READ_ONLY: 1 }, longestRefusalMs: 7 } } });
  });

  it('is red with too few points or a finding', () => {
    const part = errorFigures('EIO', { hit: [failed({ findings: [lost] })], missed: [] }, { errors: 2, seed: 'a' });
    expect(part.violations).toEqual([expect.stringContaining('ACKNOWLEDGED_LOST'), expect.stringContaining('TOO_FEW_POINTS')]);
  });
});

describe('a full disk', () => {
  const ran: SmallDisk = { kind: 'ran', fills: 2, refusals: { append: 1, evidence: 1, reopen: 0 }, acknowledged: 9, longestRefusalMs: 3, longestResumeMs: 4, findings: [] };

  it('is green where both stores met it and went on', () => {
    expect(fullDiskFigures(ran, { fills: 2, seed: 'a' })).toMatchObject({ violations: [], summary: '2 full disks' });
  });

  it.each([
    ['REFUSED_LATE', { longestRefusalMs: 1_001 }],
    ['one of the stores never met', { refusals: { append: 0, evidence: 1, reopen: 0 } }],
    ['TOO_FEW_POINTS', { fills: 1 }],
    ['NOT_RESUMED', { findings: [{ code: 'NOT_RESUMED', detail: 'still full' }] }],
  ])('is red with %s', (what, change) => {
    expect(fullDiskFigures({ ...ran, ...change }, { fills: 2, seed: 'a' }).violations).toEqual([expect.stringContaining(what)]);
  });

  it('is told where a machine allows none', () => {
    expect(fullDiskFigures({ kind: 'forbidden', why: 'not permitted' }, { fills: 2, seed: 'a' })).toMatchObject({ violations: [], summary: 'full disk not tried', figures: { fullDisk: 'not permitted' } });
  });
});
