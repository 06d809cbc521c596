import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient, binaryEvent, jsonEvent } from '@eventstore/db-client';
import { newEvent, newEvents, newStream } from '@maestro/conformance';
import { isFault, type EventStore, type StoredEvent, type SubscriptionItem } from '@maestro/ports';
import { doubleHarness, type DoubleHarness } from '../fixtures/store-harness.ts';
import { startEventStoreDouble } from './double/index.ts';
import { openEventStoreDb } from './event-store.ts';

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no fault',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  );

/** What comes up to and with the first item of a kind. */
async function until(items: AsyncIterator<SubscriptionItem>, kind: SubscriptionItem['kind']): Promise<SubscriptionItem[]> {
  const seen: SubscriptionItem[] = [];
  for (;;) {
    const step = await items.next();
    if (step.done === true) throw new Error('the subscription ended');
    seen.push(step.value);
    if (step.value.kind === kind) return seen;
  }
}

const follow = (store: EventStore, signal: AbortSignal, after: string | null = null): AsyncIterator<SubscriptionItem> =>
  store.subscribe({ after, signal })[Symbol.asyncIterator]();

describe('EventStoreDbEventStore', () => {
  let h: DoubleHarness;
  let client: EventStoreDBClient;
  beforeEach(async () => {
    h = await doubleHarness({ nodeCount: 1 });
    client = EventStoreDBClient.connectionString(h.options.connectionString);
  });
  afterEach(async () => {
    await client.dispose();
    await h.dispose();
  });
  const physical = (stream: string): string => `${h.options.namespace}.${stream}`;

  it('asks for the leader with every call that it makes', async () => {
    const store = await h.open();
    const stream = newStream();
    await store.append(stream, 'none', newEvents(2));
    await store.readStream(stream, { direction: 'backward', limit: 1 });
    await store.readAll({ after: null, limit: 1 });
    await store.head();
    const stop = new AbortController();
    await until(follow(store, stop.signal), 'caught-up');
    stop.abort();
    for (const method of ['read', 'batch-append']) {
      expect(h.double.calls(method)).toBeGreaterThan(0);
      expect([method, h.double.calls(`${method}+leader`)]).toEqual([method, h.double.calls(method)]);
    }
  });
  it('passes over what others write on the same server, however much, and names no place in it as its own', async () => {
    const store = await h.open();
    const { cursor } = (await store.append(newStream(), 'none', newEvents(1))) as { cursor: string };
    const noise = Array.from({ length: 200 }, () => jsonEvent({ type: 'order.placed', data: { a: 1 } }));
    for (let i = 0; i < 8; i += 1) await client.appendToStream(`orders-${i}`, noise);
    expect(await store.head()).toBe(cursor);
    const { events } = await store.readAll({ after: null, limit: 10 });
    expect(events).toHaveLength(1);
    let page = await store.readAll({ after: cursor, limit: 10 });
    let pages = 1;
    for (; !page.end; pages += 1) page = await store.readAll({ after: page.next, limit: 10 });
    expect([page.events, pages > 10]).toEqual([[], true]);
    const stop = new AbortController();
    const items = await until(follow(store, stop.signal), 'caught-up');
    expect(items.filter((i) => i.kind === 'event')).toHaveLength(1);
    stop.abort();
    expect(h.double.log.records.length).toBeGreaterThan(1_600);
  });
  it('names an event that somebody else wrote into one of its streams as damage, and goes on behind it', async () => {
    const store = await h.open();
    const [broken, whole] = [newStream(), newStream()];
    await store.append(broken, 'none', newEvents(2));
    await client.appendToStream(physical(broken), binaryEvent({ type: 'execution.requested.v1', data: Uint8Array.of(1) }));
    await store.append(whole, 'none', newEvents(1));
    const stop = new AbortController();
    const items = await until(follow(store, stop.signal), 'caught-up');
    stop.abort();
    expect(items.map((i) => i.kind).filter((kind) => kind !== 'checkpoint')).toEqual(['event', 'event', 'damaged', 'event', 'caught-up']);
    expect(items.find((i) => i.kind === 'damaged')).toMatchObject({ stream: broken, fault: { code: 'STORE_DAMAGED' } });
    expect(await codeOf(store.readStream(broken, { direction: 'forward', limit: 10 }))).toBe('STORE_DAMAGED');
    expect(await codeOf(store.readAll({ after: null, limit: 10 }))).toBe('STORE_DAMAGED');
    expect((await store.readStream(whole, { direction: 'forward', limit: 10 })).kind).toBe('page');
  });
  it('takes a stream that was deleted softly for damage, not for a new one', async () => {
    const store = await h.open();
    const [gone, hidden] = [newStream(), newStream()];
    await store.append(gone, 'none', newEvents(2));
    await store.append(hidden, 'none', newEvents(2));
    await client.deleteStream(physical(gone));
    expect(await codeOf(store.readStream(gone, { direction: 'forward', limit: 10 }))).toBe('STORE_DAMAGED');
    expect(await codeOf(store.append(gone, 'none', newEvents(1)))).toBe('STORE_DAMAGED');
    await h.truncate?.(hidden, 2n);
    expect(await codeOf(store.readStream(hidden, { direction: 'forward', limit: 10 }))).toBe('STORE_DAMAGED');
  });
  it('answers a version that it never made with a conflict', async () => {
    const store = await h.open();
    const stream = newStream();
    const foreign = { revision: 0n, token: 'seq:17' };
    expect(await store.append(stream, foreign, newEvents(1))).toEqual({ kind: 'conflict', actual: undefined });
    await store.append(stream, 'none', newEvents(1));
    expect(await store.append(stream, foreign, newEvents(1))).toMatchObject({ kind: 'conflict', actual: { revision: 0n } });
  });
  it('looks for its newest event only in what came since an earlier look', async () => {
    const store = await h.open();
    const own = newStream();
    await store.append(own, 'none', newEvents(1));
    const others = (count: number) => client.appendToStream(`other-${count}`, Array.from({ length: count }, (_, i) => jsonEvent({ type: 'noise', data: { i } })));
    await others(900);
    const first = await store.head();
    await others(7);
    const readsBefore = h.double.calls('read');
    expect([await store.head(), h.double.calls('read') - readsBefore]).toEqual([first, 1]);
    const appended = await store.append(own, { revision: 0n, token: '0' }, newEvents(1));
    expect(await store.head()).toBe(appended.kind === 'appended' ? appended.cursor : 'a conflict');
  });

  it('gives no version ahead of its last page, though an event lands between the two reads that it makes', async () => {
    const store = await h.open();
    const stream = newStream();
    let version = await store.append(stream, 'none', newEvents(1));
    for (let i = 0n; i < 40n; i += 1n) {
      if (version.kind !== 'appended') throw new Error('a conflict');
      const [page, next] = await Promise.all([
        store.readStream(stream, { direction: 'forward', from: i + 1n, limit: 10 }),
        store.append(stream, version.version, newEvents(1)),
      ]);
      version = next;
      if (page.kind === 'missing') throw new Error('missing');
      expect([i, page.version.revision]).toEqual([i, page.events.at(-1)?.revision ?? i]);
    }
  });
  it('writes nothing when an event comes with a hash that is not its own', async () => {
    const store = await h.open();
    const stream = newStream();
    const wrong = newEvent('b', { hash: newEvent('a').hash });
    expect(await codeOf(store.append(stream, 'none', [newEvent('a'), wrong]))).toBe('STORE_DAMAGED');
    expect((await store.readStream(stream, { direction: 'forward', limit: 1 })).kind).toBe('missing');
  });
  it('works alike where the connection string asks for values in the place of errors', async () => {
    const store = await openEventStoreDb({ ...h.options, connectionString: `${h.options.connectionString}&throwOnAppendFailure=false` });
    const stream = newStream();
    const events = newEvents(2);
    await store.append(stream, 'none', events);
    expect(await store.append(stream, 'none', events)).toMatchObject({ kind: 'appended', deduplicated: true });
    expect(await store.append(stream, 'none', newEvents(1))).toMatchObject({ kind: 'conflict', actual: { revision: 1n } });
    await store.close();
  });
  it('reads large events page by page, and reads back a commit that is larger than a page', async () => {
    const store = await openEventStoreDb({ ...h.options, namespace: 'large', appendBytesMax: 8 * 1024 * 1024 });
    const large = await doubleHarness({ nodeCount: 1, appendBytesMax: 8 * 1024 * 1024 });
    const roomy = await large.open();
    const stream = newStream();
    const events = Array.from({ length: 12 }, (_, i) => newEvent(new Uint8Array(500 * 1024).fill(i))) as [StoredEvent];
    expect(await roomy.append(stream, 'none', events)).toMatchObject({ kind: 'appended', deduplicated: false });
    expect(await roomy.append(stream, 'none', events)).toMatchObject({ kind: 'appended', deduplicated: true });
    const page = await roomy.readStream(stream, { direction: 'forward', limit: 100 });
    expect(page.kind === 'page' && [page.events.length < 12, page.end, page.version.revision]).toEqual([true, false, 11n]);
    expect(await codeOf(store.append(stream, 'none', events))).toBe('COMMIT_TOO_LARGE'); // its server takes 1 MiB
    await Promise.all([store.close(), large.dispose()]);
  });
  it('goes on with a subscription over a client that was replaced', async () => {
    const store = await h.open();
    const stop = new AbortController();
    const items = follow(store, stop.signal);
    await until(items, 'caught-up');
    h.double.hang(); // two calls without an answer: the client is replaced
    for (let i = 0; i < 2; i += 1) await codeOf(store.readAll({ after: null, limit: 1, timeoutMs: 50 }));
    h.double.resume();
    const events = newEvents(3);
    await store.append(newStream(), 'none', events);
    const seen = [await until(items, 'event'), await until(items, 'event'), await until(items, 'event')].flat();
    expect(seen.flatMap((i) => (i.kind === 'event' ? [i.event.id] : []))).toEqual(events.map((e) => e.id));
    stop.abort();
  });
  it('ends a waiting subscription with a fault when it is closed, after the answers of appends have come', async () => {
    const store = await h.open();
    const items = follow(store, new AbortController().signal);
    await until(items, 'caught-up');
    const pending = codeOf(items.next());
    const append = store.append(newStream(), 'none', newEvents(1));
    await store.close();
    expect(await append).toMatchObject({ kind: 'appended' });
    expect(['STORE_CLOSED', 'no fault']).toContain(await pending);
    expect(await codeOf(items.next())).toMatch(/STORE_CLOSED|no fault/);
    expect(await codeOf(store.head())).toBe('STORE_CLOSED');
  });
});

