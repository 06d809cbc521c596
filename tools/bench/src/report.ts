import type { Machine } from './machine.ts';
import type { Measured } from './measure.ts';
import { summarise } from './statistics.ts';
import { FAIRNESS, NOT_MEASURED, WORKLOADS } from './workloads.ts';

/** The whole result; its JSON is what `--json` writes. */
export type BenchReport = {
  readonly schema: 'bench.v1';
  readonly at: string;
  readonly profile: string;
  readonly machine: Machine;
  readonly measured: readonly Measured[];
  readonly appends: readonly AppendFigures[];
  readonly notMeasured: readonly string[];
};

/** Events appended to the store alone. */
export type AppendFigures = { readonly streams: number; readonly events: number; readonly eventsPerSecond: number; readonly p50Ms: number; readonly p99Ms: number };

type Column = { readonly head: string; readonly of: (one: Measured) => string };

const COLUMNS: readonly Column[] = [
  { head: '', of: ({ workload }) => workload },
  { head: '', of: ({ target }) => target },
  { head: 'runs', of: ({ runs }) => String(runs) },
  { head: 'warm-up', of: ({ warmUpRuns }) => String(warmUpRuns) },
  { head: 'p50 ms', of: ({ latencyMs }) => ms(latencyMs?.p50) },
  { head: 'p95', of: ({ latencyMs }) => ms(latencyMs?.p95) },
  { head: 'p99', of: ({ latencyMs }) => ms(latencyMs?.p99) },
  { head: 'max', of: ({ latencyMs }) => ms(latencyMs?.max) },
  { head: 'runs/s', of: ({ runsPerSecond }) => whole(runsPerSecond) },
  { head: 'sealed/s', of: ({ sealedRunsPerSecond }) => whole(sealedRunsPerSecond) },
  { head: 'steps/s', of: ({ stepsPerSecond }) => whole(stepsPerSecond) },
  { head: 'seal p95', of: ({ sealMs }) => ms(sealMs?.p95) },
  { head: 'cpu ms/run', of: ({ cpuMsPerRun }) => ms(cpuMsPerRun) },
  { head: 'KiB/run', of: ({ writtenBytesPerRun }) => whole(writtenBytesPerRun === null ? null : writtenBytesPerRun / 1_024) },
  { head: 'RSS MiB', of: ({ rssBytes }) => whole(rssBytes === null ? null : rssBytes / 1_048_576) },
  { head: 'loop p99', of: ({ loopDelayP99Ms }) => ms(loopDelayP99Ms) },
  { head: 'verified', of: ({ verified }) => String(verified) },
];

/** The result as text: what it was measured on, one row a workload and target, what is not in it. */
export function renderReport({ profile, machine, measured, appends }: BenchReport): string {
  const rows = [COLUMNS.map(({ head }) => head), ...measured.map((one) => COLUMNS.map(({ of }) => of(one)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ').trimEnd());
  const shown = WORKLOADS.filter(({ id }) => measured.some(({ workload }) => workload === id));
  return [
    ...describe(machine, profile),
    '',
    ...table,
    ...fairness(measured),
    ...appends.map(({ streams, events, eventsPerSecond, p50Ms, p99Ms }) => `E     store alone, ${streams} ${streams === 1 ? 'stream' : 'streams'}: ${events} events, ${whole(eventsPerSecond)} events/s, append p50 ${ms(p50Ms)} ms, p99 ${ms(p99Ms)} ms`),
    '',
    ...shown.map(({ id, says }) => `${id.padEnd(5)} ${says}`),
    'Every run has its policy decision, its synced history and its signed receipt; runs/s is until the last run has ended,',
    'sealed/s until the last receipt is signed. Warm-up runs are in no other column. engine: in this process, no HTTP;',
    'rest: a conductor process, cluster: all processes of one, started over REST and followed as server-sent events. Compare',
    'ratios within one table. Of a cluster, processor time and bytes are those of all processes, memory that of the largest role.',
    'Not measured:',
    ...NOT_MEASURED.map((line) => `  - ${line}`),
    '',
  ].join('\n');
}

/** What a wide run costs the small ones beside it, where both were measured. */
function fairness(measured: readonly Measured[]): readonly string[] {
  return [...Map.groupBy(measured, ({ target }) => target)].flatMap(([target, own]) => {
    const of = (id: string): readonly Measured[] => own.filter(({ workload }) => workload === id);
    const [alone, beside] = [medianP99(of(FAIRNESS.alone)), medianP99(of(FAIRNESS.beside))];
    if (alone === undefined || beside === undefined) return [];
    const wideRuns = of(FAIRNESS.beside).reduce((sum, { besideRuns }) => sum + besideRuns, 0);
    return [`fairness, ${target}: p99 of small runs ${ms(alone)} ms alone, ${ms(beside)} ms beside ${wideRuns} runs of 1,000 tasks: × ${(beside / alone).toFixed(2)} (bar: × ${FAIRNESS.ratioMax}; medians of ${of(FAIRNESS.beside).length} rounds)`];
  });
}

function medianP99(measured: readonly Measured[]): number | undefined {
  return summarise(measured.flatMap(({ latencyMs }) => latencyMs?.p99 ?? []))?.p50;
}

function describe(machine: Machine, profile: string): readonly string[] {
  const { cpuCount, cpuModel, memoryBytes, kernel, node, commit, isDirty, loadAverage1m, fileSystem, fsyncP50Ms } = machine;
  return [
    `${cpuCount} × ${cpuModel}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, ${kernel}, Node ${node}, load ${loadAverage1m.toFixed(1)} at the start`,
    `commit ${commit}${isDirty ? ' with changes' : ''}, ${profile}; ${fileSystem}, 4 KiB written and synced: p50 ${ms(fsyncP50Ms)} ms`,
  ];
}

function ms(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  return value.toFixed(value < 10 ? 2 : 1);
}

function whole(value: number | null): string {
  return value === null ? '-' : String(Math.round(value));
}
