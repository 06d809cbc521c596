import type { Finding } from './judge-folder.ts';
import { judgeRun } from './kill-sweep.ts';
import type { PointResult, SweepOptions } from './kill-sweep.ts';
import { inLanes } from './lanes.ts';
import { pointName } from './points.ts';
import type { Point } from './points.ts';
import type { Conduct, PreparedScenario } from './scenarios.ts';
import { SHAPES } from './shapes.ts';
import type { Shape } from './shapes.ts';
import type { DriverLine } from './store-driver.ts';
import { injectedCount } from './trace-calls.ts';
import { READING_CALLS } from './traced-run.ts';
import type { TracedRun } from './traced-run.ts';

export type Errno = 'ENOSPC' | 'EIO';

/** Failing calls of an outage. */
const OUTAGE_CALLS = 10;
/** Exit code of a driver. */
const REFUSED_TO_OPEN = 4;
/** A running store that refuses must say so within this. */
export const READ_ONLY_WITHIN_MS = 1_000;

export type ErrorResult = PointResult & {
  readonly shape: Shape;
  /** calls whose failure was made up */
  readonly injected: number;
  /** answers with a fault, by code */
  readonly faults: { readonly [code: string]: number };
  /** the longest a caller waited for the answer that nothing was written */
  readonly longestRefusalMs: number;
};

export type ErrorSweep = { readonly hit: readonly ErrorResult[]; readonly missed: readonly string[] };

const conductOf = (shape: Shape): Conduct =>
  shape === 'for-ever' ? { attemptsMax: 3, retryDelayMs: 2, end: 'die' } : { attemptsMax: 100, retryDelayMs: 2, end: 'close' };

function whenOf(shape: Shape, ordinal: number): string {
  if (shape === 'once') return String(ordinal);
  return shape === 'outage' ? `${ordinal}..${ordinal + OUTAGE_CALLS - 1}` : `${ordinal}+`;
}

/** Lets calls fail at point after point, in each shape in turn, and judges answers and what is left each time. */
export async function errorSweep(errno: Errno, o: SweepOptions & { readonly shape?: Shape }): Promise<ErrorSweep> {
  const hit: ErrorResult[] = [];
  const missed: string[] = [];
  let underWay = 0;
  const isEnough = (): boolean => hit.length + underWay >= o.countMax;
  await inLanes([...o.points.entries()], o.lanes, isEnough, async ([at, point]) => {
    const scenario = o.scenarios.get(point.scenario);
    if (scenario === undefined) throw new Error(`there is no scenario ${point.scenario}`);
    underWay += 1;
    const shape = o.shape ?? SHAPES[at % SHAPES.length] ?? 'once';
    const name = `${errno}:${shape}:${pointName(point)}`;
    const { syscall, path, ordinal } = point;
    const injection = { syscall, path, action: `error=${errno}`, when: whenOf(shape, ordinal) };
    const result = await o.workshop.run(scenario, injection, conductOf(shape), async (folder, run): Promise<ErrorResult | undefined> => {
      const injected = injectedCount(run.trace);
      if (injected === 0) return undefined;
      const judged = await judgeRun(scenario, folder, run, true);
      const findings = [...judged.findings, ...findingsOfAnswers(run, scenario, point, shape)];
      return { ...judged, findings, point, name, shape, injected, ...faultsOf(run.lines) };
    });
    underWay -= 1;
    if (result === undefined) return void missed.push(name);
    hit.push(result);
    o.onResult(result);
  });
  return { hit, missed };
}

function faultsOf(lines: readonly DriverLine[]): Pick<ErrorResult, 'faults' | 'longestRefusalMs'> {
  const faults: Record<string, number> = {};
  let longestRefusalMs = 0;
  for (const line of lines) {
    if (line[0] !== 'fault') continue;
    faults[line[2]] = (faults[line[2]] ?? 0) + 1;
    if (line[1] >= 0) longestRefusalMs = Math.max(longestRefusalMs, line[3]);
  }
  return { faults, longestRefusalMs };
}

const isReading = (syscall: string): boolean => READING_CALLS.some((name) => name === syscall);

/** What the driver was answered while the disk failed. */
function findingsOfAnswers(run: TracedRun, scenario: PreparedScenario, { syscall }: Point, shape: Shape): Finding[] {
  const findings: Finding[] = [];
  const appends = new Map(scenario.rounds.flat().flatMap((step) => (step.kind === 'append' ? [[step.index, step.at + 1] as const] : [])));
  const uncertain = new Set<number>();
  for (const line of run.lines) {
    if (line[0] === 'fault') {
      const [, index, code, tookMs, message] = line;
      if (code === 'STORE_OUTCOME_UNKNOWN') uncertain.add(index);
      // what cannot be read is told as damage, as far as a reader can tell
      const isRight =
        code === 'STORE_READ_ONLY' || (code === 'STORE_OUTCOME_UNKNOWN' && appends.has(index)) || (code === 'STORE_DAMAGED' && isReading(syscall));
      if (!isRight) findings.push({ code: 'WRONG_FAULT', detail: `${code}: ${message}` });
      if (index >= 0 && tookMs > READ_ONLY_WITHIN_MS) findings.push({ code: 'REFUSED_LATE', detail: `${tookMs} ms: ${message}` });
    } else if (line[0] === 'read') {
      const [, index, found] = line;
      const before = appends.get(index);
      // a reader that meets the failing call itself may fail, too
      const mayFail = isReading(syscall) || syscall === 'openat';
      if (typeof found === 'string' ? !mayFail : found !== before && !uncertain.has(index)) {
        findings.push({ code: 'READ_WRONG', detail: `after a refused append the stream has ${found} events, ${before} are acknowledged` });
      }
    }
  }
  // a store that refused to open is opened again by the judge: that is its resuming
  const isDone = run.exitCode === 0 || run.exitCode === REFUSED_TO_OPEN;
  if (shape !== 'for-ever' && !isDone) findings.push({ code: 'NOT_RESUMED', detail: `exit ${run.exitCode}; ${JSON.stringify(run.lines.at(-1))}; ${run.stderr.slice(0, 300)}` });
  if (shape === 'for-ever' && !run.isKilled) findings.push({ code: 'DIED_OTHERWISE', detail: `exit ${run.exitCode}; ${run.stderr.slice(0, 300)}` });
  return findings;
}
