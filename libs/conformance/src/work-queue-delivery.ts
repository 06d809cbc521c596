import type { ConformanceCase } from './matrix.ts';
import { ack, Hand, newWork, newWorks, type WorkQueueHarness } from './work-queue-harness.ts';

type Case = ConformanceCase<WorkQueueHarness>;

const long = 60_000; // ms; longer than any back-off of a handler that threw

export const deliveryCases: readonly Case[] = [
  {
    number: 1,
    name: 'published-work-arrives-whole',
    async run({ queue }) {
      const hand = new Hand(queue);
      const work = newWork('i1', { payload: { a: ['é', 1, null] } });
      await queue.publish([work]);
      const call = await hand.next();
      expect(call.leased.work).toEqual(work);
      expect(call.leased.delivery).toBe(1);
      expect(call.leased.leaseId).not.toBe('');
      expect(call.signal.aborted).toBe(false);
      call.settle(ack);
    },
  },
  {
    number: 2,
    name: 'publish-idempotent-while-queued',
    async run({ queue, advance }) {
      await queue.publish([newWork('i1'), newWork('i1')]);
      await queue.publish([newWork('i1')]);
      expect(await queue.depth('task')).toEqual({ waiting: 1, leased: 0 });
      const hand = new Hand(queue);
      (await hand.next()).settle(ack);
      await advance(long);
      expect(hand.seen).toHaveLength(1);
    },
  },
  {
    number: 3,
    name: 'publish-idempotent-while-leased',
    async run({ queue, advance }) {
      const hand = new Hand(queue, { ackWaitMs: 30_000 });
      await queue.publish([newWork('i1')]);
      const call = await hand.next();
      await queue.publish([newWork('i1')]);
      expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 1 });
      call.settle(ack);
      await advance(long);
      expect(hand.seen).toHaveLength(1);
    },
  },
  {
    number: 4,
    name: 'after-ack-the-same-intent-may-come-again',
    async run({ queue, advance }) {
      const hand = new Hand(queue);
      for (let i = 0; i < 3; i += 1) {
        await queue.publish([newWork('i1')]);
        const call = await hand.next();
        expect(call.leased.delivery).toBe(1);
        call.settle(ack);
        await advance(0);
      }
      expect(new Set(hand.seen.map((c) => c.leased.leaseId)).size).toBe(3);
    },
  },
  {
    number: 5,
    name: 'lease-expiry-redelivers-with-the-next-delivery',
    async run({ queue, advance }) {
      const hand = new Hand(queue, { ackWaitMs: 1_000 });
      await queue.publish([newWork('i1')]);
      const first = await hand.next();
      await advance(900);
      expect([first.signal.aborted, hand.untaken]).toEqual([false, []]);
      await advance(200);
      const second = await hand.next();
      expect(first.signal.aborted).toBe(true);
      expect(second.leased.delivery).toBe(2);
      expect(second.leased.leaseId).not.toBe(first.leased.leaseId);
      // the old lease has no say any more: its answer must not forget the work
      first.settle(ack);
      await advance(0);
      expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 1 });
      second.settle(ack);
      await advance(long);
      expect(hand.seen).toHaveLength(2);
    },
  },
  {
    number: 6,
    name: 'retry-comes-not-before-its-delay',
    async run({ queue, advance }) {
      const hand = new Hand(queue);
      await queue.publish([newWork('i1')]);
      (await hand.next()).settle({ kind: 'retry', delayMs: 2_000 });
      await advance(1_800);
      expect(hand.untaken).toEqual([]);
      expect(await queue.depth('task')).toEqual({ waiting: 1, leased: 0 });
      await advance(400);
      const again = await hand.next();
      expect(again.leased.delivery).toBe(2);
      again.settle({ kind: 'retry', delayMs: 0 });
      const third = await hand.next();
      expect(third.leased.delivery).toBe(3);
      third.settle(ack);
    },
  },
  {
    number: 7,
    name: 'reject-keeps-it-away',
    async run({ queue, advance }) {
      const hand = new Hand(queue);
      await queue.publish([newWork('poison')]);
      expect(await queue.parked()).toEqual([]);
      (await hand.next()).settle({ kind: 'reject', reason: 'cannot be parsed' });
      await advance(long);
      await queue.publish([newWork('poison'), newWork('good')]);
      (await hand.next()).settle(ack);
      await advance(long);
      expect(hand.seen.map((c) => c.leased.work.intentId)).toEqual(['poison', 'good']);
      const parked = { intentId: 'poison', kind: 'task', executionId: newWork('poison').executionId, reason: 'cannot be parsed' };
      expect(await queue.parked()).toEqual([expect.objectContaining(parked)]);
      expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 0 });
    },
  },
  {
    number: 8,
    name: 'a-handler-that-throws-is-a-retry',
    async run({ queue, advance }) {
      const hand = new Hand(queue);
      await queue.publish([newWork('i1')]);
      (await hand.next()).fail(new Error('boom'));
      await advance(long);
      const again = await hand.next();
      expect([again.leased.work.intentId, again.leased.delivery]).toEqual(['i1', 2]);
      again.settle(ack);
      await advance(long);
      expect(hand.seen).toHaveLength(2);
    },
  },
  {
    number: 9,
    name: 'revoke-drops-waiting-work',
    async run({ queue, advance }) {
      await queue.publish(newWorks(3));
      await queue.revoke(['intent-1', 'unknown']);
      expect(await queue.depth('task')).toEqual({ waiting: 2, leased: 0 });
      const hand = new Hand(queue);
      for (const call of await hand.take(2)) call.settle(ack);
      await advance(long);
      expect(hand.seen.map((c) => c.leased.work.intentId)).toEqual(['intent-0', 'intent-2']);
    },
  },
  {
    number: 10,
    name: 'revoke-aborts-the-handlers-signal',
    async run({ queue, advance }) {
      const hand = new Hand(queue);
      await queue.publish(newWorks(2));
      const [revoked, other] = await hand.take(2);
      await queue.revoke(['intent-0']);
      await advance(0);
      expect([revoked?.signal.aborted, other?.signal.aborted]).toEqual([true, false]);
      // whatever its handler says now, revoked work does not come back
      revoked?.settle({ kind: 'retry', delayMs: 0 });
      other?.settle(ack);
      await advance(long);
      expect(hand.seen).toHaveLength(2);
      expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 0 });
    },
  },
];
