import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import type { HarnessResult } from '../harness-result.ts';
import { seededRandom } from '../seeded-random.ts';
import { chooseFlips, sharesOf } from './choose-flips.ts';
import type { Flip } from './choose-flips.ts';
import { FILE_KINDS, filesOf } from './file-kinds.ts';
import type { Sources } from './flip-bench.ts';
import { FlipProcess } from './flip-process.ts';
import type { Verdict } from './judge.ts';
import { readPlanOf } from './read-plan.ts';
import { makeSoundFolders } from './sound-folder.ts';

const USAGE = `usage: ./maestro chaos bitflip [--flips N] [--seed S] [--jobs N] [--only KIND] [--runs N]
  --flips  bits to flip, over all kinds of files (default 1200)
  --seed   what is flipped (default: the time)
  --jobs   processes at once (default 2)
  --only   one kind of file
  --runs   runs in the history (default 24)
`;
const OPTIONS = { flips: { type: 'string' }, seed: { type: 'string' }, jobs: { type: 'string' }, only: { type: 'string' }, runs: { type: 'string' }, help: { type: 'boolean' } } as const;
const BUNDLES = fileURLToPath(new URL('../../../../policy/bundles', import.meta.url));

type Judged = { readonly flip: Flip; readonly verdict: Verdict };

/** Flips single bits of everything that a conductor stores or ships. Answers the exit code. */
export async function runBitflip(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const [flips, jobs, runs] = [Number(values.flips ?? 1_200), Number(values.jobs ?? 2), Number(values.runs ?? 24)];
  if (values.help === true || !(flips >= 1 && jobs >= 1 && runs >= 1)) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : 64;
  }
  const seed = values.seed ?? String(Date.now());
  process.stdout.write(`seed ${seed}\n`);
  const place = mkdtempSync(join(tmpdir(), 'maestro-bitflip-'));
  const from = performance.now();
  try {
    const sources = await makeSources(place, runs, seed);
    const kinds = FILE_KINDS.filter(({ name }) => values.only === undefined || name === values.only);
    const shares = sharesOf(kinds, flips);
    const chosen = kinds.flatMap((kind, i) => chooseFlips(kind, filesOf(kind, sources.folders[kind.place]), shares[i] ?? 0, seededRandom(`${seed}/${kind.name}`)));
    const judged = await flipAll(chosen, sources, join(place, 'work'), jobs);
    const result = resultOf(judged, seed, (performance.now() - from) / 1_000);
    for (const violation of result.violations) process.stdout.write(`violation: ${violation}\n`);
    process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
    const count = (kind: Verdict['kind']): number => judged.filter(({ verdict }) => verdict.kind === kind).length;
    process.stdout.write(`bitflip: ${judged.length} flips, ${count('detected')} detected and named, ${count('same')} altered nothing, ${result.violations.length} violations\n`);
    return exitCodeOf(result);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function makeSources(place: string, runs: number, seed: string): Promise<Sources> {
  const { closed, killed } = await makeSoundFolders(place, runs, seededRandom(`${seed}/ports`));
  const [shipped, planned] = [join(place, 'shipped'), join(place, 'planned')];
  cpSync(BUNDLES, shipped, { recursive: true });
  cpSync(closed, planned, { recursive: true });
  return { folders: { closed, killed, shipped }, plan: await readPlanOf(planned) };
}

async function flipAll(flips: readonly Flip[], sources: Sources, work: string, jobs: number): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  let next = 0;
  const lane = async (name: string): Promise<void> => {
    const bench = new FlipProcess(sources, join(work, name));
    for (let flip = flips[next++]; flip !== undefined; flip = flips[next++]) judged.push({ flip, verdict: await bench.flip(flip) });
    bench.end();
  };
  await Promise.all(Array.from({ length: jobs }, (_, i) => lane(String(i))));
  return judged;
}

function resultOf(judged: readonly Judged[], seed: string, seconds: number): HarnessResult {
  const figures: Record<string, unknown> = {};
  const violations: string[] = [];
  for (const kind of FILE_KINDS) {
    const own = judged.filter(({ flip }) => flip.kind === kind.name);
    const count = (...kinds: readonly Verdict['kind'][]): number => own.filter(({ verdict }) => kinds.includes(verdict.kind)).length;
    figures[kind.name] = { flips: own.length, detected: count('detected'), alteredNothing: count('same'), undetected: count('served'), unnamed: count('unnamed', 'uncoded') };
    process.stdout.write(`${kind.name.padEnd(24)} ${String(own.length).padStart(5)} flips, ${String(count('detected')).padStart(5)} detected, ${String(count('same')).padStart(5)} altered nothing, ${count('served')} undetected, ${count('unnamed', 'uncoded')} without name or code\n`);
    for (const { flip, verdict } of own) if (!['same', 'detected'].includes(verdict.kind)) violations.push(`${kind.name}: ${verdict.kind}: ${flip.path} offset ${flip.offset} bit ${flip.bit}: ${verdict.question}: ${verdict.detail.slice(0, 200)}`);
  }
  return { harness: 'bitflip', seed, seconds: Math.round(seconds), figures, floors: { undetectedMax: 0 }, violations };
}
