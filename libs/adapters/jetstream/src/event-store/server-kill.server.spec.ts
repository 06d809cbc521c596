import { jetstreamManager } from '@nats-io/jetstream';
import { newEvent, newStream } from '@maestro/conformance';
import type { EventStore, StoredEvent } from '@maestro/ports';
import { appendLoad, checkLoad, type LoadResult } from '../../fixtures/append-load.ts';
import { startNatsCluster, startNatsServer, type NatsCluster, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { openJetStreamEventStore } from './open-event-store.ts';
import { reportsByMonitor } from './sync-proof.ts';

type Client = { readonly link: NatsLink; readonly store: EventStore };

async function openClient(servers: readonly NatsServer[], replicas: 1 | 3): Promise<Client> {
  const link = await openNatsConnection({ servers: servers.map(({ url }) => url), reconnectWaitMs: 20, pingIntervalMs: 1_000 });
  return { link, store: await openJetStreamEventStore({ link, replicas, syncReporter: reportsByMonitor(servers.map(({ monitorUrl }) => monitorUrl)) }) };
}

/** Follows from the start up to the event with this id; damage ends it. */
async function followed(store: EventStore, lastId: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const item of store.subscribe({ after: null, signal: new AbortController().signal })) {
    if (item.kind === 'damaged') throw item.fault;
    if (item.kind !== 'event') continue;
    if (item.event.id === lastId) break;
    events.push(item.event);
  }
  return events;
}

async function everything(store: EventStore): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let after: string | null = null, end = false; !end; ) {
    const page = await store.readAll({ after, limit: 500 });
    all.push(...page.events);
    ({ next: after, end } = page);
  }
  return all;
}

/** Loads two stores, strikes each time so many commits were acknowledged, and holds all that is seen against what was promised. */
async function loadWhile(clients: readonly Client[], o: { readonly streams: number; readonly commitsPerAppender: number; readonly strikeEvery: number; readonly strikes: number; readonly strike: () => Promise<void> }): Promise<LoadResult> {
  const [first] = clients;
  if (first === undefined) throw new Error('no client');
  const last = newEvent();
  const feed = followed(first.store, last.id);
  let striking = Promise.resolve();
  let strikes = 0;
  const result = await appendLoad(clients.map(({ store }) => store), {
    ...o,
    afterCommit: (commits) => {
      if (strikes >= o.strikes || commits < (strikes + 1) * o.strikeEvery) return;
      strikes += 1;
      striking = striking.then(o.strike);
    },
  });
  await striking;
  expect(strikes).toBe(o.strikes);
  const all = await everything(first.store);
  expect(checkLoad(result, all)).toEqual([]);
  await first.store.append(newStream(), 'none', [last]);
  const seen = await feed;
  expect(seen.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  return result;
}

describe('kill -9 of the server during appends', () => {
  let server: NatsServer;
  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());

  it('loses and doubles nothing that was acknowledged, and feeds go on', async () => {
    const clients = [await openClient([server], 1), await openClient([server], 1)];
    const streams = 6;
    const result = await loadWhile(clients, { streams, commitsPerAppender: 50, strikeEvery: 100, strikes: 5, strike: () => server.restart() });
    expect(result.commits).toBe(clients.length * streams * 50);
    expect(result.conflicts).toBeGreaterThan(0);
    for (const { store, link } of clients) await store.close().then(() => link.close());
  }, 120_000);
});

describe('kill -9 of the leader of three', () => {
  let cluster: NatsCluster;
  beforeAll(async () => void (cluster = await startNatsCluster()));
  afterAll(() => cluster.dispose());

  it('loses and doubles nothing that was acknowledged, and feeds go on', async () => {
    const clients = [await openClient(cluster.servers, 3), await openClient(cluster.servers, 3)];
    const aside = await openNatsConnection({ servers: cluster.urls, reconnectWaitMs: 20 });
    const { streams: api } = await jetstreamManager(aside.connection, { checkAPI: false });
    const killed: string[] = [];
    const strike = async (): Promise<void> => {
      const leader = (await api.info('MC_EV')).cluster?.leader ?? '';
      killed.push(leader);
      await cluster.byName(leader).restart();
    };
    const streams = 6;
    const result = await loadWhile(clients, { streams, commitsPerAppender: 40, strikeEvery: 120, strikes: 2, strike });
    expect(killed).toHaveLength(2);
    expect(result.commits).toBe(clients.length * streams * 40);
    await aside.close();
    for (const { store, link } of clients) await store.close().then(() => link.close());
  }, 180_000);
});
