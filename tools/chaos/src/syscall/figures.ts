/** How often each name comes. */
export function tally(names: Iterable<string>): { readonly [name: string]: number } {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** `pwrite64 700, fsync 120`, the largest first. */
export function tallyText(counts: { readonly [name: string]: number }): string {
  const rows = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  return rows.length === 0 ? 'none' : rows.map(([name, count]) => `${name} ${count.toLocaleString('en')}`).join(', ');
}

/** The value that `share` of all do not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
