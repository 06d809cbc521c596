import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { newEvent, newEvents, newStream } from '@maestro/conformance';
import { isFault, type Appended, type Conflict, type StoredEvent, type SubscriptionItem } from '@maestro/ports';
import { openSqliteEventStore, type SqliteEventStore, type SqliteEventStoreOptions } from './event-store.ts';

let folder: string;
let store: SqliteEventStore | undefined;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'maestro-live-'))));
afterEach(async () => {
  await store?.close();
  store = undefined;
  rmSync(folder, { recursive: true });
});

async function open(o: Partial<SqliteEventStoreOptions> = {}): Promise<SqliteEventStore> {
  store = await openSqliteEventStore({ path: join(folder, 'deep', 'events.db'), ...o });
  return store;
}

async function events(items: AsyncIterator<SubscriptionItem>, count: number): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  while (found.length < count) {
    const { value } = (await items.next()) as { value: SubscriptionItem };
    if (value.kind === 'event') found.push(value.event);
  }
  return found;
}

describe('SqliteEventStore', () => {
  it('hands the same object of a new event to every reader, with the bytes that were appended', async () => {
    const s = await open();
    const abort = new AbortController();
    const feeds = [1, 2].map(() => s.subscribe({ after: null, signal: abort.signal }));
    const event = newEvent('once');
    await s.append(newStream(), 'none', [event]);
    const [first, second] = await Promise.all(feeds.map((feed) => events(feed, 1)));
    const page = await s.readAll({ after: null, limit: 10 });
    expect(first?.[0]).toBe(second?.[0]);
    expect(page.events[0]).toBe(first?.[0]);
    expect(first?.[0]?.bytes).toBe(event.bytes);
    abort.abort();
  });
  it('lets a reader that fell behind the events in memory go on from disk', async () => {
    const s = await open({ recentEventsMax: 8 });
    const abort = new AbortController();
    const slow = s.subscribe({ after: null, signal: abort.signal });
    const expected: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      const batch = newEvents(i % 7 === 0 ? 20 : 1);
      await s.append(newStream(), 'none', batch);
      expected.push(...batch.map((e) => e.id));
    }
    expect((await events(slow, expected.length)).map((e) => e.id)).toEqual(expected);
    abort.abort();
  });
  it('ends a waiting subscription with a fault when it is closed', async () => {
    const s = await open();
    const feed = s.subscribe({ after: null, signal: new AbortController().signal });
    await feed.next();
    const pending = feed.next().catch((e: unknown) => e);
    await s.close();
    expect(isFault(await pending, 'STORE_CLOSED')).toBe(true);
  });
  it('keeps reading when the database may not grow, and writes again when it may', async () => {
    const s = await open({ storeBytesMax: 256 * 1024 });
    const stream = newStream();
    const bulky = (): ReturnType<typeof newEvent> => newEvent(new Uint8Array(50_000));
    let version: 'none' | { revision: bigint; token: string } = 'none';
    let fault: unknown;
    while (fault === undefined) {
      const answer: Appended | Conflict | void = await s
        .append(stream, version, [bulky()])
        .catch((e: unknown) => void (fault = e));
      if (answer?.kind === 'appended') version = answer.version;
    }
    expect(isFault(fault, 'STORE_READ_ONLY') && fault.retryable).toBe(true);
    const page = await s.readStream(stream, { direction: 'backward', limit: 1 });
    expect(page.kind === 'page' && page.version).toEqual(version);
    await s.close();
    const larger = await open({ storeBytesMax: 1024 * 1024 });
    expect((await larger.append(stream, version, [bulky()])).kind).toBe('appended');
  });
  it('refuses a cursor past its end, as a copy that lost events would', async () => {
    const s = await open();
    const { cursor } = (await s.append(newStream(), 'none', newEvents(1))) as { cursor: string };
    const fault: unknown = await s.readAll({ after: cursor.replace(/1$/, '7'), limit: 1 }).catch((e: unknown) => e);
    expect(isFault(fault, 'CURSOR_INVALID') && fault.message).toContain('ends at 1');
  });
  it('rejects when it cannot be opened, and does not hold the folder then', async () => {
    const s = await open();
    const second: unknown = await openSqliteEventStore({ path: join(folder, 'deep', 'events.db') }).catch(
      (e: unknown) => e,
    );
    expect(isFault(second, 'STORE_IN_USE')).toBe(true);
    await s.close();
    await open();
  });
  it('has on disk, after a kill, every event that it acknowledged', async () => {
    const path = join(folder, 'killed.db');
    const script = join(import.meta.dirname, '../fixtures/append-until-killed.mjs');
    const child = spawn(process.execPath, ['--conditions=source', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 300) child.kill('SIGKILL');
    }
    expect(await exited).toBe('SIGKILL');
    const s = (store = await openSqliteEventStore({ path }));
    const abort = new AbortController();
    const stored = new Set<string>();
    for await (const item of s.subscribe({ after: null, signal: abort.signal })) {
      if (item.kind === 'event') stored.add(item.event.id);
      else if (item.kind === 'caught-up') abort.abort();
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(300);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });
});

describe('a store whose reader cannot be opened', () => {
  it('is refused as a fault, and its writer ended: nothing stays behind that holds the folder', async () => {
    const posted: string[] = [];
    const startWriter: SqliteEventStoreOptions['startWriter'] = () => ({
      post: ({ kind }) => void posted.push(kind),
      listen: (message, ended) =>
        queueMicrotask(() => {
          message({ kind: 'opened', incarnation: 'i', position: 0 });
          // a writer that is told to close ends some time later
          setImmediate(() => ended('it exited'));
        }),
    });
    const opening = openSqliteEventStore({ path: join(folder, 'missing.db'), startWriter });
    await expect(opening).rejects.toMatchObject({ name: 'Fault', code: 'STORE_READ_ONLY' });
    expect(posted).toEqual(['close']);
  });
});
