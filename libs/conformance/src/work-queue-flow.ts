import { isFault, type Work } from '@maestro/ports';
import type { ConformanceCase } from './matrix.ts';
import { ack, Hand, newWork, newWorks, type WorkQueueHarness } from './work-queue-harness.ts';

type Case = ConformanceCase<WorkQueueHarness>;

const faultOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  );

export const flowCases: readonly Case[] = [
  {
    number: 11,
    name: 'concurrency-max-honoured',
    async run({ queue, advance }) {
      const hand = new Hand(queue, { concurrencyMax: 3 });
      await queue.publish(newWorks(10));
      const calls = await hand.take(3);
      await advance(0);
      expect(hand.seen).toHaveLength(3);
      expect(await queue.depth('task')).toEqual({ waiting: 7, leased: 3 });
      for (const call of calls) call.settle(ack);
      await hand.take(3);
      await advance(0);
      expect(hand.seen).toHaveLength(6);
    },
  },
  {
    number: 12,
    name: 'classes-select-work',
    async run({ queue, advance }) {
      const large = new Hand(queue, { classes: ['large', 'medium'] });
      await queue.publish([
        newWork('s', { workClass: 'small' }),
        newWork('m', { workClass: 'medium' }),
        newWork('l', { workClass: 'large' }),
      ]);
      await large.take(2);
      expect(await queue.depth('task', 'small')).toEqual({ waiting: 1, leased: 0 });
      expect(await queue.depth('task', 'large')).toEqual({ waiting: 0, leased: 1 });
      expect(await queue.depth('policy', 'large')).toEqual({ waiting: 0, leased: 0 });
      await advance(0);
      expect(large.seen.map((c) => c.leased.work.intentId).sort()).toEqual(['l', 'm']);
      const any = new Hand(queue);
      expect((await any.next()).leased.work.intentId).toBe('s');
    },
  },
  {
    number: 13,
    name: 'kinds-are-separate',
    async run({ queue, advance }) {
      const policy = new Hand(queue, { kind: 'policy' });
      await queue.publish([newWork('t'), newWork('p', { kind: 'policy' })]);
      expect((await policy.next()).leased.work.intentId).toBe('p');
      await advance(0);
      expect(policy.seen).toHaveLength(1);
      expect(await queue.depth('task')).toEqual({ waiting: 1, leased: 0 });
      expect(await queue.depth('policy')).toEqual({ waiting: 0, leased: 1 });
    },
  },
  {
    number: 14,
    name: 'runs-take-turns',
    needs: ['takesTurns'],
    async run({ queue }) {
      await queue.publish(newWorks(6, { executionId: 'big' }));
      await queue.publish(newWorks(2, { executionId: 'mid' }));
      await queue.publish(newWorks(1, { executionId: 'one' }));
      const hand = new Hand(queue, { concurrencyMax: 1 });
      const order: string[] = [];
      for (let i = 0; i < 9; i += 1) {
        const call = await hand.next();
        order.push(call.leased.work.intentId);
        call.settle(ack);
      }
      expect(order).toEqual(['big-0', 'mid-0', 'one-0', 'big-1', 'mid-1', 'big-2', 'big-3', 'big-4', 'big-5']);
    },
  },
  {
    number: 15,
    name: 'queue-full-is-all-or-nothing',
    async run({ queue, waitingMax }) {
      await queue.publish(newWorks(waitingMax - 2));
      const three = newWorks(3, { executionId: 'late' });
      expect(await faultOf(queue.publish(three))).toBe('QUEUE_FULL');
      expect(await queue.depth('task')).toEqual({ waiting: waitingMax - 2, leased: 0 });
      // what is there already takes no more room
      await queue.publish([...newWorks(2), ...three.slice(0, 2)] as [Work, ...Work[]]);
      expect((await queue.depth('task')).waiting).toBe(waitingMax);
      const hand = new Hand(queue, { concurrencyMax: 1 });
      await hand.next();
      await queue.publish([newWork('fits-again')]);
      expect((await queue.depth('task')).waiting).toBe(waitingMax);
    },
  },
  {
    number: 16,
    name: 'depth-follows-the-work',
    async run({ queue, advance }) {
      expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 0 });
      await queue.publish(newWorks(4));
      const hand = new Hand(queue, { concurrencyMax: 2 });
      const [a, b] = await hand.take(2);
      expect(await queue.depth('task')).toEqual({ waiting: 2, leased: 2 });
      a?.settle({ kind: 'retry', delayMs: 5_000 });
      b?.settle({ kind: 'reject', reason: 'no' });
      await hand.take(2);
      await advance(0);
      expect(await queue.depth('task')).toEqual({ waiting: 1, leased: 2 });
    },
  },
  {
    number: 17,
    name: 'stop-waits-for-handlers-and-takes-no-more',
    async run({ queue, advance }) {
      const hand = new Hand(queue, { concurrencyMax: 1 });
      await queue.publish(newWorks(3));
      const call = await hand.next();
      let stopped = false;
      const stopping = hand.consumption.stop(10_000).then(() => (stopped = true));
      await advance(1_000);
      expect([stopped, call.signal.aborted]).toEqual([false, false]);
      call.settle(ack);
      await stopping;
      await hand.consumption.stop(0);
      await advance(0);
      expect(hand.seen).toHaveLength(1);
      expect(await queue.depth('task')).toEqual({ waiting: 2, leased: 0 });
    },
  },
  {
    number: 18,
    name: 'stop-aborts-after-its-grace-and-gives-the-work-back',
    async run({ queue, advance }) {
      const hand = new Hand(queue, { ackWaitMs: 30_000 });
      await queue.publish([newWork('i1')]);
      const call = await hand.next();
      const stopping = hand.consumption.stop(2_000);
      await advance(1_900);
      expect(call.signal.aborted).toBe(false);
      await advance(200);
      await stopping;
      expect(call.signal.aborted).toBe(true);
      const other = new Hand(queue);
      await advance(60_000);
      const again = await other.next();
      expect([again.leased.work.intentId, again.leased.delivery]).toEqual(['i1', 2]);
      again.settle(ack);
    },
  },
  {
    number: 19,
    name: 'two-consumers-share-the-work',
    async run({ queue, advance }) {
      const hands = [new Hand(queue, { concurrencyMax: 5 }), new Hand(queue, { concurrencyMax: 5 })];
      await queue.publish(newWorks(10));
      const calls = (await Promise.all(hands.map((hand) => hand.take(5)))).flat();
      await advance(0);
      expect(new Set(calls.map((c) => c.leased.work.intentId)).size).toBe(10);
      for (const call of calls) call.settle(ack);
      await advance(60_000);
      expect(hands.map((hand) => hand.seen.length)).toEqual([5, 5]);
    },
  },
  {
    number: 20,
    name: 'closed-says-so-and-aborts-what-runs',
    async run({ queue, advance }) {
      const hand = new Hand(queue);
      await queue.publish([newWork('i1')]);
      const call = await hand.next();
      await Promise.all([queue.close(), advance(60_000)]);
      await queue.close();
      expect(call.signal.aborted).toBe(true);
      expect(await faultOf(queue.publish([newWork('i2')]))).toBe('QUEUE_CLOSED');
      expect(await faultOf(queue.depth('task'))).toBe('QUEUE_CLOSED');
      expect(await faultOf(queue.revoke(['i1']))).toBe('QUEUE_CLOSED');
      expect(() => new Hand(queue)).toThrow(/QUEUE_CLOSED/);
    },
  },
];
