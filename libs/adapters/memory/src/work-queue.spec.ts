import { workQueueConformance } from '@maestro/conformance';
import type { Work } from '@maestro/ports';
import { ManualClock } from './clock.ts';
import { seededEntropy } from './entropy.ts';
import { MemoryWorkQueue } from './work-queue.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

workQueueConformance('memory', async () => {
  const clock = new ManualClock();
  const queue = new MemoryWorkQueue({ clock, entropy: seededEntropy('conformance'), waitingMax: 20 });
  const advance = async (ms: number): Promise<void> => {
    await turn();
    clock.advance(ms);
    await turn();
  };
  return { queue, waitingMax: 20, takesTurns: true, advance, dispose: () => queue.close() };
});

const work = (intentId: string, o: Partial<Work> = {}): Work => ({
  kind: 'task',
  intentId,
  workClass: 'default',
  executionId: 'run-1',
  payload: null,
  ...o,
});

describe('MemoryWorkQueue', () => {
  it('leaves no timer behind when all work is done, revoked or the queue is closed', async () => {
    const clock = new ManualClock();
    const queue = new MemoryWorkQueue({ clock, entropy: seededEntropy(1) });
    const answers = [{ kind: 'ack' }, { kind: 'retry', delayMs: 9_000 }, { kind: 'reject', reason: 'no' }] as const;
    queue.consume('task', async ({ work: w }) => answers[Number(w.intentId)] ?? { kind: 'ack' }, { concurrencyMax: 9 });
    await queue.publish([work('0'), work('1'), work('2')]);
    await turn();
    expect(clock.pending).toBe(1);
    await queue.revoke(['1']);
    expect(clock.pending).toBe(0);
    await queue.publish([work('1')]);
    await turn();
    await queue.close();
    expect(clock.pending).toBe(0);
  });
  it('keeps a slot taken while a handler ignores that its lease ran out', async () => {
    const clock = new ManualClock();
    const queue = new MemoryWorkQueue({ clock, entropy: seededEntropy(1) });
    let calls = 0;
    let release: (() => void) | undefined;
    const hang = new Promise<void>((resolve) => (release = resolve));
    const handler = async (): Promise<{ kind: 'ack' }> => {
      calls += 1;
      if (calls === 1) await hang;
      return { kind: 'ack' };
    };
    queue.consume('task', handler, { concurrencyMax: 1, ackWaitMs: 100 });
    await queue.publish([work('a')]);
    await turn();
    clock.advance(100);
    await turn();
    expect([calls, await queue.depth('task')]).toEqual([1, { waiting: 1, leased: 0 }]);
    release?.();
    await turn();
    expect([calls, await queue.depth('task')]).toEqual([2, { waiting: 0, leased: 0 }]);
  });
  it('keeps the names and reasons of rejected work, the latest ones', async () => {
    const queue = new MemoryWorkQueue({ clock: new ManualClock(), entropy: seededEntropy(1), rejectedMax: 2 });
    queue.consume('task', async (l) => ({ kind: 'reject', reason: `bad ${l.work.intentId}` }), { concurrencyMax: 1 });
    await queue.publish([work('a'), work('b'), work('c')]);
    await turn();
    expect((await queue.parked()).map(({ intentId, reason }) => [intentId, reason])).toEqual([
      ['b', 'bad b'],
      ['c', 'bad c'],
    ]);
  });
  it('takes classes in turn, so that one full class holds no other back', async () => {
    const queue = new MemoryWorkQueue({ clock: new ManualClock(), entropy: seededEntropy(1) });
    const order: string[] = [];
    await queue.publish([
      work('s1', { workClass: 's' }),
      work('s2', { workClass: 's' }),
      work('l1', { workClass: 'l' }),
    ]);
    queue.consume('task', async (l) => (order.push(l.work.intentId), { kind: 'ack' }), { concurrencyMax: 1 });
    await turn();
    expect(order).toEqual(['s1', 'l1', 's2']);
  });
  it('does not let a stopped consumer take away a lease that another one holds by now', async () => {
    const clock = new ManualClock();
    const queue = new MemoryWorkQueue({ clock, entropy: seededEntropy(1) });
    const signals: AbortSignal[] = [];
    const handler = (_: unknown, signal: AbortSignal): Promise<never> => (
      signals.push(signal),
      new Promise<never>(() => {})
    );
    const first = queue.consume('task', handler, { concurrencyMax: 1, ackWaitMs: 100 });
    await queue.publish([work('a')]);
    await turn();
    clock.advance(100);
    queue.consume('task', handler, { concurrencyMax: 1, ackWaitMs: 60_000 });
    await turn();
    const stopped = first.stop(10);
    clock.advance(10);
    await stopped;
    expect(signals.map((s) => s.aborted)).toEqual([true, false]);
    expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 1 });
  });
});
