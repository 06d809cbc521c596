import { loadavg } from 'node:os';
import type { ConductorProcess } from '../conductor-process.ts';
import type { RestClient } from '../rest-client.ts';
import { trendOf } from './flatness.ts';
import type { Tolerance, Trend } from './flatness.ts';
import { folderBytes, sampleProcess } from '../process-sample.ts';
import { quantile } from '../quantiles.ts';
import type { SteadyLoad } from './steady-load.ts';

/** What is sampled at the end of each window. */
export type Window = {
  readonly atS: number;
  readonly endedPerS: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  /** of the conductor's own process: all resident pages; those that are its own; heap in use */
  readonly rssMiB: number;
  readonly anonymousMiB: number;
  readonly heapUsedMiB: number;
  /** of its package processes together */
  readonly childrenMiB: number;
  readonly files: number;
  readonly sockets: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly openRuns: number;
  readonly dataMiB: number;
  /** of the write-ahead logs together: they are reset now and then, and otherwise grow for ever */
  readonly logsMiB: number;
  /** load average of the machine over a minute: what else was going on */
  readonly load: number;
};

export type SoakPlan = { readonly minutes: number; readonly windowS: number; readonly warmUpS: number; readonly measureS: number; readonly share: number; /** instead of the share of the maximum */ readonly ratePerS: number | undefined };

/** Figures that must be flat, and what counts as flat: 10 %, or what the figure cannot tell. */
export const FLAT: { readonly [name in 'rssMiB' | 'anonymousMiB' | 'files' | 'logsMiB' | 'loopDelayP99Ms' | 'latencyP99Ms']: Tolerance } = {
  rssMiB: { growthMax: 0.1, noise: 8 },
  anonymousMiB: { growthMax: 0.1, noise: 8 },
  files: { growthMax: 0, noise: 2 },
  logsMiB: { growthMax: 0.1, noise: 16 },
  loopDelayP99Ms: { growthMax: 0.1, noise: 2 },
  latencyP99Ms: { growthMax: 0.1, noise: 10 },
};

export type Soaked = { readonly maximumPerS: number; readonly ratePerS: number; readonly windows: readonly Window[]; readonly trends: { readonly [name: string]: Trend } };

const MIB = 2 ** 20;
/** Clients of the measurement of the maximum. */
const WIDTH = 48;
/** Figures that the machine's other work moves, too: only for them a soak goes on. Memory and files that grew have grown. */
const TIMED: readonly string[] = ['loopDelayP99Ms', 'latencyP99Ms'];
/** How often a soak whose timings alone are not flat goes on for as long again. What slows down for good stays slow; a swell passes. */
const EXTENSIONS_MAX = 2;

/**
 * Warms up at full speed, so that every cache with a bound is full; measures the maximum, keeps a share of it up, and samples the process at the end of every window.
 * K1. Samples come from outside the process: /proc, its metrics, and the clocks of clients.
 * K2. A window ends when it is over, also while nothing is answered.
 * K3. Timings that look as if they grew are looked at for longer, in the same process, and judged on all of it.
 */
