import { ClientLoad } from '../client-load.ts';
import { within } from '../eventually.ts';
import { mixedWork } from '../kill/mixed-work.ts';
import { textOfStall } from '../persistent-client.ts';
import { seededRandom } from '../seeded-random.ts';
import type { ApiClients } from './api-clients.ts';
import type { ClusterSite } from './cluster-site.ts';
import { judge } from './judge.ts';
import { isOverNats } from './nats-calls.ts';
import type { Round, Scenario, Surroundings } from './scenario.ts';

export type RunOptions = {
  readonly seed: string;
  readonly isFull: boolean;
  /** clients at work at once; each has one run in flight */
  readonly inFlight: number;
  /** of the service outside that tasks ask */
  readonly origin: string;
  readonly tell: (line: string) => void;
  readonly rowEnded: (row: RowResult) => void;
};

/** What one row came to. */
export type RowResult = {
  readonly name: string;
  readonly fault: string;
  readonly count: number;
  readonly floor: number;
  /** commands that were acknowledged while it went on */
  readonly acknowledged: number;
  /** the longest wait for an answer that ended while it went on */
  readonly stallMs: number;
  /** what was asked for, and what was tried in vain meanwhile */
  readonly stallOf: string;
  readonly seconds: number;
};

/** What the rows of one round came to together. */
export type RoundResult = {
  readonly rows: readonly RowResult[];
  readonly acknowledged: number;
  /** of them, by the client library over NATS, not over REST */
  readonly overNats: number;
  readonly resent: number;
  readonly runs: number;
  readonly receiptsVerified: number;
  /** from the last fault until everything that was begun had ended */
  readonly healMs: number;
  readonly judgeMs: number;
  readonly seconds: number;
  readonly violations: readonly string[];
};

/** Commands that are acknowledged before the first fault, and after each row: a cluster that does nothing shows nothing. */
const WARM = 20;
const GRACE_MS = 180_000;

/**
 * Some faults on a cluster that works.
 * R1. Clients work before, during and after; they are told of nothing, and send again until they are answered.
 * R2. Then no new work begins, what was begun ends, and the judge compares.
 * R3. Whatever goes wrong is a violation of this round: the others still run.
 */
export async function runRound(site: ClusterSite, clients: ApiClients, round: Round, before: ClientLoad[], o: RunOptions): Promise<RoundResult> {
  const began = performance.now();
  const name = round.rows.map((row) => row.name).join(', ');
  const keyPrefix = `${round.rows[0]?.name ?? ''}-${o.seed}`;
  const load = new ClientLoad(clients, { inFlight: o.inFlight, keyPrefix, work: mixedWork(o.origin, `${round.rows[0]?.name ?? ''}-`) });
  const found: string[] = [];
  const rows: RowResult[] = [];
  const figures = { receiptsVerified: 0, healMs: 0, judgeMs: 0 };
  try {
    load.start();
    await goesOn(load, `${name}: none of the first commands is acknowledged`);
    const around = { site, load, clients, inFlight: o.inFlight, keyPrefix, origin: o.origin, also: before, isFull: o.isFull, tell: o.tell };
    const harm = async (row: Scenario): Promise<void> => {
      const result = await runRow(row, around, o, found, round.how);
      o.rowEnded(result);
      rows.push(result);
    };
    if (round.how === 'in-turn') for (const row of round.rows) await harm(row);
    else {
      await Promise.all(round.rows.map(harm));
      await heal(site, load, name);
    }
    // nobody knows for which of them a client waited
    const { stallMs, stallOf } = rows.reduce((longest, row) => (row.stallMs > longest.stallMs ? row : longest));
    if (round.how === 'at-once') rows.splice(0, rows.length, ...rows.map((row) => ({ ...row, stallMs, stallOf })));
    const healed = performance.now();
    await within(() => `${name}: ${load.openCount} acknowledged runs are still open`, GRACE_MS, load.finish());
    const ended = performance.now();
    figures.healMs = Math.round(ended - healed);
    const judgement = await judge(site, clients, load, before);
    figures.receiptsVerified = judgement.receiptsVerified;
    figures.judgeMs = Math.round(performance.now() - ended);
    found.push(...judgement.violations);
  } catch (error) {
    found.push(`${name} could not be ended: ${textOf(error)}`);
  } finally {
    load.abandon();
    before.push(load);
  }
  const overNats = load.acknowledgedCommands.filter(({ key }) => isOverNats(key)).length;
  if (overNats === 0) found.push(`${name}: no command was acknowledged over NATS`);
  return { ...figures, rows, acknowledged: load.acknowledgedCommands.length, overNats, resent: load.resentCount, runs: load.answers.length, seconds: secondsSince(began), violations: found };
}

/**
 * Harms and heals, until all is ready and answers again; `at-once` leaves that to the end of the round, since another row may
 * keep something down on purpose. What goes wrong is told in `found`.
 */
async function runRow({ name, fault, floor: floors, harm }: Scenario, around: Omit<Surroundings, 'random' | 'count'>, o: RunOptions, found: string[], how: Round['how']): Promise<RowResult> {
  const { load, site } = around;
  const floor = o.isFull ? floors.full : floors.ci;
  const [began, acknowledgedBefore] = [performance.now(), load.acknowledgedCommands.length];
  let count = 0;
  load.takeStall();
  try {
    count = await harm({ ...around, random: seededRandom(`cluster/${o.seed}/${name}`), count: floor });
    if (how === 'in-turn') await heal(site, load, name);
  } catch (error) {
    found.push(`${name}: ${textOf(error)}`);
    if (how === 'in-turn') await site.allReady();
  }
  if (count < floor) found.push(`${name}: took effect ${count} times, ${floor} are needed`);
  const stall = load.takeStall();
  return { name, fault, count, floor, acknowledged: load.acknowledgedCommands.length - acknowledgedBefore, stallMs: Math.round(stall.ms), stallOf: textOfStall(stall), seconds: secondsSince(began) };
}

async function heal(site: ClusterSite, load: ClientLoad, name: string): Promise<void> {
  await site.allReady();
  await goesOn(load, `${name}: nothing is acknowledged after the last fault`);
}

async function goesOn(load: ClientLoad, what: string): Promise<void> {
  await within(() => what, GRACE_MS, load.acknowledged(load.acknowledgedCommands.length + WARM));
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function secondsSince(beganMs: number): number {
  return Math.round((performance.now() - beganMs) / 1_000);
}
