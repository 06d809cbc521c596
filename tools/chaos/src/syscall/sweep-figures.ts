import { READ_ONLY_WITHIN_MS } from './error-sweep.ts';
import type { Errno, ErrorSweep } from './error-sweep.ts';
import { quantile, tally, tallyText } from './figures.ts';
import type { KillSweep, PointResult } from './kill-sweep.ts';
import type { SmallDisk } from './small-disk.ts';

/** One part of a sweep, for people (`text`, `summary`) and for the scoreboard. */
export type Part = {
  readonly text: string;
  readonly summary: string;
  readonly figures: { readonly [name: string]: unknown };
  readonly floors: { readonly [name: string]: unknown };
  readonly violations: readonly string[];
};

/** What one point broke, each with what plays it again. */
export function violationsOf({ name, findings }: Pick<PointResult, 'name' | 'findings'>, seed: string): string[] {
  return findings.map(({ code, detail }) => `${code} at ${name} (./maestro chaos syscall --seed ${seed} --only ${name}): ${detail}`);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const ms = (value: number): number => Math.round(value * 10) / 10;

function shortfall(what: string, found: number, floor: number): string[] {
  return found >= floor ? [] : [`TOO_FEW_POINTS: ${found} ${what}, ${floor} are needed`];
}

const lostOf = (results: readonly PointResult[]): number => sum(results.map(({ findings }) => findings.filter(({ code }) => code === 'ACKNOWLEDGED_LOST').length));

function recoveryOf(results: readonly PointResult[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const times = results.map(({ recoveryMs }) => recoveryMs);
  return { p50: ms(quantile(times, 0.5)), p99: ms(quantile(times, 0.99)), max: ms(quantile(times, 1)) };
}

/** The kill sweep; every acknowledged event is counted once for each point that it survived. */
export function killFigures({ died, missed }: KillSweep, o: { readonly kills: number; readonly seed: string }): Part {
  const lost = lostOf(died);
  const recoveryMs = recoveryOf(died);
  const events = sum(died.map(({ eventsAcknowledged }) => eventsAcknowledged));
  const evidence = sum(died.map(({ evidenceAcknowledged }) => evidenceAcknowledged));
  const resent = sum(died.map((one) => one.resent));
  const deduplicated = sum(died.map((one) => one.resentDeduplicated));
  const text = [
    `kill: died at ${died.length} points (${missed.length} not reached)`,
    `  by call: ${tallyText(tally(died.map(({ point }) => point.syscall)))}`,
    `  by thread: ${tallyText(tally(died.map(({ point }) => point.thread)))}`,
    `  by scenario: ${tallyText(tally(died.map(({ point }) => point.scenario)))}`,
    `  read back: ${events.toLocaleString('en')} acknowledged events and ${evidence.toLocaleString('en')} pieces of evidence, ${lost} lost`,
    `  without an answer: ${resent} calls sent again, ${deduplicated} of them had had their effect`,
    `  recovery: p50 ${recoveryMs.p50} ms, p99 ${recoveryMs.p99} ms, longest ${recoveryMs.max} ms`,
  ].join('\n');
  const killFloor = Math.min(o.kills, 1_000);
  return {
    text,
    summary: `${died.length} kills, ${lost} lost`,
    figures: { kills: died.length, killsMissed: missed.length, killsByCall: tally(died.map(({ point }) => point.syscall)), lost, eventsReadBack: events, evidenceReadBack: evidence, resent, resentDeduplicated: deduplicated, recoveryMs },
    floors: { kills: killFloor, eventsReadBack: 1 },
    violations: [...died.flatMap((result) => violationsOf(result, o.seed)), ...shortfall('kills', died.length, killFloor), ...(events > 0 ? [] : ['TOO_FEW_OPERATIONS: nothing was acknowledged'])],
  };
}

/** One sweep of failing calls. */
export function errorFigures(errno: Errno, { hit, missed }: ErrorSweep, o: { readonly errors: number; readonly seed: string }): Part {
  const lost = lostOf(hit);
  const faults: Record<string, number> = {};
  for (const one of hit) for (const [code, count] of Object.entries(one.faults)) faults[code] = (faults[code] ?? 0) + count;
  const longestRefusalMs = Math.max(0, ...hit.map((one) => one.longestRefusalMs));
  const injected = sum(hit.map((one) => one.injected));
  const events = sum(hit.map(({ eventsAcknowledged }) => eventsAcknowledged));
  const refusing = hit.filter((one) => Object.keys(one.faults).length > 0).length;
  const text = [
    `${errno}: failed at ${hit.length} points (${missed.length} not reached), ${injected} calls in all; ${tallyText(tally(hit.map(({ shape }) => shape)))}`,
    `  by call: ${tallyText(tally(hit.map(({ point }) => point.syscall)))}`,
    `  callers were refused at ${refusing} points: ${tallyText(faults)}; the others did without the call`,
    `  read back: ${events.toLocaleString('en')} acknowledged events, ${lost} lost; read-only within ${longestRefusalMs} ms (at most ${READ_ONLY_WITHIN_MS})`,
  ].join('\n');
  const floor = Math.min(o.errors, 200);
  return {
    text,
    summary: `${hit.length} ${errno}, ${lost} lost`,
    figures: { [errno]: { points: hit.length, missed: missed.length, callsFailed: injected, byCall: tally(hit.map(({ point }) => point.syscall)), refusing, faults, lost, eventsReadBack: events, longestRefusalMs, recoveryMs: recoveryOf(hit) } },
    floors: { [errno]: { points: floor, longestRefusalMs: READ_ONLY_WITHIN_MS } },
    violations: [...hit.flatMap((result) => violationsOf(result, o.seed)), ...shortfall(`points with ${errno}`, hit.length, floor)],
  };
}

/** The disk that was really full. A machine that allows none is told, and is no violation. */
export function fullDiskFigures(disk: SmallDisk, o: { readonly fills: number; readonly seed: string }): Part {
  if (disk.kind === 'forbidden') {
    const text = `full disk: not tried, as no tmpfs can be mounted here (${disk.why})`;
    return { text, summary: 'full disk not tried', figures: { fullDisk: disk.why }, floors: {}, violations: [] };
  }
  const { fills, refusals, acknowledged, longestRefusalMs, longestResumeMs } = disk;
  const text = [
    `full disk: filled ${fills} times and freed again; ${acknowledged} calls acknowledged, refused: ${tallyText({ appends: refusals.append, evidence: refusals.evidence })}`,
    `  refused within ${ms(longestRefusalMs)} ms, resumed within ${ms(longestResumeMs)} ms`,
  ].join('\n');
  const slow = longestRefusalMs > READ_ONLY_WITHIN_MS ? [`REFUSED_LATE on a full disk: ${ms(longestRefusalMs)} ms`] : [];
  const idle = refusals.append > 0 && refusals.evidence > 0 ? [] : ['TOO_FEW_POINTS: one of the stores never met the full disk'];
  return {
    text,
    summary: `${fills} full disks`,
    figures: { fullDisk: { fills, refusals, acknowledged, longestRefusalMs: ms(longestRefusalMs), longestResumeMs: ms(longestResumeMs) } },
    floors: { fullDisk: { fills: o.fills, longestRefusalMs: READ_ONLY_WITHIN_MS } },
    violations: [...disk.findings.map(({ code, detail }) => `${code} on a full disk (seed ${o.seed}): ${detail}`), ...slow, ...idle, ...shortfall('full disks', fills, o.fills)],
  };
}