describe('opening an EventStoreDB', () => {
  it('where none listens fails after its time, and says that it may be tried again', async () => {
    const double = await startEventStoreDouble();
    double.close();
    const fault: unknown = await openEventStoreDb({ connectionString: double.connectionString, openTimeoutMs: 200 }).catch((e: unknown) => e);
    expect(isFault(fault, 'STORE_UNAVAILABLE') && fault.retryable).toBe(true);
  });
  it('by several processes at once makes one incarnation', async () => {
    const double = await startEventStoreDouble();
    const stores = await Promise.all(Array.from({ length: 5 }, () => openEventStoreDb({ connectionString: double.connectionString })));
    await stores[0]?.append(newStream(), 'none', newEvents(1));
    const heads = await Promise.all(stores.map((store) => store.head()));
    expect(new Set(heads).size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
    double.close();
  });
  it('that lost its latest events refuses cursors behind its end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-esdb-'));
    const logPath = join(folder, 'log');
    let double = await startEventStoreDouble({ logPath });
    let store = await openEventStoreDb({ connectionString: double.connectionString });
    for (let i = 0; i < 3; i += 1) await store.append(newStream(), 'none', newEvents(1));
    const head = await store.head();
    await store.close();
    double.close();
    writeFileSync(logPath, readFileSync(logPath, 'utf8').split('\n').slice(0, -3).join('\n') + '\n');
    double = await startEventStoreDouble({ logPath });
    store = await openEventStoreDb({ connectionString: double.connectionString });
    expect(await codeOf(store.readAll({ after: head, limit: 1 }))).toBe('CURSOR_INVALID');
    expect(await codeOf(follow(store, new AbortController().signal, head).next())).toBe('CURSOR_INVALID');
    expect((await store.readAll({ after: null, limit: 10 })).events).toHaveLength(1);
    await store.close();
    double.close();
    rmSync(folder, { recursive: true });
  });
});
