import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureAppends } from './append-rate.ts';
import { EngineTarget } from './engine-target.ts';
import { describeMachine } from './machine.ts';
import { measure } from './measure.ts';
import type { Effort, Measured } from './measure.ts';
import { renderReport } from './report.ts';
import type { AppendFigures, BenchReport } from './report.ts';
import { RestTarget } from './rest-target.ts';
import { CLUSTER_PROFILE, serveCluster } from './served-cluster.ts';
import { serveConductor } from './served-conductor.ts';
import type { Target } from './target.ts';
import { FAIRNESS, NOT_MEASURED, QUICK, WORKLOADS } from './workloads.ts';
import type { Workload } from './workloads.ts';

const USAGE = `usage: bench [--quick] [--only W1,C10] [--engine | --rest | --cluster] [--seconds N] [--json FILE] [--data DIR]
  --quick     ${QUICK.join(', ')} in less than a minute
  --only      these workloads: ${WORKLOADS.map(({ id }) => id).join(', ')}, E (the store alone), fairness (${FAIRNESS.alone} and ${FAIRNESS.beside})
  --engine    only in this process; --rest: only a conductor over REST; default: both
  --cluster   instead of them a local cluster of real servers over REST: nats-server, Postgres, versitygw, a process of each role
  --seconds   how long each workload is measured (default 10; with --quick 4)
  --json      writes the result there, too
  --data      a folder on the disk to be measured; default: .cache/bench of the repository
`;

const OPTIONS = {
  quick: { type: 'boolean' },
  only: { type: 'string' },
  engine: { type: 'boolean' },
  rest: { type: 'boolean' },
  cluster: { type: 'boolean' },
  seconds: { type: 'string' },
  json: { type: 'string' },
  data: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const APPENDS = 'E';
const APPEND_STREAMS = [1, 64] as const;
/** Samples below this say nothing about a median. */
const RUNS_MIN = 5;
const EMBEDDED_PROFILE = 'embedded profile (sqlite, WAL, synchronous=full; folder evidence; queue in memory)';
const root = fileURLToPath(new URL('../../../', import.meta.url));

export type BenchOptions = {
  readonly workloads: readonly Workload[];
  readonly measuresAppends: boolean;
  readonly targets: readonly Target['name'][];
  readonly effort: Effort;
  readonly dataDir: string;
};

type Parsed = { readonly kind: 'run'; readonly options: BenchOptions; readonly jsonFile: string | undefined } | { readonly kind: 'say'; readonly text: string; readonly exitCode: number };

/** The benchmark as a command; progress goes to standard error, the table to standard output. Answers the exit code. */
export async function runBench(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed.kind === 'say') {
    process.stdout.write(parsed.text);
    return parsed.exitCode;
  }
  const report = await bench(parsed.options, (text) => process.stderr.write(`bench: ${text}\n`));
  process.stdout.write(renderReport(report));
  if (parsed.jsonFile !== undefined) writeFileSync(parsed.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  return 0;
}

/** Measures in a folder of its own below `dataDir`, which is removed after. Each target has one data folder for all workloads. */
export async function bench({ workloads, measuresAppends, targets, effort, dataDir }: BenchOptions, say: (text: string) => void): Promise<BenchReport> {
  mkdirSync(dataDir, { recursive: true });
  const dir = mkdtempSync(join(dataDir, 'run-'));
  try {
    const machine = describeMachine(dir);
    const measured: Measured[] = [];
    for (const name of workloads.length === 0 ? [] : targets) {
      const target = await open(name, folder(dir, name), say);
      try {
        for (const workload of inRounds(workloads)) {
          say(`${workload.id} ${name}`);
          measured.push(await measure(target, workload, effort));
        }
      } finally {
        await target.close();
      }
    }
    const appends: AppendFigures[] = [];
    for (const streams of measuresAppends ? APPEND_STREAMS : []) appends.push(await measureAppends(folder(dir, 'appends'), streams, effort.measureMs));
    const order = (one: Measured): number => workloads.findIndex(({ id }) => id === one.workload);
    measured.sort((a, b) => order(a) - order(b));
    const profile = targets.includes('cluster') ? CLUSTER_PROFILE : EMBEDDED_PROFILE;
    return { schema: 'bench.v1', at: new Date().toISOString(), profile, machine, measured, appends, notMeasured: NOT_MEASURED };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function open(name: Target['name'], dataDir: string, say: (text: string) => void): Promise<Target> {
  if (name === 'engine') return EngineTarget.open(dataDir);
  return (name === 'rest' ? serveConductor(dataDir) : serveCluster(dataDir, say)).then((served) => new RestTarget(served));
}

/** The pair that is compared is measured in turn. */
function inRounds(workloads: readonly Workload[]): readonly Workload[] {
  const isPart = ({ id }: Workload): boolean => id === FAIRNESS.alone || id === FAIRNESS.beside;
  const pair = workloads.filter(isPart);
  const rounds = pair.length < 2 ? 1 : FAIRNESS.rounds;
  return [...workloads.filter((one) => !isPart(one)), ...Array.from({ length: rounds }, () => pair).flat()];
}

function folder(dir: string, name: string): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

function parse(args: readonly string[]): Parsed {
  let values: ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS, strict: true }));
  } catch (error) {
    return { kind: 'say', text: `${(error as Error).message}\n${USAGE}`, exitCode: 64 };
  }
  const { quick = false, engine = false, rest = false, cluster = false, help = false } = values;
  if (help) return { kind: 'say', text: USAGE, exitCode: 0 };
  const wanted = values.only?.split(',').flatMap((id) => (id === 'fairness' ? [FAIRNESS.alone, FAIRNESS.beside] : [id])) ?? (quick ? QUICK : [...WORKLOADS.map(({ id }) => id), APPENDS]);
  const unknown = wanted.filter((id) => id !== APPENDS && !WORKLOADS.some((workload) => workload.id === id));
  const seconds = Number(values.seconds ?? (quick ? 4 : 10));
  if (unknown.length > 0 || !(seconds > 0 && seconds <= 3_600)) {
    return { kind: 'say', text: `${unknown.length > 0 ? `no workload ${unknown.join(', ')}` : '--seconds takes a number up to 3600'}\n${USAGE}`, exitCode: 64 };
  }
  const options: BenchOptions = {
    workloads: WORKLOADS.filter(({ id }) => wanted.includes(id)),
    // the store that is measured alone is the embedded one
    measuresAppends: wanted.includes(APPENDS) && !cluster,
    targets: targetsOf({ engine, rest, cluster }),
    effort: { warmUpMs: seconds * 250, measureMs: seconds * 1_000, runsMin: RUNS_MIN },
    dataDir: resolve(values.data ?? join(root, '.cache', 'bench')),
  };
  return { kind: 'run', options, jsonFile: values.json };
}

/** Both embedded ones unless one is named. A cluster has its machine for itself. */
function targetsOf({ engine, rest, cluster }: { readonly engine: boolean; readonly rest: boolean; readonly cluster: boolean }): readonly Target['name'][] {
  if (cluster) return ['cluster'];
  if (engine === rest) return ['engine', 'rest'];
  return engine ? ['engine'] : ['rest'];
}
