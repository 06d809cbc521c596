import { MemoryEventStore, MemoryReadModels, systemClock } from '@maestro/adapter-memory';
import type { Json, Recorded } from '@maestro/domain';
import type { Cursor, ReadModels, TableName } from '@maestro/ports';
import { TABLES } from '@maestro/ports';
import { canonicalText } from '@maestro/receipt';
import { projectViews } from '@maestro/runtime';
import { checkHistory } from '../history-checker.ts';
import type { HistoryCounts } from '../history-checker.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { Simulation } from './simulation.ts';
import { eventsOf, verifyStored } from './verify-stored.ts';

type Evidence = { readonly clients: readonly SimulatedClient[]; readonly isClockTouched: boolean; readonly operationsMin: number };

/** Holds everything that the disk has, in the end, against what clients were told. Breaches go to the world. */
export async function judge(world: Simulation, { clients, isClockTouched, operationsMin }: Evidence): Promise<HistoryCounts> {
  const { disk } = world;
  const answers = clients.flatMap((client) => client.answers);
  const verdicts = new Map<string, string>();
  for (const { executionId } of answers) if (!verdicts.has(executionId)) verdicts.set(executionId, await verifyStored(disk, executionId));
  const claims = { answers, observed: clients.flatMap((client) => client.observed), verdicts, isSettled: true, operationsMin };
  const { violations, counts } = checkHistory(disk.log.events, claims);
  for (const { code, where, detail } of violations) world.breach(code, where, detail);
  for (const client of clients) checkAcknowledged(world, client);
  for (const stream of disk.log.streams.keys()) if (stream.startsWith('execution-')) checkTimes(world, eventsOf(disk, stream), isClockTouched);
  await checkViews(world);
  return counts;
}

/** Whatever was answered ok names a place, and the same event still lies there. */
function checkAcknowledged(world: Simulation, { acknowledged }: SimulatedClient): void {
  for (const { commandId, position, hash } of acknowledged) {
    if (world.disk.log.events[position - 1]?.hash !== hash) world.breach('ACKNOWLEDGED_LOST', `position ${position}`, `command ${commandId} was acknowledged with an event that is not there`);
  }
}

/**
 * No timer fires before its time. Where nobody touched the clock, none fires at all that a working conductor leaves no
 * cause for: no check is answered too late, no run comes to its limit of a day.
 */
function checkTimes(world: Simulation, events: readonly Recorded[], isClockTouched: boolean): void {
  const due = new Map<string, string>();
  for (const { event, at, stream } of events) {
    if (event.type === 'execution.task-retry-scheduled.v1') due.set(`${event.data.taskId}/${event.data.attempt}`, event.data.notBefore);
    if (event.type === 'execution.task-scheduled.v1' || event.type === 'execution.task-policy-check-requested.v1') {
      const notBefore = due.get(`${event.data.taskId}/${event.data.attempt}`);
      if (notBefore !== undefined && at < notBefore) world.breach('TIMER_EARLY', stream, `${event.data.taskId}/${event.data.attempt} was retried at ${at}, not before ${notBefore}`);
    }
    if (isClockTouched) continue;
    if (event.type === 'execution.policy-decided.v1' && event.data.reason === 'POLICY_UNAVAILABLE') world.breach('RUN_STUCK', stream, `check ${event.data.checkId} was never answered`);
    if (event.type === 'execution.completed.v1' && event.data.verdict === 'timed-out') world.breach('RUN_STUCK', stream, 'it came to its limit of time');
  }
}

/** What the query models serve is what a fresh fold over the same events makes. */
async function checkViews(world: Simulation): Promise<void> {
  const fresh = new MemoryReadModels();
  const abort = new AbortController();
  const store = new MemoryEventStore({ log: world.disk.log });
  const quiet = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
  const folding = projectViews({ store, views: fresh, clock: systemClock, metrics: quiet, log: { log: () => undefined } }, abort.signal);
  const head: Cursor | null = await store.head();
  for (let turns = 0; turns < 1_000 && (await fresh.position()) !== head; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  await folding;
  for (const table of TABLES) {
    const [served, folded] = [await rowsOf(world.disk.views, table), await rowsOf(fresh, table)];
    if (served !== folded) world.breach('VIEWS_DIFFER', table, 'the rows that are served are not those of a fresh fold');
  }
}

async function rowsOf(views: ReadModels, table: TableName): Promise<string> {
  const rows: Json[] = [];
  let after: string | null = null;
  do {
    const page: { readonly rows: readonly unknown[]; readonly next: string | null } = await views.list(table, { limit: 200, after });
    rows.push(...(page.rows as readonly Json[]));
    after = page.next;
  } while (after !== null);
  return canonicalText(rows.sort((a, b) => (String((a as { id: string }).id) < String((b as { id: string }).id) ? -1 : 1)));
}
