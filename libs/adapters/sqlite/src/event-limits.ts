import { categoryOf, parseStreamName } from '@maestro/domain';
import { Fault, type EventFilter, type NewEvent, type StoredEvent, type StoreLimits } from '@maestro/ports';

/** What one commit may hold: also what every supported server can take in one message. */
export const sqliteStoreLimits: StoreLimits = {
  eventBytesMax: 512 * 1024,
  commitEventsMax: 256,
  commitBytesMax: 1024 * 1024,
  pageEventsMax: 1_000,
};

export function checkStreamName(name: string): void {
  if (parseStreamName(name) !== undefined) return;
  throw new Fault('STREAM_NAME_INVALID', `"${name}" does not match [a-z]+-[a-z0-9_-]{1,128}`);
}

/** Throws a fault where these events may not be appended; nothing has left this thread then. */
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

export function matches(event: StoredEvent, filter: EventFilter | undefined): boolean {
  if (filter?.types !== undefined && !filter.types.includes(event.type)) return false;
  return filter?.categories === undefined || filter.categories.includes(categoryOf(event.stream));
}
