import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import type { Cursor, StoredEvent } from '@maestro/ports';

const PAGE_EVENTS = 500;

/** Every event of a store that nobody serves, in its order. The store is closed after. */
export async function storedEvents(path: string): Promise<readonly StoredEvent[]> {
  const store = await openSqliteEventStore({ path });
  try {
    const events: StoredEvent[] = [];
    for (let after: Cursor | null = null; ; ) {
      const page = await store.readAll({ after, limit: PAGE_EVENTS });
      events.push(...page.events);
      after = page.next;
      if (page.end) return events;
    }
  } finally {
    await store.close();
  }
}
