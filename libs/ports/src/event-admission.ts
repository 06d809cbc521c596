import { categoryOf, parseStreamName } from '@maestro/domain';
import type { EventFilter, NewEvent, StoredEvent, StoreLimits } from './event-store.ts';
import { Fault } from './fault.ts';

/** What one commit may hold in the embedded stores: also what every supported server can take in one message. */
export const EMBEDDED_STORE_LIMITS: StoreLimits = {
  eventBytesMax: 512 * 1024,
  commitEventsMax: 256,
  commitBytesMax: 1024 * 1024,
  pageEventsMax: 1_000,
};

/** Fault: STREAM_NAME_INVALID. */
export function checkStreamName(name: string): void {
  if (parseStreamName(name) !== undefined) return;
  throw new Fault('STREAM_NAME_INVALID', `"${name}" does not match [a-z]+-[a-z0-9_-]{1,128}`);
}

/** Faults: APPEND_EMPTY, EVENT_TOO_LARGE, COMMIT_TOO_LARGE; every adapter asks before it does anything else. */
export function checkEvents(events: readonly NewEvent[], limits: StoreLimits): void {
  if (events.length === 0) throw new Fault('APPEND_EMPTY', 'an append needs at least one event');
  if (events.length > limits.commitEventsMax) {
    throw new Fault(
      'COMMIT_TOO_LARGE',
      `${events.length} events in one commit; at most ${limits.commitEventsMax}, split it`,
    );
  }
  let total = 0;
  for (const e of events) {
    const size = e.bytes.length + (e.sealed?.length ?? 0);
    if (size > limits.eventBytesMax) {
      throw new Fault(
        'EVENT_TOO_LARGE',
        `event ${e.id} has ${size} bytes; at most ${limits.eventBytesMax}, store a blob instead`,
      );
    }
    total += size;
  }
  if (total > limits.commitBytesMax) {
    throw new Fault('COMMIT_TOO_LARGE', `${total} bytes in one commit; at most ${limits.commitBytesMax}, split it`);
  }
}

/** Faults: STORE_CLOSED, ABORTED; every call of an adapter asks before it does anything else. */
export function checkCall(isClosed: boolean, signal?: AbortSignal): void {
  if (isClosed) throw new Fault('STORE_CLOSED', 'the store was closed; open it again');
  if (signal?.aborted === true) throw new Fault('ABORTED', 'the signal fired before the call began; nothing was done');
}

/** How many events a page may hold: at least one, and no more than the store's limit. */
export function pageLimit(asked: number, limits: StoreLimits): number {
  return Math.min(Math.max(1, asked), limits.pageEventsMax);
}

/** Whether a filter lets an event through. */
export function matches(event: StoredEvent, filter: EventFilter | undefined): boolean {
  if (filter?.types !== undefined && !filter.types.includes(event.type)) return false;
  return filter?.categories === undefined || filter.categories.includes(categoryOf(event.stream));
}
