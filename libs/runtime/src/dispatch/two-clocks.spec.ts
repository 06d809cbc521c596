import { ManualClock, MemoryEventStore, MemoryProcessState, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import type { CommandAnswer, CommandEnvelope } from '@maestro/ports';
import { TENANT, cancel, manifest, publish, saveDraft, task } from '../../fixtures/commands.ts';
import { World } from '../../fixtures/world.ts';
import { internalCommandId } from '../commands/command-ids.ts';
import { Dispatcher } from './dispatcher.ts';
import { CLOCKS_APART_MS, DueSinceSeen } from './due-times.ts';
import type { WorkOrders } from './work-orders.ts';

const ONE = manifest([task('a')]);
const OFF_MS = 10 * 60_000;

/** What is open in a world whose process died, dispatched by another process with a clock of its own. Answers when it fired a timer, milliseconds after its start. */
async function firedAfterTakeover(past: World, clock: ManualClock, forMs: number): Promise<readonly number[]> {
  const beganMs = clock.nowMs();
  const fired: number[] = [];
  const gateway = {
    send: async ({ command }: CommandEnvelope): Promise<CommandAnswer> => {
      if (command.type.endsWith('.fire-timer.v1')) fired.push(clock.nowMs() - beganMs);
      return { kind: 'ok', position: 'p', result: {} };
    },
  };
  const orders = { policyOrder: async () => ({ stage: 'publish' }) } as unknown as WorkOrders;
  const queue = new MemoryWorkQueue({ clock, entropy: seededEntropy('queue') });
  const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
  const share = { name: 'dispatcher-0-of-2', stateName: 'intents/0-of-2', handOutFoldedAfterMs: 0 };
  const store = new MemoryEventStore({ log: past.eventLog });
  const dispatcher = new Dispatcher({ store, queue, state: new MemoryProcessState(), gateway, orders, clock, metrics, log: past.log, tenant: TENANT, share });
  await dispatcher.start();
  for (let passedMs = 0; passedMs < forMs; passedMs += 500) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await dispatcher.stop();
  return fired;
}

describe('a check whose owner died, taken over by a process with another clock', () => {
  it.each([
    ['ahead', OFF_MS],
    ['behind', -OFF_MS],
  ])('has its whole time of 30 s, and no more, where that clock is %s', async (_, offMs) => {
    const past = await World.open({ roles: [] });
    past.policies.verdictOf = () => 'silent';
    await past.send(saveDraft(ONE));
    await past.send(publish());
    past.crash();
    expect(await firedAfterTakeover(past, new ManualClock(past.clock.nowMs() + offMs), 120_000)).toEqual([30_000]);
  });
});

describe('the end of a grace', () => {
  it('is believed to whoever saw it, where it was set by a clock that is ahead', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = () => new Promise(() => undefined);
    const id = await world.started();
    await world.settle();
    const now = world.clock.nowMs.bind(world.clock);
    world.clock.nowMs = () => now() + OFF_MS;
    await world.send(cancel(id));
    world.clock.nowMs = now;
    const command = { type: 'execution.fire-timer.v1', payload: { executionId: id, timer: { kind: 'cancel-grace' } } } as const;
    const answer = await world.role.gateway.send({ command, commandId: internalCommandId(id, 'fire'), tenant: TENANT, actor: 'role:command', correlationId: id, causationId: id });
    expect([answer.kind, world.verdictOf(id)]).toEqual(['ok', 'cancelled']);
  });
});

describe('due times of processes that divide the streams', () => {
  const timer = (atMs: number, spanMs: number): Parameters<DueSinceSeen['delayMs']>[0] => ({ kind: 'timer', timer: { kind: 'run-limit' }, key: 'execution-1/limit', stream: 'execution-1', eventId: 'e', revision: 0, at: new Date(atMs).toISOString(), dueAt: new Date(atMs + spanMs).toISOString() });

  it('pass whatever the wall clock does, and begin anew for a timer of another event', () => {
    const clock = new ManualClock();
    const due = new DueSinceSeen(clock);
    const one = timer(clock.nowMs(), 30_000);
    expect(due.delayMs(one)).toBe(30_000);
    const now = clock.nowMs.bind(clock);
    clock.nowMs = () => now() - OFF_MS;
    clock.advance(20_000);
    expect(due.delayMs(one)).toBe(10_000);
    clock.advance(10_000);
    expect(due.delayMs(one)).toBe(0);
    expect(due.delayMs({ ...one, eventId: 'f' })).toBe(30_000);
    due.forget(one);
    expect(due.delayMs(one)).toBe(30_000);
    // dated after its predecessor, which a clock ahead of this one has written
    expect(due.delayMs({ ...one, eventId: 'g', at: new Date(now() + OFF_MS).toISOString(), waitMs: 5_000 })).toBe(5_000);
  });

  it('of long spans count what has passed by wall clocks, never so much that clocks apart could make them early', () => {
    const clock = new ManualClock();
    const day = 24 * 3_600_000;
    const delayOf = (atMs: number): number => {
      const due = new DueSinceSeen(clock);
      const one = timer(clock.nowMs() - atMs, day);
      let left = 0;
      for (let step = due.delayMs(one); step > 0; step = due.delayMs(one)) {
        left += step;
        clock.advance(step);
      }
      return left;
    };
    expect([delayOf(day / 2), delayOf(day - 1), delayOf(2 * day), delayOf(-OFF_MS)]).toEqual([day / 2, CLOCKS_APART_MS, CLOCKS_APART_MS, day]);
  });
});
