import { summarise } from './statistics.ts';
import type { Summary } from './statistics.ts';
import type { Target, Usage } from './target.ts';
import type { Workload } from './workloads.ts';

/** How long one workload is warmed up and measured. */
export type Effort = { readonly warmUpMs: number; readonly measureMs: number; readonly runsMin: number };

export type Measured = {
  readonly workload: string;
  readonly target: Target['name'];
  readonly warmUpRuns: number;
  readonly runs: number;
  /** runs that were begun beside the measured ones */
  readonly besideRuns: number;
  /** milliseconds; from start to terminal event, or for S from terminal event to the receipt */
  readonly latencyMs: Summary | undefined;
  /** milliseconds from terminal event to signed receipt */
  readonly sealMs: Summary | undefined;
  /** until the last run had ended */
  readonly runsPerSecond: number;
  readonly stepsPerSecond: number;
  /** until the last run had its signed receipt: the whole bill */
  readonly sealedRunsPerSecond: number;
  readonly cpuMsPerRun: number | null;
  readonly writtenBytesPerRun: number | null;
  readonly rssBytes: number | null;
  readonly loopDelayP99Ms: number | null;
  /** receipts that were fetched and verified after the measurement */
  readonly verified: number;
};

/** Receipts that are verified after each measurement. */
const VERIFIED_MAX = 5;

/**
 * Runs one workload as a closed loop: `inFlight` clients, each of which begins anew when its run has ended.
 * M1. Warm-up runs end, and are signed, before the first measured one begins; they are counted apart.
 * M2. A run that does not succeed is no sample: it ends the measurement with an error.
 * M3. What runs beside is open before the first measured run begins, and until the last has ended; it ends, and is signed,
 *     after the clock was stopped.
 * M4. The clock stops for throughput when the last run has ended, and again when the last receipt is signed.
 */
export async function measure(target: Target, workload: Workload, effort: Effort): Promise<Measured> {
  await target.publish(workload.manifest);
  const warmUp = await runFor(target, workload, effort.warmUpMs, 1);
  await target.sealed();
  const before = await target.usage();
  const beside = await keepOpen(target, workload.beside);
  const startedMs = performance.now();
  const runs = await runFor(target, workload, effort.measureMs, effort.runsMin);
  const endedMs = performance.now();
  const besideRuns = await beside.stop();
  const { lastMs, sealMs } = await target.sealed();
  const after = await target.usage();
  const rate = (from: number, to: number): number => (runs.length / (to - from)) * 1_000;
  return {
    workload: workload.id,
    target: target.name,
    warmUpRuns: warmUp.length,
    runs: runs.length,
    besideRuns,
    latencyMs: summarise(runs.map(({ latencyMs }) => latencyMs)),
    sealMs: summarise(sealMs),
    runsPerSecond: rate(startedMs, endedMs),
    stepsPerSecond: rate(startedMs, endedMs) * workload.tasks,
    sealedRunsPerSecond: rate(startedMs, Math.max(endedMs, lastMs)),
    ...costOf(before, after, runs.length),
    verified: await verifyLatest(target, runs),
  };
}

/** Has one run of a manifest open until it is stopped, one after the other; answers how many there were. */
async function keepOpen(target: Target, manifest: object | undefined): Promise<{ stop(): Promise<number> }> {
  if (manifest === undefined) return { stop: () => Promise.resolve(0) };
  await target.publish(manifest);
  const { name } = manifest as { readonly name: string };
  let isStopped = false;
  let count = 0;
  const running = (async () => {
    while (!isStopped) {
      count += 1;
      const { verdict } = await target.run(name);
      if (verdict !== 'succeeded') throw new Error(`a run of ${name}, beside, ended as ${verdict}: this measures nothing`);
    }
  })();
  // told by stop
  running.catch(() => undefined);
  return {
    async stop() {
      isStopped = true;
      await running;
      return count;
    },
  };
}

type Sample = { readonly executionId: string; readonly latencyMs: number };

async function runFor(target: Target, { manifest, inFlight, fetchesReceipt }: Workload, ms: number, runsMin: number): Promise<readonly Sample[]> {
  const { name } = manifest as { readonly name: string };
  const runs: Sample[] = [];
  const end = performance.now() + ms;
  let begun = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < end || begun < runsMin) {
      begun += 1;
      const run = await target.run(name);
      if (run.verdict !== 'succeeded') throw new Error(`a run of ${name} ended as ${run.verdict}: this measures nothing`);
      const { executionId, startedMs, endedMs } = run;
      const latencyMs = fetchesReceipt ? (await target.receipt(executionId)) - endedMs : endedMs - startedMs;
      runs.push({ executionId, latencyMs });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return runs;
}

/** The latest runs: how many of their receipts were verified. One that does not verify is an error, not a figure. */
async function verifyLatest(target: Target, runs: readonly Sample[]): Promise<number> {
  const latest = runs.slice(-VERIFIED_MAX);
  for (const { executionId } of latest) {
    if (!(await target.verifies(executionId))) throw new Error(`the receipt of run ${executionId} does not verify: these figures count for nothing`);
  }
  return latest.length;
}

function costOf(before: Usage, after: Usage, runs: number): Pick<Measured, 'cpuMsPerRun' | 'writtenBytesPerRun' | 'rssBytes' | 'loopDelayP99Ms'> {
  const perRun = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : (b - a) / runs);
  return {
    cpuMsPerRun: perRun(before.cpuMs, after.cpuMs),
    writtenBytesPerRun: perRun(before.writtenBytes, after.writtenBytes),
    rssBytes: after.rssBytes,
    loopDelayP99Ms: after.loopDelayP99Ms,
  };
}
