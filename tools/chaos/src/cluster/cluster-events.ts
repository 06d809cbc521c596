import { openEventStoreDb } from '@maestro/adapter-eventstoredb';
import { openJetStreamEventStore, openNatsConnection } from '@maestro/adapter-jetstream';
import type { Cursor, EventStore, StoredEvent } from '@maestro/ports';
import type { PlannedServers } from '@maestro/cli/cluster';

const PAGE_EVENTS = 500;

/** Every event of one deployment, in the order of its store, read from the servers themselves. `known`: the first of them, which are not read again. */
export async function clusterEvents(servers: Pick<PlannedServers, 'esdb' | 'natsUrl'>, prefix = 'mc', known: readonly StoredEvent[] = []): Promise<readonly StoredEvent[]> {
  if (servers.esdb !== null) {
    const store = await openEventStoreDb({ connectionString: servers.esdb, namespace: prefix });
    return allOf(store, known).finally(() => store.close());
  }
  const link = await openNatsConnection({ servers: [servers.natsUrl], prefix, name: 'judge' });
  try {
    const store = await openJetStreamEventStore({ link, acceptWeakDurability: true });
    return await allOf(store, known).finally(() => store.close());
  } finally {
    await link.close();
  }
}

async function allOf(store: EventStore, known: readonly StoredEvent[]): Promise<readonly StoredEvent[]> {
  const events = [...known];
  for (let after: Cursor | null = known.at(-1)?.cursor ?? null; ; ) {
    const page = await store.readAll({ after, limit: PAGE_EVENTS });
    events.push(...page.events);
    after = page.next;
    if (page.end) return events;
  }
}
