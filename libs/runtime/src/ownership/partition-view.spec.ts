import { MemoryEventStore } from '@maestro/adapter-memory';
import { eventHash } from '@maestro/receipt';
import type { NewEvent, SubscriptionItem } from '@maestro/ports';
import type { StreamName } from '@maestro/domain';
import { isOfPartition, partitionName, partitionView, partitionsOf } from './partition-view.ts';

const COUNT = 6;
const streams = Array.from({ length: 60 }, (_, i) => `execution-0192f0c1-2b3c-7d4e-8f50-${String(i).padStart(12, '0')}`);

function event(stream: string, i: number): NewEvent {
  const bytes = Buffer.from(stream);
  return { id: `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`, type: 'test.thing-happened.v1', bytes, hash: eventHash(bytes), sealed: null };
}

async function until(items: AsyncIterable<SubscriptionItem>): Promise<readonly SubscriptionItem[]> {
  const seen: SubscriptionItem[] = [];
  for await (const item of items) {
    if (item.kind === 'caught-up') return seen;
    seen.push(item);
  }
  return seen;
}

describe('partitions', () => {
  it('divide streams: each is of one', () => {
    for (const stream of streams) expect(partitionsOf(COUNT).filter((partition) => isOfPartition(stream, partition))).toHaveLength(1);
    const used = new Set(streams.map((stream) => partitionsOf(COUNT).find((partition) => isOfPartition(stream, partition))?.index));
    expect(used.size).toBe(COUNT);
  });

  it('keep the receipt of a run where the run is', () => {
    for (const stream of streams) {
      for (const partition of partitionsOf(COUNT)) expect(isOfPartition(stream.replace('execution-', 'receipt-'), partition)).toBe(isOfPartition(stream, partition));
    }
  });

  it('are named by their count: another count is another division', () => {
    expect([partitionName({ index: 3, count: 6 }), partitionName({ index: 3, count: 8 })]).toEqual(['3-of-6', '3-of-8']);
  });

  it('are what their owner sees of the store; all else only moves its cursor', async () => {
    const store = new MemoryEventStore();
    for (const [i, stream] of streams.entries()) await store.append(stream as StreamName, 'none', [event(stream, i)]);
    const seen: string[] = [];
    for (const partition of partitionsOf(COUNT)) {
      const signal = AbortSignal.timeout(30_000);
      const items = await until(partitionView(store, partition).subscribe({ after: null, signal }));
      seen.push(...items.flatMap((item) => (item.kind === 'event' ? [item.event.stream] : [])));
      // every event is either there, or a place that was considered
      expect(items.filter(({ kind }) => kind === 'event' || kind === 'checkpoint').length).toBeGreaterThanOrEqual(streams.length);
    }
    expect(seen.toSorted()).toEqual(streams.toSorted());
    const [first = ''] = streams;
    const view = partitionView(store, { index: 0, count: COUNT });
    expect([(await view.readStream(first as StreamName, { direction: 'forward', limit: 1 })).kind, await view.head(), view.limits]).toEqual(['page', await store.head(), store.limits]);
  });
});
