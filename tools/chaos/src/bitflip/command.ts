import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import { seededRandom } from '../seeded-random.ts';
import { bitflipResult, countsOf, linesOf } from './bitflip-result.ts';
import type { Judged } from './bitflip-result.ts';
import { chooseFlips, sharesOf } from './choose-flips.ts';
import type { Flip } from './choose-flips.ts';
import { askDoctor } from './doctor-cases.ts';
import type { DoctorCase } from './doctor-cases.ts';
import { FILE_KINDS, filesOf } from './file-kinds.ts';
import type { Sources } from './flip-bench.ts';
import { FlipProcess } from './flip-process.ts';
import { readPlanOf } from './read-plan.ts';
import { makeSoundFolders } from './sound-folder.ts';

const USAGE = `usage: ./maestro chaos bitflip [--flips N] [--seed S] [--jobs N] [--runs N] [--doctor N] [--only KIND]
  --flips   bits to flip, over all kinds of files (default 1200)
  --seed    what is flipped (default: the time)
  --jobs    processes at once (default 2)
  --runs    runs in the history (default 16)
  --doctor  damaged folders of each kind that the doctor is shown (default 1)
  --only    one kind of file, by its name in the output
`;
const OPTIONS = { flips: { type: 'string' }, seed: { type: 'string' }, jobs: { type: 'string' }, runs: { type: 'string' }, doctor: { type: 'string' }, only: { type: 'string' }, help: { type: 'boolean' } } as const;
const BUNDLES = fileURLToPath(new URL('../../../../policy/bundles', import.meta.url));
/** Violations that are shown; the result has all. */
const SHOWN = 40;
const EVENTS_MIN = 200;

type Options = { readonly flips: number; readonly jobs: number; readonly runs: number; readonly doctor: number; readonly only: string | undefined; readonly seed: string };

/** Flips single bits of everything that a conductor stores or ships, each in a copy of its own. Answers the exit code. */
export async function runBitflip(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const options: Options = {
    flips: Number(values.flips ?? 1_200),
    jobs: Number(values.jobs ?? 2),
    runs: Number(values.runs ?? 16),
    doctor: Number(values.doctor ?? 1),
    only: values.only,
    seed: values.seed ?? String(Date.now()),
  };
  if (values.help === true || !(options.flips >= 1 && options.jobs >= 1 && options.runs >= 1 && options.doctor >= 0)) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : 64;
  }
  process.stdout.write(`seed ${options.seed}\n`);
  const place = mkdtempSync(join(tmpdir(), 'maestro-bitflip-'));
  try {
    return await flipIn(place, options);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function flipIn(place: string, options: Options): Promise<number> {
  const from = performance.now();
  const { seed, flips, only } = options;
  const sources = await makeSources(place, options);
  const kinds = FILE_KINDS.filter(({ name }) => only === undefined || name === only);
  const shares = sharesOf(kinds, flips);
  const chosen = kinds.flatMap((kind, i) => chooseFlips(kind, filesOf(kind, sources.folders[kind.place]), shares[i] ?? 0, seededRandom(`${seed}/${kind.name}`), sources.plan.dataKeys));
  const judged = await flipAll(chosen, sources, place, options);
  const doctored = await showDoctor(judged, sources, place, options);
  const isWhole = only === undefined;
  const floors = { flipsMin: flips, detectedMin: Math.floor(flips / 2), eventsMin: EVENTS_MIN, doctoredMin: isWhole ? options.doctor * 8 : 0, repairedMin: isWhole ? options.doctor * 2 : 0 };
  const result = bitflipResult({ seed, seconds: (performance.now() - from) / 1_000, eventCount: sources.plan.eventCount, judged, doctored, floors: isWhole ? floors : { ...floors, detectedMin: 0, eventsMin: 0 } });
  for (const line of linesOf(result)) process.stdout.write(`${line}\n`);
  for (const violation of result.violations.slice(0, SHOWN)) process.stdout.write(`violation: ${violation}\n`);
  process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  const { detected, alteredNothing, undetected } = countsOf(judged);
  const { repairedByDoctor } = result.figures;
  process.stdout.write(`history of ${sources.plan.eventCount} events; the doctor was shown ${doctored.length} damaged folders, repaired ${repairedByDoctor}, and named what needs a backup in the others\n`);
  process.stdout.write(`bitflip: ${judged.length} flips in ${result.seconds} s, ${detected} detected and named, ${alteredNothing} altered nothing, ${undetected} undetected, ${result.violations.length} violations\n`);
  return exitCodeOf(result);
}

async function makeSources(place: string, { runs, seed }: Options): Promise<Sources> {
  const { closed, killed } = await makeSoundFolders(place, runs, seededRandom(`${seed}/ports`));
  const [shipped, planned] = [join(place, 'shipped'), join(place, 'planned')];
  cpSync(BUNDLES, shipped, { recursive: true });
  cpSync(closed, planned, { recursive: true });
  return { folders: { closed, killed, shipped }, plan: await readPlanOf(planned) };
}

/** Every flip once, `jobs` at a time; in the order of their ends. */
async function flipAll(flips: readonly Flip[], sources: Sources, place: string, { jobs }: Options): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  let next = 0;
  const lane = async (name: string): Promise<void> => {
    const bench = new FlipProcess(sources, join(place, 'work', name));
    try {
      for (let flip = flips[next++]; flip !== undefined; flip = flips[next++]) judged.push({ flip, verdict: await bench.flip(flip) });
    } finally {
      bench.end();
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, i) => lane(String(i))));
  return judged;
}

/** Some of the flips that were detected, of every kind that lies in the data folder. */
async function showDoctor(judged: readonly Judged[], sources: Sources, place: string, { doctor, jobs, seed }: Options): Promise<readonly DoctorCase[]> {
  const shown = FILE_KINDS.filter((kind) => kind.place !== 'shipped').flatMap(({ name }) => judged.filter(({ flip, verdict }) => flip.kind === name && verdict.kind === 'detected').slice(0, doctor));
  const cases: DoctorCase[] = [];
  let next = 0;
  const lane = async (name: string): Promise<void> => {
    const folder = join(place, 'doctor', name);
    mkdirSync(folder, { recursive: true });
    for (let one = shown[next++]; one !== undefined; one = shown[next++]) cases.push(await askDoctor(one.flip, sources, folder, seededRandom(`${seed}/doctor/${name}`)));
  };
  await Promise.all(Array.from({ length: Math.min(jobs, 2) }, (_, i) => lane(String(i))));
  return cases;
}
