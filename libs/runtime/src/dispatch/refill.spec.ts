import type { Work, WorkQueue } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import { RECONCILE_MS } from './dispatcher.ts';

/** A queue whose broker can lose everything that nobody has in hand, with or without a word. */
class LosingQueue {
  readonly #inner: WorkQueue;
  readonly #published = new Set<string>();
  readonly listeners = new Set<() => void>();
  publishedCount = 0;

  constructor(inner: WorkQueue) {
    this.#inner = inner;
  }

  /** The port that the dispatcher sees. */
  get port(): WorkQueue {
    const inner = this.#inner;
    return {
      publish: (work) => this.#publish(work),
      consume: (...asked) => inner.consume(...asked),
      revoke: (ids) => inner.revoke(ids),
      depth: (...asked) => inner.depth(...asked),
      parked: () => inner.parked(),
      close: () => inner.close(),
      onLost: (listener) => {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
      },
    };
  }

  async #publish(work: readonly [Work, ...Work[]]): Promise<void> {
    for (const { intentId } of work) this.#published.add(intentId);
    this.publishedCount += work.length;
    await this.#inner.publish(work);
  }

  async lose(): Promise<void> {
    await this.#inner.revoke([...this.#published]);
  }
}

async function openWithoutRunner(): Promise<{ readonly world: World; readonly queue: () => LosingQueue }> {
  let queue: LosingQueue | undefined;
  const beforeQueue = (inner: WorkQueue): WorkQueue => (queue = new LosingQueue(inner)).port;
  const world = await World.open({ roles: ['policy', 'projector', 'receipt'], beforeQueue });
  await world.published(manifest([task('a'), task('b')]));
  await world.started();
  await world.settle();
  const opened = queue;
  if (opened === undefined) throw new Error('the world has no queue');
  return { world, queue: () => opened };
}

const waitingIn = async (world: World): Promise<number> => (await world.life.queue.depth('task')).waiting;

describe('work that the queue lost', () => {
  it('is published again as soon as the queue says so', async () => {
    const { world, queue } = await openWithoutRunner();
    expect(await waitingIn(world)).toBe(2);
    await queue().lose();
    expect(await waitingIn(world)).toBe(0);
    for (const listener of queue().listeners) listener();
    await world.settle();
    expect(await waitingIn(world)).toBe(2);
    expect(world.counted('mc_work_refilled_total')).toBe(2);
  });

  it('without a word is published again once the queue is seen to hold less than was handed out', async () => {
    const { world, queue } = await openWithoutRunner();
    await queue().lose();
    await world.advance(RECONCILE_MS);
    expect(await waitingIn(world)).toBe(2);
    const published = queue().publishedCount;
    await world.advance(3 * RECONCILE_MS);
    expect(queue().publishedCount).toBe(published);
  });

  it('is not asked for any more once the dispatcher has stopped', async () => {
    const { world, queue } = await openWithoutRunner();
    await world.role.stop();
    expect(queue().listeners.size).toBe(0);
    const published = queue().publishedCount;
    await queue().lose();
    await world.advance(3 * RECONCILE_MS);
    expect(queue().publishedCount).toBe(published);
  });

  it('ends its run once, when it was lost in the hand of a runner', async () => {
    let queue: LosingQueue | undefined;
    const world = await World.open({ beforeQueue: (inner) => (queue = new LosingQueue(inner)).port });
    await world.published(manifest([task('a'), task('b', ['a'])]));
    let isLost = false;
    world.hook = async ({ call, phase }) => {
      if (isLost || call !== 'queue.publish' || phase !== 'after') return;
      isLost = true;
      await queue?.lose();
      for (const listener of queue?.listeners ?? []) listener();
    };
    const id = await world.started();
    await world.ended(id, 60_000);
    expect([isLost, world.verdictOf(id), await problemsOf(world, id)]).toEqual([true, 'succeeded', []]);
  });
});
