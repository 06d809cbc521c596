import { hash } from 'node:crypto';
import type { HistoryCounts } from '../history-checker.ts';
import type { FaultKind } from './fault-plan.ts';
import { judge } from './judge.ts';
import { Nemesis } from './nemesis.ts';
import type { Plant } from './plant.ts';
import { choicesFor } from './seeded-choices.ts';
import { SimulatedClient } from './simulated-client.ts';
import { Simulation } from './simulation.ts';
import type { Breach } from './simulation.ts';

/** What one seed showed. `traceDigest`: SHA-256 of the trace; the same for the same seed and program. */
export type SeedOutcome = {
  readonly seed: number;
  readonly breaches: readonly Breach[];
  readonly counts: HistoryCounts;
  readonly faults: { readonly [K in FaultKind]?: number };
  readonly acknowledged: number;
  readonly lives: number;
  readonly failedStarts: number;
  readonly noticedLosses: number;
  readonly attempts: number;
  readonly simulatedMs: number;
  readonly traceDigest: string;
  readonly traceLines: number;
};

const HOUR_MS = 3_600_000;
const NO_COUNTS: HistoryCounts = { events: 0, runs: 0, receipts: 0, tasksSucceeded: 0, retries: 0, verdicts: {} };

/** Lives through one seed. Whatever happens is a value: a seed never throws. */
export async function runSeed(seed: number, plant?: Plant): Promise<{ readonly outcome: SeedOutcome; readonly trace: readonly string[] }> {
  const world = new Simulation(seed, plant);
  const lost = (error: unknown): void => world.breach('LOST_REJECTION', 'process', String(error));
  process.on('unhandledRejection', lost);
  let acknowledged = 0;
  let counts = NO_COUNTS;
  try {
    const clients = clientsOf(world);
    counts = await lived(world, clients);
    acknowledged = clients.reduce((sum, one) => sum + one.acknowledged.length, 0);
  } catch (error) {
    world.breach('HARNESS', 'simulation', (error as Error).stack ?? String(error));
  } finally {
    process.off('unhandledRejection', lost);
  }
  const { breaches, lives, failedStarts, noticedLosses, attempts, trace, clock } = world;
  const outcome = { seed, breaches, counts, faults: Object.fromEntries(world.plan.counts), acknowledged, lives, failedStarts, noticedLosses, attempts, simulatedMs: clock.elapsedMs, traceDigest: hash('sha256', trace.join('\n')), traceLines: trace.length };
  return { outcome, trace };
}

function clientsOf(world: Simulation): readonly [SimulatedClient, ...SimulatedClient[]] {
  const count = choicesFor(world.seed, 'clients').below(3);
  const more = Array.from({ length: count }, (_, i) => new SimulatedClient(world, `client-${i + 2}`));
  return [new SimulatedClient(world, 'client-1'), ...more];
}

/** Sets up without faults, lets everybody do what they want, waits until all is done, starts once more, and judges. */
async function lived(world: Simulation, clients: readonly [SimulatedClient, ...SimulatedClient[]]): Promise<HistoryCounts> {
  const choices = choicesFor(world.seed, 'scenario');
  world.start();
  await expectWithin(world, clients[0].setUp(choices.chance(0.01)), HOUR_MS, 'the first versions were published');
  world.plan.isOn = true;
  let isOver = false;
  const nemesis = new Nemesis(world);
  const harm = nemesis.run(() => isOver);
  await expectWithin(world, Promise.all(clients.map((client) => client.run(3 + choices.below(6)))), 24 * HOUR_MS, 'clients were done');
  // what is under way goes on under faults for a while
  await world.drive(() => isQuiet(world), 30 * 60_000);
  isOver = true;
  await expectWithin(world, harm, HOUR_MS, 'the harm was over');
  world.plan.isOn = false;
  await settle(world);
  const { length } = world.disk.log.events;
  world.crash();
  await settle(world);
  if (world.disk.log.events.length !== length) world.breach('NOT_QUIET', 'process', 'a start on a world where all is done wrote events');
  // everybody starts a run before anything else
  return judge(world, { clients, isClockTouched: nemesis.isClockTouched, operationsMin: clients.length });
}

async function settle(world: Simulation): Promise<void> {
  // a clock that was set back by a day makes a timer a day late
  const isSettled = await world.drive(() => isQuiet(world), 60 * HOUR_MS);
  if (!isSettled) return world.breach('NOT_QUIET', 'process', 'work is open, or a receipt or a row is missing, though nothing hinders it any more');
}

/** All runs have their receipts, nothing is open, and the query models hold all of it. */
async function isQuiet({ serving, disk }: Simulation): Promise<boolean> {
  if (serving?.process.isIdle !== true) return false;
  const names = [...disk.log.streams.keys()];
  const countOf = (category: string): number => names.filter((name) => name.startsWith(category)).length;
  return countOf('execution-') === countOf('receipt-') && (await disk.views.position()) === disk.log.cursorAt(disk.log.events.length);
}

async function expectWithin(world: Simulation, done: Promise<unknown>, ms: number, what: string): Promise<void> {
  let isDone = false;
  void done.then(() => (isDone = true));
  if (!(await world.drive(() => isDone, ms))) world.breach('NOT_QUIET', 'clients', `not within ${ms} ms: ${what}`);
  else await done;
}
