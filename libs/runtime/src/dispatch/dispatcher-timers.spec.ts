import { MemoryEventStore, MemoryProcessState, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import { reject } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope } from '@maestro/ports';
import { manifest, publish, saveDraft, task } from '../../fixtures/commands.ts';
import { failedWith, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import { Dispatcher, UNCONFIRMED_MS } from './dispatcher.ts';
import type { WorkOrders } from './work-orders.ts';

const ONE = manifest([task('a')]);
const HOUR_MS = 3_600_000;

describe('a timer', () => {
  it('denies a run that policy is silent on, after 30 s and not before', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    await world.advance(29_999);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(1);
    expect(world.of(`execution-${id}`).at(-1)?.event).toMatchObject({ type: 'execution.denied.v1', data: { reason: 'POLICY_UNAVAILABLE' } });
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it.each([
    ['waits on while policy answers others, and for 30 s after the last answer', 5, 80_000],
    ['waits no longer than five minutes more, whomever policy answers', 40, 330_000],
  ] as const)('of a check %s', async (_, answers, deniedAfterMs) => {
    const world = await World.open();
    await world.published({ ...ONE, inputs: { who: 'others' } });
    world.policies.verdictOf = (_stage, input) => (JSON.stringify(input).includes('left waiting') ? 'silent' : 'allow');
    const id = await world.started('run', { inputs: { who: 'left waiting' } });
    let passedMs = 0;
    const pass = async (ms: number): Promise<void> => {
      await world.advance(ms);
      passedMs += ms;
    };
    for (let other = 0; other < answers && world.verdictOf(id) === undefined; other += 1) {
      await pass(10_000);
      await world.started(`other ${other}`);
      await world.settle();
    }
    while (world.verdictOf(id) === undefined) await pass(1_000);
    expect([world.verdictOf(id), passedMs]).toEqual(['denied', deniedAfterMs]);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('denies a publication that policy is silent on', async () => {
    const world = await World.open();
    world.policies.verdictOf = () => 'silent';
    await world.send(saveDraft(ONE));
    await world.send(publish());
    await world.advance(30_000);
    expect(world.of('workflow-greeting').at(-1)?.event).toMatchObject({ type: 'workflow.publish-denied.v1', data: { reason: 'POLICY_UNAVAILABLE' } });
  });

  it('of a back-off fires once, when it is due: at most 1 s, 2 s, 4 s after the failure, and differently from run to run', async () => {
    const world = await World.open();
    await world.published(manifest([task('a', [], { retries: 3 })]));
    world.packages.play = async ({ context: { attempt } }) => (attempt <= 3 ? failedWith('FLAKY', true) : succeededWith({}));
    const delays: number[] = [];
    for (let run = 0; run < 8; run += 1) {
      const id = await world.started(`run ${run}`);
      await world.ended(id);
      const retries = world.of(`execution-${id}`).flatMap(({ event }) => (event.type === 'execution.task-retry-scheduled.v1' ? [event.data] : []));
      expect(retries.map(({ attempt }) => attempt)).toEqual([2, 3, 4]);
      for (const [i, { delayMs, notBefore }] of retries.entries()) {
        expect(delayMs).toBeLessThanOrEqual(1_000 * 2 ** i);
        const next = world.of(`execution-${id}`).find(({ event, at }) => at >= notBefore && (event.type === 'execution.task-scheduled.v1' || event.type === 'execution.task-policy-check-requested.v1') && event.data.attempt === i + 2);
        expect(next?.at).toBe(notBefore);
        delays.push(delayMs);
      }
      expect(world.packages.attempts.filter(({ context }) => context.executionId === id)).toHaveLength(4);
    }
    expect(new Set(delays).size).toBeGreaterThan(12);
  });

  it('ends a run that is over its limit of a day', async () => {
    const world = await World.open();
    await world.published(manifest([task('a'), task('b', ['a'])]));
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.settle();
    await world.advance(24 * 3_600_000 - 1);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(1);
    expect(world.verdictOf(id)).toBe('timed-out');
    expect(world.packages.attempts[0]?.signal.aborted).toBe(true);
  });

  it('is not early where the wall clock was set back while it ran', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.advance(23 * HOUR_MS);
    const now = world.clock.nowMs.bind(world.clock);
    world.clock.nowMs = () => now() - HOUR_MS;
    await world.advance(HOUR_MS + 1_000);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(HOUR_MS);
    expect(world.verdictOf(id)).toBe('timed-out');
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('that fell due while no process ran fires at the next start, once', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.advance(1_000);
    world.crash();
    world.clock.advance(25 * HOUR_MS);
    await world.settle();
    await world.advance(0);
    expect(world.verdictOf(id)).toBe('timed-out');
    expect(world.types(id).filter((type) => type === 'completed')).toHaveLength(1);
  });

  it('of a check waits for its whole time again where no process ran, since policy could not answer', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    await world.advance(1_000);
    world.crash();
    world.clock.advance(HOUR_MS);
    await world.advance(29_999);
    expect(world.types(id)).toEqual(['requested', 'policy-check-requested']);
    await world.advance(1);
    expect(world.types(id)).toEqual(['requested', 'policy-check-requested', 'policy-decided', 'denied']);
  });

  it('that the store cannot take now is fired until it can', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    await world.settle();
    let full = true;
    world.hook = ({ call }) => {
      if (full && call === 'store.append') throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
    };
    await world.advance(40_000);
    expect(world.verdictOf(id)).toBeUndefined();
    full = false;
    await world.advance(UNCONFIRMED_MS);
    expect(world.verdictOf(id)).toBe('denied');
  });
});

describe('a command of the dispatcher', () => {
  it.each([
    ['CONFLICT_RETRIES_EXHAUSTED', [30_000, 32_000, 34_000]],
    ['BUG', [30_000, 90_000, 150_000]],
  ] as const)('that is answered %s is sent again with the same id, sooner where that may help', async (code, expected) => {
    const past = await World.open({ roles: [] });
    past.policies.verdictOf = () => 'silent';
    await past.send(saveDraft(ONE));
    await past.send(publish());
    const beganMs = past.clock.nowMs();
    const sent: { readonly commandId: string; readonly afterMs: number }[] = [];
    const gateway = {
      send: async ({ commandId }: CommandEnvelope): Promise<CommandAnswer> => {
        sent.push({ commandId, afterMs: past.clock.nowMs() - beganMs });
        return sent.length < 3 ? reject(code, 'not now') : { kind: 'ok', position: 'p', result: {} };
      },
    };
    past.crash();
    const orders = { policyOrder: async () => ({ stage: 'publish' }) } as unknown as WorkOrders;
    const queue = new MemoryWorkQueue({ clock: past.clock, entropy: seededEntropy('queue') });
    const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
    const store = new MemoryEventStore({ log: past.eventLog });
    const dispatcher = new Dispatcher({ store, queue, state: new MemoryProcessState(), gateway, orders, clock: past.clock, metrics, log: past.log, tenant: 'default' });
    await dispatcher.start();
    for (let i = 0; i < 200; i += 1) {
      past.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent.map(({ afterMs }) => afterMs)).toEqual(expected);
    expect(new Set(sent.map(({ commandId }) => commandId)).size).toBe(1);
    await dispatcher.stop();
  });
});
