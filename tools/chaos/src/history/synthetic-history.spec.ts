import { checkHistory } from '../history-checker.ts';
import { syntheticHistory } from './synthetic-history.ts';

describe('a synthetic history', () => {
  it.each([[1, 50], [20, 3]])('of %d runs with %d tasks is sound, and of the size that was asked for', (runs, tasks) => {
    const { events, claims } = syntheticHistory(runs, tasks);
    const { violations, counts } = checkHistory(events, claims);
    expect(violations).toEqual([]);
    expect(counts).toEqual({ events: runs * (2 * tasks + 4), runs, receipts: runs, tasksSucceeded: runs * tasks, retries: 0, verdicts: { succeeded: runs } });
  });

  it('is looked into: one event less is found', () => {
    const { events, claims } = syntheticHistory(2, 3);
    const codes = checkHistory(events.toSpliced(3, 1), claims).violations.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['REVISION_GAP', 'CHAIN_BROKEN', 'RECEIPT_MISMATCH', 'OBSERVED_LOST']));
  });
});
