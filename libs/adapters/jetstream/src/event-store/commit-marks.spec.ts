import { CommitMarks } from './commit-marks.ts';

describe('CommitMarks', () => {
  it('answers the last known commit at or before a revision', () => {
    const marks = new CommitMarks();
    for (const [firstRevision, seq] of [
      [0, 3],
      [10, 40],
      [5, 20],
    ] as const)
      marks.note('a', { firstRevision, seq });
    expect([0, 4, 5, 9, 10, 99].map((revision) => marks.before('a', revision)?.seq)).toEqual([3, 3, 20, 20, 40, 40]);
    expect(marks.before('b', 5)).toBeUndefined();
  });
  it('keeps eight marks of a stream, and each once', () => {
    const marks = new CommitMarks();
    for (let i = 0; i < 20; i += 1) for (let twice = 0; twice < 2; twice += 1) marks.note('a', { firstRevision: i, seq: i + 1 });
    expect(marks.before('a', 11)).toBeUndefined();
    expect(marks.before('a', 12)?.seq).toBe(13);
  });
  it('forgets the streams that were not used for longest', () => {
    const marks = new CommitMarks();
    for (let i = 0; i < 4_097; i += 1) marks.note(`s${i}`, { firstRevision: 0, seq: i + 1 });
    expect(marks.before('s0', 0)).toBeUndefined();
    expect(marks.before('s1', 0)?.seq).toBe(2);
  });
});
