import { setTimeout as delay } from 'node:timers/promises';
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
  for (let after: string | null = null, end = false; !end;) {
    const page = await store.readAll({ after, limit: 500 });
    all.push(...page.events);
    ({ next: after, end } = page);
  }
  return all;
}

/** Loads two stores, strikes each time so many commits were acknowledged, and holds all that is seen against what was promised. */
async function loadWhile(
  clients: readonly Client[],
  o: {
    readonly streams: number;
    readonly commitsPerAppender: number;
    readonly strikeEvery: number;
    readonly strikes: number;
    readonly strike: () => Promise<void>;
  },
): Promise<LoadResult> {
  const [first] = clients;
  if (first === undefined) throw new Error('no client');
  const last = newEvent();
  const known = (await everything(first.store)).map(({ id }) => id);
  const feed = followed(first.store, last.id);
  let striking = Promise.resolve();
  let strikes = 0;
  const result = await appendLoad(
    clients.map(({ store }) => store),
    {
      ...o,
      afterCommit: (commits) => {
        if (strikes >= o.strikes || commits < (strikes + 1) * o.strikeEvery) return;
        strikes += 1;
        striking = striking.then(o.strike);
      },
    },
  );
  await striking;
  expect(strikes).toBe(o.strikes);
  const before = new Set(known);
  const all = (await everything(first.store)).filter(({ id }) => !before.has(id));
  expect(checkLoad(result, all)).toEqual([]);
  await first.store.append(newStream(), 'none', [last]);
  const seen = (await feed).filter(({ id }) => !before.has(id));
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

  const leaderNow = async (link: NatsLink): Promise<string | undefined> => {
    const { streams } = await jetstreamManager(link.connection, { checkAPI: false, timeout: 500 });
    return streams.info('MC_EV').then(
      ({ cluster: of }) => of?.leader,
      () => undefined,
    );
  };

  /** Answers the leader as soon as there is one other than `not`. */
  async function leaderOtherThan(not: string, link: NatsLink): Promise<string> {
    for (;;) {
      const leader = await leaderNow(link);
      if (leader !== undefined && leader !== not) return leader;
      await delay(50);
    }
  }

  it.each([
    // as by a crash: what it had in memory is gone
    ['killed', (leader: NatsServer): Promise<void> => leader.restart(), 2],
    // as by a machine that hangs: it comes back and still takes itself for the leader
    [
      'stopped past its leadership',
      async (leader: NatsServer, aside: NatsLink): Promise<void> => {
        leader.pause();
        await leaderOtherThan(leader.name, aside).finally(() => leader.resume());
      },
      1,
    ],
  ])(
    '%s: loses and doubles nothing that was acknowledged, and feeds go on',
    async (_, hit, strikes) => {
      const clients = [await openClient(cluster.servers, 3), await openClient(cluster.servers, 3)];
      const aside = await openNatsConnection({ servers: cluster.urls, reconnectWaitMs: 20, pingIntervalMs: 500 });
      const struck: string[] = [];
      const strike = async (): Promise<void> => {
        const leader = await leaderOtherThan('', aside);
        struck.push(leader);
        await hit(cluster.byName(leader), aside);
      };
      const streams = 6;
      const result = await loadWhile(clients, { streams, commitsPerAppender: 40, strikeEvery: 120, strikes, strike });
      expect(struck).toHaveLength(strikes);
      expect(result.commits).toBe(clients.length * streams * 40);
      await aside.close();
      for (const { store, link } of clients) await store.close().then(() => link.close());
    },
    180_000,
  );
});
