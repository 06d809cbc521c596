import { ClientLoad } from '../client-load.ts';
import { within } from '../eventually.ts';
import { mixedWork } from '../kill/mixed-work.ts';
import { seededRandom } from '../seeded-random.ts';
import type { ApiClients } from './api-clients.ts';
import type { ClusterSite } from './cluster-site.ts';
import { judge } from './judge.ts';
import { isOverNats } from './nats-calls.ts';
import type { Scenario } from './scenario.ts';

export type RunOptions = {
  readonly seed: string;
  readonly isFull: boolean;
  /** clients at work at once; each has one run in flight */
  readonly inFlight: number;
  /** of the service outside that tasks ask */
  readonly origin: string;
  readonly tell: (line: string) => void;
};

/** What one scenario came to. */
export type ScenarioResult = {
  readonly name: string;
  readonly fault: string;
  readonly count: number;
  readonly floor: number;
  /** commands, and of them those under faults */
  readonly acknowledged: number;
  readonly acknowledgedUnderFault: number;
  readonly resent: number;
  /** of the commands: by the client library over NATS, not over REST */
  readonly overNats: number;
  readonly runs: number;
  readonly receiptsVerified: number;
  readonly stallMs: number;
  /** from the last fault until everything that was begun had ended */
  readonly healMs: number;
  readonly seconds: number;
  readonly violations: readonly string[];
};

/** Commands that are acknowledged before the first fault, and after the last: a cluster that does nothing shows nothing. */
const WARM = 20;
const GRACE_MS = 180_000;

/**
 * One fault on a cluster that works.
 * R1. Clients work before, during and after; they are told of nothing, and send again until they are answered.
 * R2. Then no new work begins, what was begun ends, and the judge compares.
 * R3. Whatever goes wrong is a violation of this scenario: the others still run.
 */
export async function runScenario(site: ClusterSite, clients: ApiClients, scenario: Scenario, before: ClientLoad[], o: RunOptions): Promise<ScenarioResult> {
  const { name, fault, floor: floors } = scenario;
  const began = performance.now();
  const keyPrefix = `${name}-${o.seed}`;
  const load = new ClientLoad(clients, { inFlight: o.inFlight, keyPrefix, work: mixedWork(o.origin, `${name}-`) });
  const floor = o.isFull ? floors.full : floors.ci;
  const found: string[] = [];
  const result = { name, fault, floor, count: 0, acknowledgedUnderFault: 0, runs: 0, receiptsVerified: 0, healMs: 0 };
  try {
    load.start();
    await within(() => `${name}: ${load.acknowledgedCommands.length} of the first ${WARM} commands are acknowledged`, GRACE_MS, load.acknowledged(WARM));
    const warm = load.acknowledgedCommands.length;
    result.count = await scenario.harm({ site, load, clients, inFlight: o.inFlight, keyPrefix, origin: o.origin, also: before, random: seededRandom(`cluster/${o.seed}/${name}`), count: floor, isFull: o.isFull, tell: o.tell });
    result.acknowledgedUnderFault = load.acknowledgedCommands.length - warm;
    const healed = performance.now();
    await site.allReady();
    await within(() => `${name}: nothing is acknowledged after the last fault`, GRACE_MS, load.acknowledged(load.acknowledgedCommands.length + WARM));
    await within(() => `${name}: ${load.openCount} acknowledged runs are still open`, GRACE_MS, load.finish());
    result.healMs = Math.round(performance.now() - healed);
    const judgement = await judge(site, clients, load, before);
    result.receiptsVerified = judgement.receiptsVerified;
    found.push(...judgement.violations);
  } catch (error) {
    found.push(`${name} could not be ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    load.abandon();
    before.push(load);
  }
  if (result.count < floor) found.push(`${name}: took effect ${result.count} times, ${floor} are needed`);
  const overNats = load.acknowledgedCommands.filter(({ key }) => isOverNats(key)).length;
  if (overNats === 0) found.push(`${name}: no command was acknowledged over NATS`);
  const seconds = Math.round((performance.now() - began) / 1_000);
  return { ...result, runs: load.answers.length, acknowledged: load.acknowledgedCommands.length, resent: load.resentCount, overNats, stallMs: Math.round(load.stall.ms), seconds, violations: found };
}