export async function soak(parts: { readonly conductor: ConductorProcess; readonly client: RestClient; readonly load: SteadyLoad; readonly dataDir: string }, plan: SoakPlan, say: (line: string) => void): Promise<Soaked> {
  const { conductor, client, load, dataDir } = parts;
  await load.publish();
  await load.asFastAsPossible(plan.warmUpS * 1_000, WIDTH);
  const maximumPerS = await load.asFastAsPossible(plan.measureS * 1_000, WIDTH);
  const ratePerS = plan.ratePerS ?? maximumPerS * plan.share;
  say(`maximum ${maximumPerS.toFixed(1)} runs/s (${WIDTH} clients, ${plan.measureS} s); soaking with ${ratePerS.toFixed(1)} runs/s for ${plan.minutes} min`);
  load.take();
  await client.get('/metrics', '*/*');
  const windows: Window[] = [];
  const countOnce = Math.floor((plan.minutes * 60) / plan.windowS);
  let count = countOnce;
  const from = performance.now();
  let ended = load.endedCount;
  const kept = load.keep(ratePerS);
  for (let i = 1; i <= count; i++) {
    await new Promise((resolve) => setTimeout(resolve, from + i * plan.windowS * 1_000 - performance.now()));
    const latencyMs = load.take();
    const shown = metricsOf((await client.get('/metrics', '*/*')).body.toString('utf8'));
    const { rssBytes, anonymousBytes, files, sockets } = sampleProcess(conductor.pid);
    windows.push({
      atS: i * plan.windowS,
      endedPerS: (load.endedCount - ended) / plan.windowS,
      latencyP50Ms: quantile(latencyMs, 0.5),
      latencyP99Ms: quantile(latencyMs, 0.99),
      rssMiB: rssBytes / MIB,
      anonymousMiB: anonymousBytes / MIB,
      childrenMiB: childrenBytes(conductor) / MIB,
      files,
      sockets,
      ...shown,
      dataMiB: folderBytes(dataDir) / MIB,
      logsMiB: folderBytes(dataDir, '-wal') / MIB,
      load: loadavg()[0] ?? Number.NaN,
    });
    ended = load.endedCount;
    say(lineOf(windows.at(-1) as Window));
    const grew = i < count ? [] : notFlat(windows, plan.windowS);
    if (grew.length === 0 || !grew.every((name) => TIMED.includes(name)) || count > EXTENSIONS_MAX * countOnce) continue;
    say(`${grew.join(' and ')} may have grown: going on for ${plan.minutes} min more`);
    count += countOnce;
  }
  await kept.stop();
  return { maximumPerS, ratePerS, windows, trends: trendsOf(windows, plan.windowS) };
}

function trendsOf(windows: readonly Window[], windowS: number): Soaked['trends'] {
  return Object.fromEntries(Object.entries(FLAT).map(([name, tolerance]) => [name, trendOf(windows.map((window) => window[name as keyof typeof FLAT]), windowS, tolerance)]));
}

function notFlat(windows: readonly Window[], windowS: number): readonly string[] {
  return Object.entries(trendsOf(windows, windowS)).flatMap(([name, { isFlat }]) => (isFlat ? [] : [name]));
}

/** What a window came to, for people who watch. */
export function lineOf(window: Window): string {
  const { atS, endedPerS, latencyP50Ms, latencyP99Ms, rssMiB, anonymousMiB, heapUsedMiB, childrenMiB, files, sockets, loopDelayP99Ms, loopDelayMaxMs, dataMiB, logsMiB, load } = window;
  const time = `${String(atS).padStart(5)} s  ${endedPerS.toFixed(1)} runs/s  p50 ${latencyP50Ms.toFixed(0)} p99 ${latencyP99Ms.toFixed(0)} ms  loop p99 ${loopDelayP99Ms.toFixed(1)} max ${loopDelayMaxMs.toFixed(0)} ms`;
  const space = `RSS ${rssMiB.toFixed(0)} own ${anonymousMiB.toFixed(0)} heap ${heapUsedMiB.toFixed(0)} children ${childrenMiB.toFixed(0)} MiB  files ${files} sockets ${sockets}  data ${dataMiB.toFixed(0)} logs ${logsMiB.toFixed(0)} MiB  load ${load.toFixed(1)}`;
  return `${time}  ${space}`;
}

/** The figures that the process tells of itself; the delay of its event loop is that since the page was read last. */
function metricsOf(page: string): Pick<Window, 'heapUsedMiB' | 'loopDelayP99Ms' | 'loopDelayMaxMs' | 'openRuns'> {
  const figure = (pattern: RegExp): number => Number(pattern.exec(page)?.[1] ?? Number.NaN);
  return {
    heapUsedMiB: figure(/^nodejs_heap_size_used_bytes (\S+)$/m) / MIB,
    loopDelayP99Ms: figure(/^mc_event_loop_delay_ms\{quantile="0\.99"\} (\S+)$/m),
    loopDelayMaxMs: figure(/^mc_event_loop_delay_ms\{quantile="1"\} (\S+)$/m),
    openRuns: figure(/^mc_open_runs (\S+)$/m),
  };
}

function childrenBytes(conductor: ConductorProcess): number {
  return conductor.descendants().reduce((sum, pid) => {
    try {
      return sum + sampleProcess(pid).rssBytes;
    } catch {
      return sum; // it ended meanwhile
    }
  }, 0);
}
