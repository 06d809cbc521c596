import { judgeFolder } from './judge-folder.ts';
import type { Finding, Judgement } from './judge-folder.ts';
import { inLanes } from './lanes.ts';
import { pointName } from './points.ts';
import type { Point } from './points.ts';
import type { PreparedScenario, Workshop } from './scenarios.ts';
import { stepStates } from './step-states.ts';
import { callsOf, countPerThread } from './trace-calls.ts';
import type { TracedRun } from './traced-run.ts';

/** What became of one point. */
export type PointResult = Judgement & { readonly point: Point; readonly name: string };

export type KillSweep = {
  /** points at which the process really died */
  readonly died: readonly PointResult[];
  /** points that were not reached this time, or ended otherwise: they count for nothing */
  readonly missed: readonly string[];
};

export type SweepOptions = {
  readonly workshop: Workshop;
  readonly scenarios: ReadonlyMap<string, PreparedScenario>;
  /** in the order in which they are tried */
  readonly points: readonly Point[];
  readonly countMax: number;
  readonly lanes: number;
  readonly onResult: (result: PointResult) => void;
};

/** Kills the process at point after point, and judges what is left each time. */
export async function killSweep(o: SweepOptions): Promise<KillSweep> {
  const died: PointResult[] = [];
  const missed: string[] = [];
  let underWay = 0;
  const isEnough = (): boolean => died.length + underWay >= o.countMax;
  await inLanes(o.points, o.lanes, isEnough, async (point) => {
    const scenario = o.scenarios.get(point.scenario);
    if (scenario === undefined) throw new Error(`there is no scenario ${point.scenario}`);
    underWay += 1;
    const { syscall, path, ordinal } = point;
    const injection = { syscall, path, action: 'kill', when: String(ordinal) };
    const judged = await o.workshop.run(scenario, injection, { attemptsMax: 1, retryDelayMs: 1, end: 'close' }, async (folder, run) =>
      diedThere(run, point, folder) ? judgeRun(scenario, folder, run) : undefined,
    );
    underWay -= 1;
    const name = `kill:${pointName(point)}`;
    if (judged === undefined) return void missed.push(name);
    const result = { ...judged, point, name };
    died.push(result);
    o.onResult(result);
  });
  return { died, missed };
}

/** Ended by SIGKILL, as a thread began the call for the nth time: no other end counts. */
function diedThere(run: TracedRun, { ordinal }: Point, folder: string): boolean {
  const most = Math.max(0, ...countPerThread(callsOf(run.trace, folder)).values());
  return run.isKilled && most === ordinal;
}

/** Judges a folder against everything that was told, before this run and in it. A fault that nobody injected is a finding. */
export async function judgeRun(scenario: PreparedScenario, folder: string, run: TracedRun, faultsAreExpected = false): Promise<Judgement> {
  const rounds = [...(scenario.before?.rounds ?? []), ...scenario.rounds];
  const judged = await judgeFolder(folder, stepStates(rounds, [...scenario.linesBefore, ...run.lines]), scenario.hasEvents);
  const strange: Finding[] = faultsAreExpected
    ? []
    : run.lines.flatMap((line) => (line[0] === 'fault' ? [{ code: 'FAULT_UNASKED', detail: `${line[2]} ${line[4]}` }] : []));
  return { ...judged, findings: [...judged.findings, ...strange] };
}
