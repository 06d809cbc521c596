import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import type { HarnessResult } from '../harness-result.ts';
import { noPlant } from './plant.ts';
import { PLANTS } from './plants.ts';
import { runSeed } from './run-seed.ts';
import type { SeedOutcome } from './run-seed.ts';
import { runSeeds } from './seed-workers.ts';
import { SimFigures } from './sim-figures.ts';

const USAGE = `usage: ./maestro chaos sim [--seeds A..B] [--plant NAME|all|none] [--threads N]
       ./maestro chaos sim --seed N [--plant NAME]
  --seeds    which seeds to live through (default 1..2000)
  --plant    all (default): first find every planted fault; none: only the program as it is; a name: only that fault
  --threads  default: one for each core
  --seed     one seed alone: prints its trace
  planted:   ${PLANTS.map(({ name }) => name).join(', ')}
`;
const OPTIONS = { seeds: { type: 'string' }, seed: { type: 'string' }, plant: { type: 'string' }, threads: { type: 'string' }, help: { type: 'boolean' } } as const;
const SEEDS_DEFAULT = '1..2000';
const USAGE_EXIT = 64;
/** A planted fault that so many seeds do not show is one that the simulation cannot see. */
const PLANT_SEEDS_MAX = 500;
const TOLD_MAX = 20;

type Asked = { readonly first: number; readonly last: number; readonly plants: readonly string[]; readonly isClean: boolean; readonly threads: number };
type Found = { readonly [plant: string]: { readonly seed: number; readonly by: string } | null };

/** The simulation: planted faults first, then the program as it is. Answers the exit code. */
export async function runSim(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const plant = values.plant ?? (values.seed === undefined ? 'all' : 'none');
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(values.seeds ?? SEEDS_DEFAULT) ?? [];
  const named = [noPlant, ...PLANTS].find(({ name }) => name === plant);
  const isUsable = first !== undefined && (named !== undefined || (plant === 'all' && values.seed === undefined)) && /^\d*$/.test(values.seed ?? '');
  if (values.help === true || !isUsable) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : USAGE_EXIT;
  }
  if (values.seed !== undefined) return replay(Number(values.seed), named ?? noPlant);
  const plants = plant === 'all' ? PLANTS.map(({ name }) => name) : plant === 'none' ? [] : [plant];
  const threads = Math.max(1, Number(values.threads ?? availableParallelism()));
  return batch({ first: Number(first), last: Number(last), plants, isClean: named === undefined || named === noPlant, threads });
}

async function replay(seed: number, plant: typeof noPlant): Promise<number> {
  const { outcome, trace } = await runSeed(seed, plant);
  for (const line of trace) process.stdout.write(`${line}\n`);
  const { breaches, traceDigest, acknowledged, counts, lives } = outcome;
  for (const { code, where, detail } of breaches) process.stdout.write(`violation: ${code} ${where}: ${detail}\n`);
  process.stdout.write(`sim: seed ${seed}, ${acknowledged} acknowledged, ${counts.runs} runs, ${lives} starts, trace ${traceDigest}, ${breaches.length} violations\n`);
  return breaches.length === 0 ? 0 : 1;
}

async function batch(asked: Asked): Promise<number> {
  const from = performance.now();
  const found = await findPlanted(asked);
  const figures = new SimFigures();
  const violations = Object.entries(found).flatMap(([name, by]) => (by === null ? [`planted fault ${name} was not found in ${PLANT_SEEDS_MAX} seeds`] : []));
  const cleanFrom = performance.now();
  if (asked.isClean) {
    violations.push(...(await liveThrough(asked, figures)));
    violations.push(...figures.missed());
  }
  const seconds = (performance.now() - from) / 1_000;
  const seedsPerSecond = figures.seeds / Math.max(0.001, (performance.now() - cleanFrom) / 1_000);
  const result = resultOf(asked, figures, found, { seconds, seedsPerSecond, violations });
  tell(result, figures, found);
  return exitCodeOf(result);
}

