import { categoryOf } from '@maestro/domain';
import type { StreamName } from '@maestro/domain';
import type { EventStore, StoredEvent } from '@maestro/ports';

const PAGE_EVENTS = 200;

/**
 * The events of one stream from a revision on (inclusive): first those that are there, then each as it is appended.
 * T1. The head of the store is taken before the stream is read, so that nothing lies between reading and following.
 * T2. What both passes show is yielded once: only the next revision is ever yielded.
 * Ends without error when the signal fires; a stream that does not exist yet is waited for.
 */
export async function* followStream(store: EventStore, stream: StreamName, from: bigint, signal: AbortSignal): AsyncGenerator<StoredEvent, void, undefined> {
  const after = await store.head();
  let next = from;
  for (let end = false; !end && !signal.aborted; ) {
    const page = await store.readStream(stream, { from: next, direction: 'forward', limit: PAGE_EVENTS });
    if (page.kind === 'missing') break;
    for (const event of page.events) {
      if (signal.aborted) return;
      next = event.revision + 1n;
      yield event;
    }
    end = page.end || page.events.length === 0;
  }
  for await (const item of store.subscribe({ after, filter: { categories: [categoryOf(stream)] }, signal })) {
    if (item.kind === 'damaged' && item.stream === stream) throw item.fault;
    if (item.kind !== 'event' || item.event.stream !== stream || item.event.revision !== next) continue;
    next = item.event.revision + 1n;
    yield item.event;
  }
}
