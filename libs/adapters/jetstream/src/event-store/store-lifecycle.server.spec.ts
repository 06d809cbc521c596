import { newEvent, newEvents, newStream } from '@maestro/conformance';
import { isFault, type EventStore, type SubscriptionItem } from '@maestro/ports';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { openJetStreamEventStore } from './open-event-store.ts';
import { reportsByMonitor } from './sync-proof.ts';

const faultOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('JetStreamEventStore', () => {
  let server: NatsServer;
  const links: NatsLink[] = [];
  beforeAll(async () => void (server = await startNatsServer({ fileStoreMax: '4MB' })));
  afterEach(async () => void (await Promise.all(links.splice(0).map((link) => link.close()))));
  afterAll(() => server.dispose());
  let made = 0;
  async function open(prefix = `own${(made += 1)}`): Promise<{ readonly store: EventStore; readonly link: NatsLink }> {
    const link = await openNatsConnection({ servers: [server.url], prefix });
    links.push(link);
    return { link, store: await openJetStreamEventStore({ link, syncReporter: reportsByMonitor([server.monitorUrl]), patienceMs: 2_000, pageEventsMax: 5 }) };
  }
  const items = (store: EventStore, signal = new AbortController().signal): AsyncIterator<SubscriptionItem> =>
    store.subscribe({ after: null, signal })[Symbol.asyncIterator]();

  it('keeps deployments with different prefixes apart', async () => {
    const [{ store: one }, { store: two }] = [await open('left'), await open('right')];
    const stream = newStream();
    await one.append(stream, 'none', newEvents(1));
    expect(await two.readStream(stream, { direction: 'forward', limit: 1 })).toEqual({ kind: 'missing' });
    expect(await two.head()).toBeNull();
    expect(await two.append(stream, 'none', newEvents(2))).toMatchObject({ kind: 'appended' });
    expect((await one.readAll({ after: null, limit: 5 })).events).toHaveLength(1);
    await Promise.all([one.close(), two.close()]);
  });

  it('shows what another process appends, at once where a feed waits', async () => {
    const [{ store: writer }, { store: reader }] = [await open('common'), await open('common')];
    const feed = items(reader);
    expect(await feed.next()).toMatchObject({ value: { kind: 'caught-up', cursor: null } });
    const next = feed.next();
    const [event] = newEvents(1);
    await writer.append(newStream(), 'none', [event]);
    expect(await next).toMatchObject({ value: { kind: 'event', event: { id: event.id } } });
    await Promise.all([writer.close(), reader.close()]);
  });

  it('ends a waiting feed, and whatever comes later, with STORE_CLOSED', async () => {
    const { store } = await open();
    const feed = items(store);
    await feed.next();
    const pending = faultOf(feed.next());
    await store.close();
    expect(isFault(await pending, 'STORE_CLOSED')).toBe(true);
    const late = [
      store.head(),
      store.append(newStream(), 'none', newEvents(1)),
      store.readStream(newStream(), { direction: 'forward', limit: 1 }),
      items(store).next(),
    ];
    for (const call of late) expect(isFault(await faultOf(call), 'STORE_CLOSED')).toBe(true);
  });

  it('finishes appends that are on their way before it is closed', async () => {
    const { store } = await open('closing');
    const pending = Array.from({ length: 20 }, () => store.append(newStream(), 'none', newEvents(1)));
    await store.close();
    expect((await Promise.all(pending)).map(({ kind }) => kind)).toEqual(Array(20).fill('appended'));
  });

  it('says that the connection was closed under it', async () => {
    const { store, link } = await open();
    await link.close();
    expect(isFault(await faultOf(store.head()), 'STORE_CLOSED')).toBe(true);
    expect(isFault(await faultOf(store.append(newStream(), 'none', newEvents(1))), 'STORE_CLOSED')).toBe(true);
    await store.close();
  });

  it('refuses a call whose signal has fired, an event whose hash is not its own, and a version of another store', async () => {
    const { store } = await open();
    const signal = AbortSignal.abort();
    expect(isFault(await faultOf(store.readAll({ after: null, limit: 1, signal })), 'ABORTED')).toBe(true);
    expect((await items(store, signal).next()).done).toBe(true);
    const wrong = newEvent('b', { hash: newEvent('a').hash });
    expect(isFault(await faultOf(store.append(newStream(), 'none', [wrong])), 'STORE_DAMAGED')).toBe(true);
    const stream = newStream();
    await store.append(stream, 'none', newEvents(3));
    for (const token of ['2', '1:1']) {
      expect(await store.append(stream, { revision: 2n, token }, newEvents(1))).toEqual({ kind: 'conflict', actual: { revision: 2n, token: '1:2' } });
    }
    expect(await store.append(newStream(), { revision: 2n, token: 'x' }, newEvents(1))).toEqual({ kind: 'conflict', actual: undefined });
    await store.close();
  });

  it('pages within commits, both ways and over all, each page with as many events as may be', async () => {
    const { store } = await open();
    const stream = newStream();
    let version: Parameters<EventStore['append']>[1] = 'none';
    for (const size of [3, 4, 1, 6]) {
      const answer = await store.append(stream, version, newEvents(size));
      if (answer.kind === 'appended') ({ version } = answer);
    }
    const page = async (direction: 'forward' | 'backward', from: number): Promise<number[]> => {
      const read = await store.readStream(stream, { direction, from: BigInt(from), limit: 5 });
      return read.kind === 'page' ? read.events.map(({ revision }) => Number(revision)) : [];
    };
    const range = (from: number, to: number): number[] => Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => (from < to ? from + i : from - i));
    for (let from = 0; from < 14; from += 1) {
      expect(await page('forward', from)).toEqual(range(from, Math.min(13, from + 4)));
      expect(await page('backward', from)).toEqual(range(from, Math.max(0, from - 4)));
    }
    const all: string[] = [];
    for (let after: string | null = null, end = false; !end;) {
      const read = await store.readAll({ after, limit: 5 });
      expect(read.events.length).toBe(Math.min(5, 14 - all.length));
      all.push(...read.events.map(({ cursor }) => cursor));
      ({ next: after, end } = read);
    }
    expect(all).toHaveLength(14);
    await store.close();
  });

  it('takes no more than the server has room for, and says so', async () => {
    const { store } = await open();
    const large = (): Promise<unknown> => store.append(newStream(), 'none', [newEvent(new Uint8Array(500_000))]);
    let fault: unknown;
    for (let i = 0; i < 12 && fault === undefined; i += 1) fault = await faultOf(large());
    expect(isFault(fault, 'STORE_READ_ONLY') && fault.retryable).toBe(true);
    expect((await store.readAll({ after: null, limit: 5 })).events.length).toBeGreaterThan(3);
    await store.close();
  });
});
