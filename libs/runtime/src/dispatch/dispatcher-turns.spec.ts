import { cancel, manifest, task } from '../../fixtures/commands.ts';
import { hexOf, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import type { TaskOrder } from './work-orders.ts';

const ONE = manifest([task('a')]);

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
