import { MemoryEventLog, MemoryEventStore, MemoryProcessState, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import { intentsOf } from '@maestro/domain';
import type { Intent, Recorded, StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { EventStore, Work, WorkQueue } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { failedWith, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import { partitionView } from '../ownership/partition-view.ts';
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

describe('a store that is never at rest', () => {
  it('does not keep a dispatcher from handing out what was open when it began', async () => {
    const past = await World.open();
    await past.published(ONE);
    const id = await past.started();
    const [first, ...rest] = (past.eventLog.streams.get(`execution-${id}` as StreamName) ?? []).slice(0, 2);
    const store = new MemoryEventStore({ log: new MemoryEventLog() });
    if (first !== undefined) await store.append(`execution-${id}` as StreamName, 'none', [first, ...rest]);
    const head = await store.head();
    // of others, one after the other, so that a page is full and nobody ever says that there is no more
    const busy: EventStore = {
      ...partitionView(store, { index: 0, count: 1 }),
      async *subscribe(o: Parameters<EventStore['subscribe']>[0]): ReturnType<EventStore['subscribe']> {
        for await (const item of store.subscribe(o)) {
          if (item.kind === 'caught-up') break;
          yield item;
        }
        for (let i = 0; i < 1_000 && head !== null; i += 1) yield { kind: 'checkpoint', cursor: head };
        await new Promise<void>((resolve) => o.signal.addEventListener('abort', () => resolve()));
      },
    };
    const asked: string[] = [];
    const orders = { taskOrder: async () => undefined, policyOrder: async ({ eventId }: Intent) => void asked.push(eventId) } as unknown as WorkOrders;
    const queue = new MemoryWorkQueue({ clock: past.clock, entropy: seededEntropy('queue') });
    const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
    const dispatcher = new Dispatcher({ store: busy, queue, state: new MemoryProcessState(), gateway: past.role.gateway, orders, clock: past.clock, metrics, log: past.log, tenant: 'default' });
    await dispatcher.start();
    await past.settle();
    expect(asked).toHaveLength(1);
    await dispatcher.stop();
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

  it('denies nothing because nobody was there to ask policy for longer than policy may take to answer', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.policies.verdictOf = () => 'silent';
    const id = await world.started();
    await world.settle();
    const pauseMs = 20_000;
    for (let crashes = 0; crashes < 3; crashes += 1) {
      world.crash();
      world.clock.advance(pauseMs);
      await world.advance(pauseMs);
    }
    world.policies.verdictOf = () => 'allow';
    world.crash();
    world.clock.advance(pauseMs);
    await world.settle();
    await world.ended(id);
    expect(world.of(`execution-${id}`).at(-1)?.event).toMatchObject({ type: 'execution.completed.v1', data: { verdict: 'succeeded' } });
  });

  it('hands out the oldest first, so that many short lives leave nobody behind', async () => {
    const published: string[] = [];
    const beforeQueue = (inner: WorkQueue): WorkQueue => {
      const publish = inner.publish.bind(inner);
      return Object.assign(inner, { publish: (works: readonly [Work, ...Work[]]) => (published.push(...works.map(({ executionId }) => executionId)), publish(works)) });
    };
    const world = await World.open({ beforeQueue });
    await world.published(ONE);
    world.packages.play = async () => new Promise(() => undefined);
    const ids: string[] = [];
    for (let runs = 0; runs < 5; runs += 1) {
      ids.push(`execution-${await world.started(`run-${runs}`)}`);
      await world.advance(1_000);
    }
    await world.role.stop(); // what is open is written
    published.length = 0;
    world.crash();
    await world.settle();
    expect(published).toEqual(ids);
    expect(ids.toSorted()).not.toEqual(ids);
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
