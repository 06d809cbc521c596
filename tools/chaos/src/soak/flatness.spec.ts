import { seededRandom } from '../seeded-random.ts';
import { trendOf } from './flatness.ts';

const TOLERANCE = { growthMax: 0.1, noise: 2 };
const WINDOW_S = 10;
const series = (count: number, at: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => at(i));

describe('the trend of a figure', () => {
  it('is flat where nothing changes, and has no slope', () => {
    expect(trendOf(series(18, () => 100), WINDOW_S, TOLERANCE)).toEqual({ before: 100, after: 100, growth: 0, slopePerHour: 0, isFlat: true });
  });

  it('does not look at the warm-up', () => {
    expect(trendOf(series(18, (i) => (i < 6 ? i : 100)), WINDOW_S, TOLERANCE).isFlat).toBe(true);
  });

  it('is not flat where a leak adds more than the share allows', () => {
    // one more for each window: from the middle of one third to that of the next are 6 windows
    const { before, after, growth, slopePerHour, isFlat } = trendOf(series(18, (i) => 40 + i), WINDOW_S, TOLERANCE);
    expect({ before, after, slopePerHour, isFlat }).toEqual({ before: 48.5, after: 54.5, slopePerHour: 360, isFlat: false });
    expect(growth).toBeCloseTo(6 / 48.5);
  });

  it('calls less than the measure can tell flat', () => {
    expect(trendOf(series(18, (i) => (i < 12 ? 3 : 5)), WINDOW_S, TOLERANCE).isFlat).toBe(true);
    expect(trendOf(series(18, (i) => (i < 12 ? 3 : 5.1)), WINDOW_S, TOLERANCE).isFlat).toBe(false);
  });

  it('may fall', () => {
    expect(trendOf(series(18, (i) => 100 - i), WINDOW_S, TOLERANCE)).toMatchObject({ isFlat: true, slopePerHour: -360 });
  });

  it('is not moved by single windows in which the machine paused', () => {
    expect(trendOf(series(18, (i) => (i % 6 === 5 ? 900 : 100)), WINDOW_S, TOLERANCE)).toMatchObject({ before: 100, after: 100, isFlat: true });
  });

  it('finds a leak of 20 % a third under noise of 10 %, and no leak where there is only noise', () => {
    const random = seededRandom('flatness');
    const noise = (): number => 1 + (random() - 0.5) * 0.2;
    for (let round = 0; round < 50; round++) {
      expect(trendOf(series(180, () => 100 * noise()), WINDOW_S, TOLERANCE).isFlat).toBe(true);
      expect(trendOf(series(180, (i) => (100 + i / 2) * noise()), WINDOW_S, TOLERANCE).isFlat).toBe(false);
    }
  });

  it('is refused where there are too few windows for one', () => {
    expect(() => trendOf(series(8, () => 1), WINDOW_S, TOLERANCE)).toThrow('8 windows; 9 are needed');
  });

  it('is told from chance: by the spread of the samples, and better the longer a soak is', () => {
    const spread = (count: number, grownBy: number): number[] => series(count, (i) => 160 + ([-60, 40, 0, 60, -40, 10][i % 6] as number) + (i >= (2 * count) / 3 ? grownBy : 0));
    expect(trendOf(spread(18, 100), WINDOW_S, TOLERANCE).isFlat).toBe(true);
    expect(trendOf(spread(18, 300), WINDOW_S, TOLERANCE).isFlat).toBe(false);
    expect(trendOf(spread(180, 100), WINDOW_S, TOLERANCE).isFlat).toBe(false);
  });

  it('is not hidden by its own steps: a steady climb is one, however few windows see it', () => {
    expect(trendOf(series(18, (i) => 500 + 20 * i), WINDOW_S, TOLERANCE).isFlat).toBe(false);
  });
});
