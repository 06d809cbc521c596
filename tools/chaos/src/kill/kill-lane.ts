import { join } from 'node:path';
import { ClientLoad, answerOf } from '../client-load.ts';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { eventually, inParallel, within } from '../eventually.ts';
import { checkHistory } from '../history-checker.ts';
import type { HistoryCounts } from '../history-checker.ts';
import type { Violation } from '../history/violation.ts';
import type { OutsideService } from '../outside-service.ts';
import type { Stall } from '../persistent-client.ts';
import { folderBytes, sampleProcess } from '../process-sample.ts';
import { RestClient, jsonOf } from '../rest-client.ts';
import { seededRandom } from '../seeded-random.ts';
import { storedEvents } from '../stored-events.ts';
import { WORKFLOWS, mixedWork } from './mixed-work.ts';

export const KILL_AFTER_MIN_MS = 50;
export const KILL_AFTER_MAX_MS = 1_000;
const IN_FLIGHT = 32;
const WIDTH = 8;
const GRACE_MS = 120_000;
const CHILD_GONE_MS = 10_000;
/** Kills that did not count, for each that must: a machine that is this slow cannot show what is asked for. */
const MISSES_PER_KILL = 3;

/** A line of progress for so many kills. */
const KILLS_TOLD = 25;

/** `upMs`: as it was. Counts if it was within the bounds and a command had been acknowledged since the start. */
export type Kill = { readonly upMs: number; readonly acknowledged: number; readonly openCount: number; readonly restartMs: number };

export type LanePlan = { readonly name: string; readonly seed: string; readonly kills: number; readonly acknowledgedMin: number; readonly dir: string; readonly outside: OutsideService; readonly say: (line: string) => void };

export type LaneResult = {
  readonly kills: readonly Kill[];
  /** too late, or before anything was acknowledged */
  readonly misses: number;
  readonly acknowledged: number;
  readonly acknowledgedUnderKills: number;
  readonly verbs: { readonly [verb: string]: number };
  readonly resent: number;
  readonly observed: number;
  readonly stall: Stall;
  readonly receiptsVerified: number;
  readonly counts: HistoryCounts;
  readonly dataBytesPerEvent: number;
  readonly filesAtFirst: number;
  readonly filesAtLast: number;
  readonly violations: readonly string[];
};

/**
 * One conductor on one data folder, killed over and over under mixed load.
 * L1. A kill is drawn 50–1,000 ms after ready; it waits for an acknowledgement since then, and counts only within the bounds.
 * L2. Clients are not told about kills: they send again until they are answered, and go on where they were.
 * L3. After the last kill everything that was begun ends, every acknowledged command is sent once more, every receipt is
 *     verified, the conductor ends by itself, and the history is checked from its files.
 */
export class KillLane {
  readonly #plan: LanePlan;
  readonly #dataDir: string;
  readonly #kills: Kill[] = [];
  #misses = 0;

  constructor(plan: LanePlan) {
    this.#plan = plan;
    this.#dataDir = join(plan.dir, plan.name);
  }

