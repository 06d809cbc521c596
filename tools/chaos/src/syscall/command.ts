import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import { seededRandom } from '../seeded-random.ts';
import { errorSweep } from './error-sweep.ts';
import type { Errno } from './error-sweep.ts';
import { killSweep } from './kill-sweep.ts';
import type { PointResult, SweepOptions } from './kill-sweep.ts';
import { parsePointName, pointName, pointsOf, spread } from './points.ts';
import type { Point } from './points.ts';
import { Workshop, scenariosOf } from './scenarios.ts';
import type { PreparedScenario } from './scenarios.ts';
import { onSmallDisk } from './small-disk.ts';
import { errorFigures, fullDiskFigures, killFigures, violationsOf } from './sweep-figures.ts';
import type { Part } from './sweep-figures.ts';
import { CHANGING_CALLS, READING_CALLS } from './traced-run.ts';

const HELP = `usage: ./maestro chaos syscall [options]

Kills a small process of event store, evidence store and head mark at one system call after the other, lets calls fail
with ENOSPC and EIO, and fills a small disk. Everything that was acknowledged must be there afterwards. Needs strace.

  --seed <text>    workload and choice of points; default: random, printed
  --kills <n>      points at which the process must have died; default 1000
  --errors <n>     points at which calls must have failed, for each of ENOSPC and EIO; default 200
  --fills <n>      times that a small disk is filled and freed; default 60
  --lanes <n>      processes at a time; default 2
  --only <point>   one point, as a violation names it, with its seed

The long form: --kills 1000000 --errors 1000000 tries every point there is.`;

const CHANGING = CHANGING_CALLS.map((name) => name.replace('?', ''));
/** A disk that is full is found by those who write; one that fails, by readers, too. */
const FAILING = { ENOSPC: new Set(CHANGING), EIO: new Set<string>([...CHANGING, ...READING_CALLS]) } as const;

type Options = { readonly seed: string; readonly kills: number; readonly errors: number; readonly fills: number; readonly lanes: number; readonly only: string | undefined };

/** Points from one line about the progress to the next. */
const TOLD_EVERY = 200;

/** `./maestro chaos syscall`: exit code 0 only if enough points were hit and none broke a promise. */
export async function runSyscall(args: readonly string[]): Promise<number> {
  const options = optionsOf(args);
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  const startedMs = performance.now();
  const root = mkdtempSync(join(tmpdir(), 'maestro-syscall-'));
  try {
    const parts = await sweepAll(new Workshop(root), root, options);
    const { seed } = options;
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const violations = parts.flatMap((part) => part.violations);
    const figures = Object.assign({}, ...parts.map((part) => part.figures)) as { [name: string]: unknown };
    const floors = Object.assign({}, ...parts.map((part) => part.floors)) as { [name: string]: unknown };
    for (const violation of violations) console.log(`violation: ${violation}`);
    if (options.only === undefined) writeHarnessResult({ harness: 'syscall', seed, seconds, figures, floors, violations });
    console.log(`harness: syscall, seed ${seed}, ${seconds} s, ${parts.map(({ summary }) => summary).join(', ')}, ${violations.length} violations`);
    return exitCodeOf({ violations });
  } finally {
    rmSync(root, { recursive: true });
  }
}

function optionsOf(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { seed: text, kills: text, errors: text, fills: text, lanes: text, only: text, help: { type: 'boolean' } } });
  if (values.help === true) return undefined;
  const count = (given: string | undefined, usual: number): number => {
    const number = given === undefined ? usual : Number(given);
    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`a count is a whole number of 0 or more, not ${given}`);
    return number;
  };
  return {
    seed: values.seed ?? randomBytes(4).toString('hex'),
    kills: count(values.kills, 1_000),
    errors: count(values.errors, 200),
    fills: count(values.fills, 60),
    lanes: Math.max(1, count(values.lanes, 2)),
    only: values.only,
  };
}

async function sweepAll(workshop: Workshop, root: string, o: Options): Promise<Part[]> {
  const scenarios = new Map<string, PreparedScenario>();
  const wanted = o.only === undefined ? undefined : parsePointName(o.only)?.point.split(':')[0];
  for (const scenario of scenariosOf(o.seed)) {
    if (o.only === undefined || scenario.name === wanted) scenarios.set(scenario.name, await workshop.prepare(scenario));
  }
  const onResult = narrator(o.seed);
  const common = { workshop, scenarios, lanes: o.lanes, onResult };
  if (o.only !== undefined) return [await one(o.only, common, o.seed)];
  const all = (calls: ReadonlySet<string>): Point[] => [...scenarios.values()].flatMap((scenario) => pointsOf(scenario, calls));
  const points = all(FAILING.ENOSPC);
  console.log(`syscall: seed ${o.seed}, ${points.length} points in ${scenarios.size} scenarios: ${[...scenarios.values()].map(({ name, does }) => `${name} (${does})`).join(', ')}`);
  const parts: Part[] = [];
  const add = (part: Part): void => {
    parts.push(part);
    console.log(part.text);
  };
  if (o.kills > 0) add(killFigures(await killSweep({ ...common, points: spread(points, seededRandom(`${o.seed} kill`)), countMax: o.kills }), o));
  for (const errno of o.errors > 0 ? (['ENOSPC', 'EIO'] as const) : []) {
    const order = spread(all(FAILING[errno]), seededRandom(`${o.seed} ${errno}`));
    add(errorFigures(errno, await errorSweep(errno, { ...common, points: order, countMax: o.errors }), o));
  }
  if (o.fills > 0) add(fullDiskFigures(onSmallDisk(root, { seed: o.seed, fillsCount: o.fills }), o));
  return parts;
}

/** Tells at once what a point broke, and now and then how far the sweep is: it takes minutes. */
function narrator(seed: string): (result: PointResult) => void {
  const startedMs = performance.now();
  let judged = 0;
  return (result) => {
    for (const violation of violationsOf(result, seed)) console.log(violation);
    judged += 1;
    if (judged % TOLD_EVERY === 0) console.log(`  ${judged} points after ${Math.round((performance.now() - startedMs) / 1000)} s`);
  };
}

/** One point again, named as a violation names it. */
async function one(name: string, common: Omit<SweepOptions, 'points' | 'countMax'>, seed: string): Promise<Part> {
  const wanted = parsePointName(name);
  const calls = new Set([...FAILING.EIO]);
  const point = [...common.scenarios.values()].flatMap((scenario) => pointsOf(scenario, calls)).find((known) => pointName(known) === wanted?.point);
  if (wanted === undefined || point === undefined) throw new Error(`there is no point ${name} with seed ${seed}; a name looks like kill:fresh:fsync:events.db-wal:3`);
  const o = { ...common, points: [point], countMax: 1 };
  if (wanted.action === 'kill') return killFigures(await killSweep(o), { kills: 1, seed });
  const { shape, action } = wanted;
  return errorFigures(action as Errno, await errorSweep(action as Errno, { ...o, ...(shape !== undefined && { shape }) }), { errors: 1, seed });
}
