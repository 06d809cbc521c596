import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import type { HarnessResult } from '../harness-result.ts';
import { openOutsideService } from '../outside-service.ts';
import type { Stall } from '../persistent-client.ts';
import { quantile } from '../quantiles.ts';
import { histogram } from './kill-histogram.ts';
import { KILL_AFTER_MAX_MS, KILL_AFTER_MIN_MS, KillLane } from './kill-lane.ts';
import type { LaneResult } from './kill-lane.ts';

const USAGE = `usage: ./maestro chaos kill [--kills N] [--acknowledged N] [--lanes N] [--seed TEXT] [--data DIR]
  --kills         kills that count, in all (default 200)
  --acknowledged  commands that must be acknowledged, in all (default 5000)
  --lanes         conductors at once, each on a data folder of its own (default 2)
  --seed          draws the same moments (default: the time)
  --data          folder for the data of this run, removed after (default: that of the system for temporary files)
`;
const OPTIONS = { kills: { type: 'string' }, acknowledged: { type: 'string' }, lanes: { type: 'string' }, seed: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean' } } as const;

type Plan = { readonly kills: number; readonly acknowledgedMin: number; readonly lanes: number; readonly seed: string; readonly place: string };

/** More open files after hundreds of starts than after the first: something else than sockets, which come and go. */
const FILES_MORE_MAX = 8;
/** Verbs that must have been acknowledged among the rest: not only starts. */
const VERBS = ['start', 'cancel', 'resume', 'save', 'publish', 'promote', 'rollback'];
const VIOLATIONS_TOLD = 20;

/** Kills real conductors under load, and holds what is left against what clients were told. Answers the exit code. */
export async function runKill(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const plan: Plan = {
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
  const result = resultOf(plan, lanes, (performance.now() - from) / 1_000);
  for (const line of linesOf(result, lanes)) process.stdout.write(`kill: ${line}\n`);
  process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  for (const violation of result.violations.slice(0, VIOLATIONS_TOLD)) process.stdout.write(`violation: ${violation}\n`);
  const { kills, acknowledged, receiptsVerified } = result.figures;
  process.stdout.write(`kill: ${String(kills)} kills, ${String(acknowledged)} acknowledged commands, ${String(receiptsVerified)} receipts verified, ${result.seconds} s, ${result.violations.length} violations\n`);
  return exitCodeOf(result);
}

async function killAll({ kills, acknowledgedMin, lanes, seed, place }: Plan): Promise<readonly LaneResult[]> {
  const dir = await mkdtemp(join(place, 'maestro-kill-'));
  const outside = await openOutsideService();
  try {
    const share = (total: number, i: number): number => Math.floor(((i + 1) * total) / lanes) - Math.floor((i * total) / lanes);
    const plans = Array.from({ length: lanes }, (_, i) => ({ name: `lane${i}`, seed, kills: share(kills, i), acknowledgedMin: share(acknowledgedMin, i), dir, outside }));
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

function resultOf(plan: Plan, lanes: readonly LaneResult[], seconds: number): HarnessResult {
  const sum = (of: (lane: LaneResult) => number): number => lanes.reduce((total, lane) => total + of(lane), 0);
  const kills = lanes.flatMap((lane) => lane.kills);
  const restarts = kills.map(({ restartMs }) => restartMs);
  const longest = lanes.map(({ stall }) => stall).sort((a, b) => b.ms - a.ms)[0];
  const verbs = Object.fromEntries(VERBS.map((verb) => [verb, sum((lane) => lane.verbs[verb] ?? 0)]));
  const figures = {
    kills: kills.length,
    misses: sum(({ misses }) => misses),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    acknowledgedUnderKills: sum(({ acknowledgedUnderKills }) => acknowledgedUnderKills),
    verbs,
    resent: sum(({ resent }) => resent),
    openAtKills: sum((lane) => lane.kills.reduce((total, { openCount }) => total + openCount, 0)),
    events: sum(({ counts }) => counts.events),
    runs: sum(({ counts }) => counts.runs),
    receipts: sum(({ counts }) => counts.receipts),
    receiptsVerified: sum(({ receiptsVerified }) => receiptsVerified),
    observed: sum(({ observed }) => observed),
    restartP50Ms: quantile(restarts, 0.5),
    restartP99Ms: quantile(restarts, 0.99),
    stallMaxMs: Math.round(longest?.ms ?? 0),
    stall: longest,
    dataBytesPerEvent: Math.max(...lanes.map(({ dataBytesPerEvent }) => dataBytesPerEvent)),
    filesAtFirst: Math.max(...lanes.map(({ filesAtFirst }) => filesAtFirst)),
    filesAtLast: Math.max(...lanes.map(({ filesAtLast }) => filesAtLast)),
  };
  const violations = lanes.flatMap((lane) => lane.violations);
  if (figures.kills < plan.kills) violations.push(`${figures.kills} kills count, ${plan.kills} are needed (${figures.misses} came too late)`);
  if (figures.acknowledged < plan.acknowledgedMin) violations.push(`${figures.acknowledged} commands were acknowledged, ${plan.acknowledgedMin} are needed`);
  if (figures.receiptsVerified !== figures.runs) violations.push(`${figures.receiptsVerified} receipts of ${figures.runs} runs verify`);
  for (const verb of VERBS.filter((name) => verbs[name] === 0)) violations.push(`no ${verb} was acknowledged`);
  for (const { filesAtFirst, filesAtLast } of lanes) {
    if (filesAtLast > filesAtFirst + FILES_MORE_MAX) violations.push(`open files grew from ${filesAtFirst} to ${filesAtLast}`);
  }
  const floors = { kills: plan.kills, acknowledged: plan.acknowledgedMin, everyReceiptVerifies: true, verbs: VERBS, filesMoreMax: FILES_MORE_MAX };
  return { harness: 'kill', seed: plan.seed, seconds: Math.round(seconds), figures, floors, violations };
}

function linesOf({ figures }: HarnessResult, lanes: readonly LaneResult[]): readonly string[] {
  const figure = (name: string): string => String(figures[name]);
  const verbs = Object.entries(figures['verbs'] as { [verb: string]: number }).map(([verb, count]) => `${count} × ${verb}`);
  return [
    `moments of ${figure('kills')} kills, ms after ready (${figure('misses')} more came too late and do not count):`,
    ...histogram(lanes.flatMap((lane) => lane.kills.map(({ upMs }) => upMs)), KILL_AFTER_MIN_MS, KILL_AFTER_MAX_MS),
    `acknowledged ${figure('acknowledged')} (${figure('acknowledgedUnderKills')} until the last kill): ${verbs.join(', ')}; sent again unanswered ${figure('resent')}`,
    `runs open at a kill ${figure('openAtKills')}; ready again p50 ${figure('restartP50Ms')} ms, p99 ${figure('restartP99Ms')} ms; longest stall of a client ${figure('stallMaxMs')} ms`,
    ...stallLine(figures['stall'] as Stall | undefined),
    `${figure('events')} events, ${figure('runs')} runs, ${figure('receipts')} receipts, ${figure('observed')} events seen live; ${figure('dataBytesPerEvent')} bytes on disk an event; open files ${figure('filesAtFirst')} at first, ${figure('filesAtLast')} at last`,
  ];
}

function stallLine(stall: Stall | undefined): readonly string[] {
  if (stall === undefined) return [];
  return [`that was ${stall.path}, answered at try ${stall.tries}; of its tries one took ${Math.round(stall.longestTryMs)} ms and came to ${stall.longestTry}`];
}
