const BARS = 10;
const BAR_WIDTH_MAX = 60;

/** Ten bars of equal width from `from` to `to`, each a line with its lower bound, its count and a bar. */
export function histogram(values: readonly number[], from: number, to: number): readonly string[] {
  const width = (to - from) / BARS;
  const counts = Array.from({ length: BARS }, () => 0);
  for (const value of values) {
    const bar = Math.min(BARS - 1, Math.max(0, Math.floor((value - from) / width)));
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  const scale = Math.min(1, BAR_WIDTH_MAX / Math.max(1, ...counts));
  return counts.map((count, i) => `${String(Math.round(from + i * width)).padStart(5)} ms ${String(count).padStart(4)} ${'#'.repeat(Math.ceil(count * scale))}`);
}
