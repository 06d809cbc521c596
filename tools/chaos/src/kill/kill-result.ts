import type { HarnessResult } from '../harness-result.ts';
import type { Stall } from '../persistent-client.ts';
import { quantile } from '../quantiles.ts';
import { histogram } from './kill-histogram.ts';
import { KILL_AFTER_MAX_MS, KILL_AFTER_MIN_MS } from './kill-lane.ts';
import type { LaneResult } from './kill-lane.ts';

/** What has to be reached: kills that count, and acknowledged commands. */
export type KillPlan = { readonly kills: number; readonly acknowledgedMin: number; readonly seed: string };

/** More open files after hundreds of starts than after the first: something else than sockets, which come and go. */
const FILES_MORE_MAX = 8;
/** Verbs that must have been acknowledged among the rest: not only starts. */
const VERBS = ['start', 'cancel', 'resume', 'save', 'publish', 'promote', 'rollback'];

/** Adds up the lanes, and names what was broken or not reached. */
export function killResult(plan: KillPlan, lanes: readonly LaneResult[], seconds: number): HarnessResult {
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

/** The figures for people, without the last line. */
export function linesOf({ figures }: HarnessResult, lanes: readonly LaneResult[]): readonly string[] {
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
