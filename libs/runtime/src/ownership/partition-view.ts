import type { EventStore, SubscriptionItem } from '@maestro/ports';
import { partitionOf } from '@maestro/ports';

/** One share of all streams. */
export type Partition = { readonly index: number; readonly count: number };

/** `3-of-6`: part of the names under which a share's owner remembers; another count is another division. */
export function partitionName({ index, count }: Partition): string {
  return `${index}-of-${count}`;
}

/** All of them. */
export function partitionsOf(count: number): readonly Partition[] {
  return Array.from({ length: count }, (_, index) => ({ index, count }));
}

/** Whether a stream is of a partition. A run's receipt is where its run is. */
export function isOfPartition(stream: string, { index, count }: Partition): boolean {
  return partitionOf(stream.replace(/^receipt-/, 'execution-'), count) === index;
}

/** The store as the owner of one partition follows it: events of other partitions only move its cursor. All else is as it is. */
export function partitionView(store: EventStore, partition: Partition): EventStore {
  return {
    append: (...asked) => store.append(...asked),
    readStream: (...asked) => store.readStream(...asked),
    readAll: (...asked) => store.readAll(...asked),
    head: () => store.head(),
    compare: (a, b) => store.compare(a, b),
    close: () => store.close(),
    limits: store.limits,
    async *subscribe(o) {
      for await (const item of store.subscribe(o)) yield isElsewhere(item, partition) ? { kind: 'checkpoint', cursor: item.kind === 'event' ? item.event.cursor : item.cursor } : item;
    },
  };
}

function isElsewhere(item: SubscriptionItem, partition: Partition): item is Extract<SubscriptionItem, { kind: 'event' | 'damaged' }> {
  const stream = item.kind === 'event' ? item.event.stream : item.kind === 'damaged' ? item.stream : null;
  return stream !== null && !isOfPartition(stream, partition);
}
