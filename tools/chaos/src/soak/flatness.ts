import { median } from '../quantiles.ts';

/** How a figure of a process moved over the windows of a soak. */
export type Trend = {
  /** median of the middle third and of the last third of all windows; the first third is warm-up and not looked at */
  readonly before: number;
  readonly after: number;
  /** (after − before) ÷ before */
  readonly growth: number;
  /** Theil–Sen: the median of the slopes between all pairs of windows after warm-up, per hour */
  readonly slopePerHour: number;
  readonly isFlat: boolean;
};

/** What a figure may do and still be flat: grow by a share, or by so little that the measure cannot tell it, or chance may have made it. */
export type Tolerance = { readonly growthMax: number; readonly noise: number };

/** Windows below this have no thirds that a median means something of. */
export const WINDOWS_MIN = 9;

const HOUR_S = 3_600;
/** Standard errors by which two medians must differ: with a dozen samples their spread is itself uncertain, so more than the usual three. */
const SIGMAS = 4;
/** From the median of absolute differences of neighbours to the standard deviation of one sample, if samples are normal. */
const SIGMA_OF_STEPS = 1.4826 / Math.SQRT2;
/** A median is by so much less certain than a mean. */
const MEDIAN_ERROR = 1.2533;

/**
 * Compares the last third with the middle third. Medians, because a shared machine pauses a process now and then, and one
 * bad window is no trend; thirds, because a leak that is real is still there at the end. What chance may make is measured
 * on the samples themselves, from one to the next, where a trend hardly shows: a longer soak tells smaller growth.
 */
export function trendOf(samples: readonly number[], windowS: number, { growthMax, noise }: Tolerance): Trend {
  if (samples.length < WINDOWS_MIN) throw new RangeError(`${samples.length} windows; ${WINDOWS_MIN} are needed to tell a trend`);
  const third = Math.floor(samples.length / 3);
  const settled = samples.slice(samples.length - 2 * third);
  const before = median(settled.slice(0, third));
  const after = median(settled.slice(third));
  const isFlat = after - before <= Math.max(noise, before * growthMax, SIGMAS * errorOfDifference(settled, third));
  return { before, after, growth: before === 0 ? 0 : after / before - 1, slopePerHour: slope(settled) * (HOUR_S / windowS), isFlat };
}

/** Standard error of the difference of the medians of two thirds. */
function errorOfDifference(samples: readonly number[], third: number): number {
  const steps = samples.slice(1).map((sample, i) => Math.abs(sample - (samples[i] ?? sample)));
  return MEDIAN_ERROR * SIGMA_OF_STEPS * median(steps) * Math.sqrt(2 / third);
}

/** Theil–Sen slope per sample: up to 29 % of the samples may be anything. */
function slope(samples: readonly number[]): number {
  const slopes: number[] = [];
  for (let i = 0; i < samples.length; i++) {
    for (let j = i + 1; j < samples.length; j++) slopes.push(((samples[j] ?? 0) - (samples[i] ?? 0)) / (j - i));
  }
  return median(slopes);
}
