import { MemoryEventLog, MemoryEventStore, MemoryProcessState, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import { intentsOf, reject } from '@maestro/domain';
import type { Recorded, StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, Work } from '@maestro/ports';
import { cancel, manifest, publish, saveDraft, task } from '../../fixtures/commands.ts';
import { failedWith, hexOf, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import { Dispatcher, UNCONFIRMED_MS } from './dispatcher.ts';
import type { TaskOrder, WorkOrders } from './work-orders.ts';

const ONE = manifest([task('a')]);

/** Everything that was put into the queue, with what the history said of it at that moment. */
function watchPublished(world: World): { readonly eventId: string; readonly isOpen: boolean; readonly atMs: number }[] {
  const seen: { readonly eventId: string; readonly isOpen: boolean; readonly atMs: number }[] = [];
  const before = world.hook;
  world.hook = (point) => {
    if (point.call === 'queue.publish' && point.phase === 'before') {
      for (const { intentId, executionId } of point.args[0] as readonly Work[]) seen.push({ eventId: intentId, isOpen: openIn(world.of(executionId)).has(intentId), atMs: world.clock.nowMs() });
    }
    return before(point);
  };
  return seen;
}

/** Ids of the events whose intents nothing has closed. */
function openIn(events: readonly Recorded[]): ReadonlySet<string> {
  const open = new Map<string, string>();
  for (const recorded of events) {
    const { opens, closes } = intentsOf(recorded);
    for (const key of [...open.keys()]) if (closes.some((close) => key === close || (close.endsWith('/') && key.startsWith(close)))) open.delete(key);
    for (const { key, eventId } of opens) open.set(key, eventId);
  }
  return new Set(open.values());
}

const timeOf = (world: World, id: string, type: string, nth = 0): number => Date.parse(world.of(`execution-${id}`).filter(({ event }) => event.type === `execution.${type}.v1`)[nth]?.at ?? '');

describe('an intent that could not be handed out', () => {
  it('is handed out two seconds later, not before, and again until it is', async () => {
    const world = await World.open();
    await world.published(ONE);
    let tries = 0;
    world.hook = ({ call, phase }) => {
      if (call === 'queue.publish' && phase === 'before' && tries++ < 3) throw new Fault('QUEUE_FULL', 'full', { retryable: true });
    };
    const id = await world.started();
    await world.settle();
    const seen = watchPublished(world);
    await world.advance(UNCONFIRMED_MS - 1);
    expect(seen).toEqual([]);
    await world.advance(1);
    expect(seen).toHaveLength(1);
    await world.ended(id, 10_000);
    expect(tries).toBe(5);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('is handed out as room comes, though the queue holds one work only', async () => {
    const world = await World.open({ queueMax: 1 });
    await world.published(manifest(Array.from({ length: 12 }, (_, i) => task(`t${i}`))));
    world.packages.play = () => new Promise((resolve) => world.clock.after(100, () => resolve(succeededWith({}))));
    const id = await world.started();
    await world.ended(id, 60_000);
    expect(world.verdictOf(id)).toBe('succeeded');
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('for a reason that will not pass is named, tried once a minute, and holds back no other run', async () => {
    const world = await World.open();
    await world.published(ONE);
    await world.published(manifest([task('x', [], { uses: 'pkg:test/fenced@1.0.0' })], { name: 'other' }));
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    world.policies.verdictOf = () => 'allow';
    world.packages.remove('pkg:test/echo@1.0.0');
    world.crash();
    await world.settle();
    const errors = (): number => world.lines.filter(({ level, message }) => level === 'error' && message === 'an intent could not be handed out').length;
    expect(errors()).toBe(1);
    const other = await world.started('other', { workflowId: 'other' });
    await world.ended(other);
    await world.advance(20_000);
    expect(errors()).toBe(1);
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('denied');
  });

  it('for a reason that will not pass is set aside by name, and no more once it was handed out', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.settle();
    world.packages.remove('pkg:test/echo@1.0.0');
    world.crash();
    await world.settle();
    expect(world.life.supervision.quarantine.rows()).toMatchObject([{ stream: `execution-${id}`, by: 'handing-out', code: 'BUG' }]);
    world.packages.define('pkg:test/echo@1.0.0');
    world.packages.play = async () => succeededWith({});
    await world.ended(id);
    expect([world.verdictOf(id), world.life.supervision.quarantine.rows()]).toEqual(['succeeded', []]);
  });
});

describe('what was closed', () => {
  it('is never handed out again, whatever is lost on the way', async () => {
    const document = manifest([task('a', [], { retries: 2 }), task('b', ['a'], { with: { n: '${{ tasks.a.outputs.attempt }}' } }), task('c', ['a'])]);
    for (const lost of [3, 9, 14, 20, 26]) {
      const world = await World.open({ seed: lost });
      await world.published(document);
      let calls = 0;
      world.hook = () => {
        if (++calls === lost || calls === 2 * lost) world.crash();
      };
      const seen = watchPublished(world);
      world.packages.play = async ({ context: { taskId, attempt } }) => (taskId === 'a' && attempt < 3 ? failedWith('FLAKY', true) : succeededWith({ attempt }));
      const id = await world.started();
      await world.ended(id, 120_000);
      await world.advance(10_000);
      expect(seen.filter(({ isOpen }) => !isOpen)).toEqual([]);
      expect(world.verdictOf(id)).toBe('succeeded');
      expect(world.role.openCount()).toBe(0);
    }
  });
});

describe('what closes while its order is made', () => {
  it('is not handed out', async () => {
    const past = await World.open();
    await past.published(ONE);
    const id = await past.started();
    await past.ended(id);
    const stream = `execution-${id}` as StreamName;
    const stored = past.eventLog.streams.get(stream) ?? [];
    const scheduledAt = past.types(id).indexOf('task-scheduled');
    const store = new MemoryEventStore({ log: new MemoryEventLog() });
    const append = async (from: number, to: number, expected: Parameters<typeof store.append>[1]) => {
      const [first, ...rest] = stored.slice(from, to);
      const outcome = first && (await store.append(stream, expected, [first, ...rest]));
      return outcome?.kind === 'appended' ? outcome.version : 'none';
    };
    const version = await append(0, scheduledAt + 1, 'none');
    let make: () => void = () => undefined;
    const made = new Promise<void>((resolve) => (make = resolve));
    let asked = 0;
    const taskOrder = async (): Promise<TaskOrder> => {
      asked += 1;
      await made;
      return { workClass: 'small' } as TaskOrder;
    };
    const orders = { taskOrder, policyOrder: async () => undefined } as unknown as WorkOrders;
    const queue = new MemoryWorkQueue({ clock: past.clock, entropy: seededEntropy('queue') });
    const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
    const dispatcher = new Dispatcher({ store, queue, state: new MemoryProcessState(), gateway: past.role.gateway, orders, clock: past.clock, metrics, log: past.log, tenant: 'default' });
    await dispatcher.start();
    await append(scheduledAt + 1, stored.length, version);
    await past.settle();
    make();
    await past.settle();
    expect([asked, dispatcher.openCount, await queue.depth('task')]).toEqual([1, 0, { waiting: 0, leased: 0 }]);
    await dispatcher.stop();
  });
});

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
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    await world.advance(10_000);
    const now = world.clock.nowMs.bind(world.clock);
    world.clock.nowMs = () => now() - 3_600_000;
    await world.advance(25_000);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(3_600_000);
    expect(world.verdictOf(id)).toBe('denied');
    expect(world.types(id).filter((type) => type === 'policy-decided')).toHaveLength(1);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('that fell due while no process ran fires at the next start, once', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    await world.advance(1_000);
    world.crash();
    world.clock.advance(3_600_000);
    await world.settle();
    await world.advance(0);
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

describe('a cancel', () => {
  it('signals what runs at once, and the run ends when it has stopped', async () => {
    const world = await World.open();
    await world.published(manifest([task('a'), task('b', ['a'])]));
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.advance(1_000);
    const askedMs = world.clock.nowMs();
    await world.send(cancel(id));
    await world.settle();
    expect([world.verdictOf(id), timeOf(world, id, 'completed')]).toEqual(['cancelled', askedMs]);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('ends what does not stop by itself after ten seconds', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = () => new Promise(() => undefined);
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.advance(9_999);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(1);
    expect(world.verdictOf(id)).toBe('cancelled');
  });

  it('is kept over a crash: nothing of the run is handed out again', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = () => new Promise(() => undefined);
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.settle();
    world.crash();
    await world.settle();
    await world.advance(9_000);
    expect(world.packages.attempts).toHaveLength(1);
    await world.advance(1_000);
    expect(world.verdictOf(id)).toBe('cancelled');
    expect(await problemsOf(world, id)).toEqual([]);
  });
});

describe('a wide run', () => {
  it('of 600 tasks at once is scheduled in several commits, each task once', async () => {
    const world = await World.open();
    await world.published(manifest([task('root'), ...Array.from({ length: 600 }, (_, i) => task(`t${i}`, ['root']))]));
    const id = await world.started();
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('succeeded');
    expect(world.types(id).filter((type) => type === 'scheduling-deferred')).toHaveLength(2);
    expect(world.packages.attempts).toHaveLength(601);
    expect(await problemsOf(world, id)).toEqual([]);
  }, 15_000);
});

describe('runs beside each other', () => {
  const wide = (count: number): ReturnType<typeof manifest> => manifest(Array.from({ length: count }, (_, i) => task(`t${i}`)), { name: 'wide' });

  it('a run has at most 32 tasks in the queue and with runners, all the time, and runs each once', async () => {
    const world = await World.open();
    await world.published(wide(300));
    let most = 0;
    let inHand = 0;
    world.packages.play = () => {
      inHand += 1;
      most = Math.max(most, inHand);
      return new Promise((resolve) => world.clock.after(50, () => {
        inHand -= 1;
        resolve(succeededWith({}));
      }));
    };
    const id = await world.started('wide', { workflowId: 'wide' });
    await world.settle();
    expect(await world.life.queue.depth('task')).toEqual({ waiting: 0, leased: 32 });
    await world.ended(id);
    expect([most, world.packages.attempts.length, world.verdictOf(id), world.role.openCount()]).toEqual([32, 300, 'succeeded', 0]);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('a restart keeps the bound, and takes up what waited', async () => {
    const world = await World.open();
    await world.published(wide(100));
    world.packages.play = () => new Promise(() => undefined);
    const id = await world.started('wide', { workflowId: 'wide' });
    await world.settle();
    world.crash();
    await world.settle();
    expect(await world.life.queue.depth('task')).toEqual({ waiting: 0, leased: 32 });
    world.packages.play = async () => succeededWith({});
    world.crash();
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('succeeded');
  });

  it('take turns: ten small runs behind one of 1,000 tasks are all served in the next round', async () => {
    const world = await World.open({ roles: ['policy', 'receipt'] });
    await world.published(wide(1_000));
    await world.published(ONE);
    const order: string[] = [];
    let release: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (release = resolve));
    world.life.queue.consume('task', async ({ work }) => {
      await begun;
      const { executionId, taskId, attempt, argumentsCommitment } = work.payload as unknown as TaskOrder;
      order.push(executionId);
      const payload = { executionId, taskId, attempt, runner: 'one', leaseId: null, startedAt: '2026-01-05T10:00:00.000Z', durationMs: 1, argumentsCommitment, log: '', outcome: { kind: 'succeeded', output: {} } } as const;
      await world.role.gateway.send({ command: { type: 'execution.report-task.v1', payload }, commandId: hexOf(`${executionId} ${taskId}`), tenant: 'default', actor: 'role:runner', correlationId: executionId, causationId: null });
      return { kind: 'ack' };
    }, { concurrencyMax: 1 });
    const big = await world.started('wide', { workflowId: 'wide' });
    await world.settle();
    const small = [];
    for (let i = 0; i < 10; i += 1) small.push(await world.started(`small ${i}`));
    await world.settle();
    release();
    await world.until(() => world.verdictOf(big) !== undefined);
    // one of the big run was in hand before the small ones came; then everybody in turn
    expect(order.slice(1, 12).toSorted()).toEqual([big, ...small].toSorted());
    expect(order).toHaveLength(1_010);
  }, 60_000);

  it('a cancelled one lets none of its waiting tasks out, and ends as soon as what ran has stopped', async () => {
    const world = await World.open();
    await world.published(wide(400));
    world.packages.play = untilAborted;
    const id = await world.started('wide', { workflowId: 'wide' });
    await world.settle();
    await world.send(cancel(id));
    await world.ended(id, 11_000);
    expect([world.verdictOf(id), world.packages.attempts.length]).toEqual(['cancelled', 32]);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('policy checks of a run do not wait for its tasks', async () => {
    const world = await World.open();
    const hanging = Array.from({ length: 40 }, (_, i) => task(`t${i}`));
    await world.published(manifest([task('first'), task('late', ['first'], { with: { n: '${{ tasks.first.outputs.n }}' } }), ...hanging], { name: 'wide' }));
    world.packages.play = async ({ context: { taskId } }) => (taskId === 'first' || taskId === 'late' ? succeededWith({ n: 1 }) : new Promise(() => undefined));
    await world.started('wide', { workflowId: 'wide' });
    await world.settle();
    expect(world.policies.asked.filter(({ stage }) => stage === 'task')).toHaveLength(1);
  });
});

describe('a restart', () => {
  it('takes up every open intent and timer, and asks nobody anything twice that was answered', async () => {
    const world = await World.open();
    await world.published(manifest([task('a'), task('b')]));
    world.packages.play = async ({ context: { taskId } }) => (taskId === 'a' ? succeededWith({}) : new Promise(() => undefined));
    const id = await world.started();
    await world.advance(1_000);
    const open = world.role.openCount();
    world.crash();
    world.packages.play = async () => succeededWith({});
    await world.settle();
    await world.ended(id);
    expect(open).toBe(2);
    expect(world.packages.attempts.map(({ context }) => context.taskId)).toEqual(['a', 'b', 'b']);
    expect(world.policies.asked.filter(({ stage }) => stage === 'start')).toHaveLength(1);
    expect(world.role.openCount()).toBe(0);
  });

  it('after a stop finds written what was open, and a stopped one leaves no timer', async () => {
    const world = await World.open({ roles: ['policy'] });
    await world.published(ONE);
    await world.started();
    await world.settle();
    await world.role.stop();
    expect([...(world.disk.processes.get('intents')?.rows.keys() ?? [])].map((key) => key.replace(/^execution-[^/]+/, ''))).toEqual(['/limit', '/task/a/1/run']);
    await world.life.policy?.stop(0);
    expect(world.clock.pending).toBe(0);
  });
});
