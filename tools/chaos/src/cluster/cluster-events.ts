import { openEventStoreDb } from '@maestro/adapter-eventstoredb';
import { openJetStreamEventStore, openNatsConnection } from '@maestro/adapter-jetstream';
import type { Cursor, EventStore, StoredEvent } from '@maestro/ports';
import type { PlannedServers } from '@maestro/cli/cluster';

const PAGE_EVENTS = 500;

/** Every event of one deployment, in the order of its store, read from the servers themselves. */
export async function clusterEvents(servers: Pick<PlannedServers, 'esdb' | 'natsUrl'>, prefix = 'mc'): Promise<readonly StoredEvent[]> {
  if (servers.esdb !== null) {
    const store = await openEventStoreDb({ connectionString: servers.esdb, namespace: prefix });
    return allOf(store).finally(() => store.close());
  }
  const link = await openNatsConnection({ servers: [servers.natsUrl], prefix, name: 'judge' });
  try {
    const store = await openJetStreamEventStore({ link, acceptWeakDurability: true });
    return await allOf(store).finally(() => store.close());
  } finally {
    await link.close();
  }
}

async function allOf(store: EventStore): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let after: Cursor | null = null; ; ) {
    const page = await store.readAll({ after, limit: PAGE_EVENTS });
    events.push(...page.events);
    after = page.next;
    if (page.end) return events;
  }
}
