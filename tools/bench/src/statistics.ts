/** What a set of samples came to, in the unit of the samples. Quantiles are samples (nearest rank), never interpolated. */
export type Summary = { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };

/** Undefined: there is no sample, so there is no figure. */
export function summarise(samples: readonly number[]): Summary | undefined {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  const max = sorted.at(-1);
  return max === undefined ? undefined : { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max };
}
