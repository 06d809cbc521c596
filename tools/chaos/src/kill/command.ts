import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import { openOutsideService } from '../outside-service.ts';
import { KillLane } from './kill-lane.ts';
import type { LaneResult } from './kill-lane.ts';
import { killResult, linesOf } from './kill-result.ts';
import type { KillPlan } from './kill-result.ts';

const USAGE = `usage: ./maestro chaos kill [--kills N] [--acknowledged N] [--lanes N] [--seed TEXT] [--data DIR]
  --kills         kills that count, in all (default 200)
  --acknowledged  commands that must be acknowledged, in all (default 5000)
  --lanes         conductors at once, each on a data folder of its own (default 2)
  --seed          draws the same moments (default: the time)
  --data          folder for the data of this run, removed after (default: that of the system for temporary files)
`;
const OPTIONS = { kills: { type: 'string' }, acknowledged: { type: 'string' }, lanes: { type: 'string' }, seed: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean' } } as const;

const VIOLATIONS_TOLD = 20;

/** Kills real conductors under load, and holds what is left against what clients were told. Answers the exit code. */
export async function runKill(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const plan = {
    kills: Number(values.kills ?? 200),
    acknowledgedMin: Number(values.acknowledged ?? 5_000),
    lanes: Number(values.lanes ?? 2),
    seed: values.seed ?? String(Date.now()),
    place: values.data ?? tmpdir(),
  };
  if (values.help === true || ![plan.kills, plan.acknowledgedMin, plan.lanes].every((n) => Number.isSafeInteger(n) && n > 0)) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : 64;
  }
  process.stdout.write(`kill: seed ${plan.seed}\n`);
  const from = performance.now();
  const lanes = await killAll(plan);
  const result = killResult(plan, lanes, (performance.now() - from) / 1_000);
  for (const line of linesOf(result, lanes)) process.stdout.write(`kill: ${line}\n`);
  process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  for (const violation of result.violations.slice(0, VIOLATIONS_TOLD)) process.stdout.write(`violation: ${violation}\n`);
  const { kills, acknowledged, receiptsVerified } = result.figures;
  process.stdout.write(`kill: ${String(kills)} kills, ${String(acknowledged)} acknowledged commands, ${String(receiptsVerified)} receipts verified, ${result.seconds} s, ${result.violations.length} violations\n`);
  return exitCodeOf(result);
}

async function killAll({ kills, acknowledgedMin, lanes, seed, place }: KillPlan & { readonly lanes: number; readonly place: string }): Promise<readonly LaneResult[]> {
  const dir = await mkdtemp(join(place, 'maestro-kill-'));
  const outside = await openOutsideService();
  try {
    const share = (total: number, i: number): number => Math.floor(((i + 1) * total) / lanes) - Math.floor((i * total) / lanes);
    const plans = Array.from({ length: lanes }, (_, i) => ({ name: `lane${i}`, seed, kills: share(kills, i), acknowledgedMin: share(acknowledgedMin, i), dir, outside, say: (line: string) => void process.stdout.write(`kill: ${line}\n`) }));
    const ended = await Promise.allSettled(plans.map((plan) => new KillLane(plan).run()));
    return ended.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  } finally {
    await outside.close();
    await rm(dir, { recursive: true, force: true });
  }
}