  async run(): Promise<LaneResult> {
    const { name, seed, acknowledgedMin, outside } = this.#plan;
    const random = seededRandom(`kill/${seed}/${name}`);
    const start = { dataDir: this.#dataDir, port: await freePort(random), flags: ['--allow-origin', outside.origin] };
    let conductor = await ConductorProcess.start(start);
    const client = new RestClient(conductor.url);
    const load = new ClientLoad(client, { inFlight: IN_FLIGHT, keyPrefix: `${name}-${seed}`, work: mixedWork(outside.origin) });
    try {
      for (const manifest of WORKFLOWS) {
        jsonOf(await client.saveDraft(manifest));
        jsonOf(await client.publish(manifest.name));
      }
      const filesAtFirst = sampleProcess(conductor.pid).files;
      load.start();
      conductor = await this.#killOften(conductor, start, load, random);
      const acknowledgedUnderKills = load.acknowledgedCommands.length;
      await within(() => `${name}: ${load.acknowledgedCommands.length} of ${acknowledgedMin} commands are acknowledged`, GRACE_MS, load.acknowledged(acknowledgedMin));
      await within(() => `${name}: ${load.openCount} acknowledged runs are still open`, GRACE_MS, load.finish());
      const filesAtLast = sampleProcess(conductor.pid).files;
      return await this.#judge({ conductor, client, load, filesAtFirst, filesAtLast, acknowledgedUnderKills });
    } finally {
      load.abandon();
      await client.close();
      conductor.clear();
    }
  }

  async #killOften(first: ConductorProcess, start: Parameters<typeof ConductorProcess.start>[0], load: ClientLoad, random: () => number): Promise<ConductorProcess> {
    const { name, kills } = this.#plan;
    let conductor = first;
    while (this.#kills.length < kills && this.#misses < kills * MISSES_PER_KILL) {
      const readyAt = performance.now();
      const before = load.acknowledgedCommands.length;
      const afterMs = KILL_AFTER_MIN_MS + random() * (KILL_AFTER_MAX_MS - KILL_AFTER_MIN_MS);
      await Promise.all([new Promise((resolve) => setTimeout(resolve, afterMs)), within(() => `${name}: nothing is acknowledged after kill ${this.#kills.length}`, GRACE_MS, load.acknowledged(before + 1))]);
      const openCount = load.openCount;
      const acknowledged = load.acknowledgedCommands.length - before;
      const upMs = performance.now() - readyAt;
      await conductor.kill();
      const dead = conductor;
      await eventually('the children of a killed conductor end', CHILD_GONE_MS, () => dead.descendants().length === 0);
      conductor = await ConductorProcess.start(start);
      if (upMs > KILL_AFTER_MAX_MS) this.#misses += 1;
      else this.#kills.push({ upMs: Math.round(upMs), acknowledged, openCount, restartMs: Math.round(conductor.readyAfterMs) });
      if (upMs <= KILL_AFTER_MAX_MS && this.#kills.length % KILLS_TOLD === 0) this.#plan.say(`${name}: ${this.#kills.length} of ${kills} kills, ${load.acknowledgedCommands.length} acknowledged`);
    }
    return conductor;
  }

  async #judge(end: { conductor: ConductorProcess; client: RestClient; load: ClientLoad; filesAtFirst: number; filesAtLast: number; acknowledgedUnderKills: number }): Promise<LaneResult> {
    const { conductor, client, load, filesAtFirst, filesAtLast, acknowledgedUnderKills } = end;
    const { acknowledgedCommands: sent, answers, observed } = load;
    const violations: string[] = [];
    const again = await inParallel(sent, WIDTH, (one) => load.repeat(one));
    sent.forEach((one, i) => {
      if (again[i]?.commandId !== one.commandId || again[i]?.executionId !== one.executionId) violations.push(`REPEATED_OTHERWISE ${one.path}: ${one.key} is answered otherwise when it is asked again`);
    });
    const verdicts = new Map(await inParallel(answers, WIDTH, async ({ executionId }) => [executionId, await verdictOf(client, executionId)] as const));
    const exitCode = await conductor.stop();
    if (exitCode !== 0) violations.push(`the conductor ended with ${exitCode}: ${conductor.said()}`);
    const commands = sent.filter(({ executionId }) => executionId === '');
    const claims = { answers: answers.map(answerOf), commands, observed, verdicts, isSettled: true, operationsMin: this.#plan.kills };
    const report = checkHistory(await storedEvents(join(this.#dataDir, 'events.db')), claims);
    violations.push(...report.violations.map(told));
    return {
      kills: this.#kills,
      misses: this.#misses,
      acknowledged: sent.length,
      acknowledgedUnderKills,
      verbs: countBy(sent, ({ path }) => verbOf(path)),
      resent: load.resentCount,
      observed: observed.length,
      stall: load.stall,
      receiptsVerified: [...verdicts.values()].filter((verdict) => verdict === 'VERIFIED').length,
      counts: report.counts,
      dataBytesPerEvent: Math.round(folderBytes(this.#dataDir) / report.counts.events),
      filesAtFirst,
      filesAtLast,
      violations,
    };
  }
}

/** Waits until the receipt is there, then lets the conductor verify it. */
async function verdictOf(client: RestClient, executionId: string): Promise<string> {
  const path = `/api/executions/${executionId}`;
  await eventually(`the receipt of ${executionId}`, GRACE_MS, async () => (await client.get(`${path}/receipt`)).status === 200);
  return jsonOf<{ verdict: string }>(await client.get(`${path}/verify`)).verdict;
}

function told({ code, where, detail }: Violation): string {
  return `${code} ${where}: ${detail}`;
}

/** What a command was, from its path: `start`, `save`, or its last segment. */
function verbOf(path: string): string {
  if (path === '/api/executions') return 'start';
  return path === '/api/workflows' ? 'save' : path.slice(path.lastIndexOf('/') + 1);
}

export function countBy<T>(items: readonly T[], nameOf: (item: T) => string): { readonly [name: string]: number } {
  const counts: Record<string, number> = {};
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1;
  return counts;
}
