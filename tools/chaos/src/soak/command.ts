import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import type { HarnessResult } from '../harness-result.ts';
import { RestClient } from '../rest-client.ts';
import { seededRandom } from '../seeded-random.ts';
import { WINDOWS_MIN } from './flatness.ts';
import { soak } from './soak.ts';
import type { SoakPlan } from './soak.ts';
import { soakResult, trendLines } from './soak-result.ts';
import { SteadyLoad } from './steady-load.ts';

const USAGE = `usage: ./maestro chaos soak [--minutes N] [--window SECONDS] [--warm-up SECONDS] [--measure SECONDS] [--share PERCENT | --rate N] [--data DIR]
  --minutes  how long the load is kept up (default 3); as long again, at most twice, where timings alone may have grown
  --window   seconds between two samples (default 10)
  --warm-up  seconds at full speed before anything counts: caches are filled to their bounds (default 40)
  --measure  seconds for which the maximum is measured first (default 10)
  --share    percent of the maximum that is kept up (default 50)
  --rate     runs a second that are kept up instead, where others use the machine and the maximum changes meanwhile
  --data     folder for the data of this run, removed after (default: that of the system for temporary files)
`;
const OPTIONS = { minutes: { type: 'string' }, window: { type: 'string' }, 'warm-up': { type: 'string' }, measure: { type: 'string' }, share: { type: 'string' }, rate: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean' } } as const;

/** One conductor under half of its maximum: what it uses, and how fast it answers, must not grow. Answers the exit code. */
export async function runSoak(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const plan: SoakPlan = { minutes: Number(values.minutes ?? 3), windowS: Number(values.window ?? 10), warmUpS: Number(values['warm-up'] ?? 40), measureS: Number(values.measure ?? 10), share: Number(values.share ?? 50) / 100, ratePerS: values.rate === undefined ? undefined : Number(values.rate) };
  if (values.help === true || !(Math.floor((plan.minutes * 60) / plan.windowS) >= WINDOWS_MIN && plan.warmUpS >= 0 && plan.measureS > 0 && plan.share > 0 && (plan.ratePerS ?? 1) > 0)) {
    process.stdout.write(`${USAGE}  there must be at least ${WINDOWS_MIN} windows\n`);
    return values.help === true ? 0 : 64;
  }
  const result = await soakOnce(plan, values.data ?? tmpdir());
  const { minutes, maximumPerS, ratePerS, runs, errors } = result.figures;
  process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  for (const violation of result.violations) process.stdout.write(`violation: ${violation}\n`);
  process.stdout.write(`soak: ${Number(minutes)} min at ${Number(ratePerS).toFixed(1)} of ${Number(maximumPerS).toFixed(1)} runs/s, ${String(runs)} runs, ${String(errors)} errors, ${result.violations.length} violations\n`);
  return exitCodeOf(result);
}

async function soakOnce(plan: SoakPlan, place: string): Promise<HarnessResult> {
  const dir = await mkdtemp(join(place, 'maestro-soak-'));
  const dataDir = join(dir, 'data');
  const from = performance.now();
  let conductor: ConductorProcess | undefined;
  let client: RestClient | undefined;
  try {
    conductor = await ConductorProcess.start({ dataDir, port: await freePort(seededRandom(`soak/${process.pid}`)) });
    client = new RestClient(conductor.url);
    const load = new SteadyLoad(client);
    const soaked = await soak({ conductor, client, load, dataDir }, plan, (line) => process.stdout.write(`soak: ${line}\n`));
    await client.close();
    const exitCode = await conductor.stop();
    for (const line of trendLines(soaked)) process.stdout.write(`soak: ${line}\n`);
    return soakResult(plan, soaked, load, { exitCode, said: conductor.said(), seconds: (performance.now() - from) / 1_000 });
  } finally {
    await client?.close();
    conductor?.clear();
    await rm(dir, { recursive: true, force: true });
  }
}