async function findPlanted({ plants, threads }: Asked): Promise<Found> {
  const found: Record<string, { readonly seed: number; readonly by: string } | null> = Object.fromEntries(plants.map((name) => [name, null]));
  const seeds = Object.fromEntries(plants.map((name) => [name, 0]));
  const next = (): { readonly seed: number; readonly plant: string } | undefined => {
    const open = plants.find((name) => found[name] === null && (seeds[name] ?? 0) < PLANT_SEEDS_MAX);
    if (open === undefined) return undefined;
    seeds[open] = (seeds[open] ?? 0) + 1;
    return { seed: seeds[open], plant: open };
  };
  await runSeeds(threads, next, ({ seed, plant }, { breaches }) => {
    const shows = PLANTS.find(({ name }) => name === plant)?.shows ?? [];
    const breach = breaches.find(({ code }) => shows.includes(code));
    const before = found[plant];
    // of two threads the slower one may have had the lower seed
    if (breach !== undefined && (before === null || before === undefined || seed < before.seed)) found[plant] = { seed, by: breach.code };
  });
  for (const [name, by] of Object.entries(found)) process.stdout.write(`planted ${name}: ${by === null ? 'NOT FOUND' : `found by seed ${by.seed}, as ${by.by}`}\n`);
  return found;
}

async function liveThrough({ first, last, threads }: Asked, figures: SimFigures): Promise<readonly string[]> {
  let seed = first;
  const broken: SeedOutcome[] = [];
  await runSeeds(threads, () => (seed > last ? undefined : { seed: seed++, plant: noPlant.name }), (_task, outcome) => {
    figures.add(outcome);
    if (outcome.breaches.length > 0) broken.push(outcome);
  });
  return broken
    .sort((a, b) => a.seed - b.seed)
    .flatMap(({ seed: of, breaches }) => breaches.map(({ code, where, detail }) => `seed ${of}: ${code} ${where}: ${detail} (./maestro chaos sim --seed ${of})`));
}

function resultOf({ first, last }: Asked, figures: SimFigures, planted: Found, { seconds, seedsPerSecond, violations }: { readonly seconds: number; readonly seedsPerSecond: number; readonly violations: readonly string[] }): HarnessResult {
  const { faults, verdicts, floors, simulatedHours, simulatedMs: _, ...sums } = figures;
  const found = { ...sums, seedsPerSecond, simulatedHours, verdicts: Object.fromEntries(verdicts), faults: Object.fromEntries([...faults].sort()), planted };
  return { harness: 'sim', seed: `${first}..${last}`, seconds, figures: found, floors: { ...floors, planted: Object.keys(planted).length }, violations };
}

function tell(result: HarnessResult, figures: SimFigures, found: Found): void {
  const { seconds, violations } = result;
  process.stdout.write(`faults: ${[...figures.faults].sort().map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`);
  process.stdout.write(`runs: ${[...figures.verdicts].sort().map(([verdict, count]) => `${verdict} ${count}`).join(', ')}; ${figures.lives} starts, ${figures.noticedLosses} lost ends of a log noticed\n`);
  for (const violation of violations.slice(0, TOLD_MAX)) process.stdout.write(`violation: ${violation}\n`);
  if (violations.length > TOLD_MAX) process.stdout.write(`… and ${violations.length - TOLD_MAX} more\n`);
  process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  const planted = Object.values(found);
  process.stdout.write(
    `sim: seeds ${result.seed}, ${Number(result.figures['seedsPerSecond']).toFixed(1)} seeds/s, ${figures.simulatedHours.toFixed(0)} simulated hours in ${seconds.toFixed(0)} s, ` +
      `${figures.acknowledged} acknowledged, ${figures.faultCount} faults, ${planted.filter((by) => by !== null).length} of ${planted.length} planted found, ${violations.length} violations\n`,
  );
}
