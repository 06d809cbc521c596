import { isFault, type EventStore, type StoredEvent } from '@maestro/ports';
import type { StreamName } from '@maestro/domain';
import {
  fill,
  mustAppend,
  newEvents,
  newStream,
  readEverything,
  readWhole,
  type EventStoreHarness,
} from './event-store-harness.ts';
import type { ConformanceCase } from './matrix.ts';

type Case = ConformanceCase<EventStoreHarness>;

async function pageOf(
  store: EventStore,
  stream: StreamName,
  o: { direction: 'forward' | 'backward'; limit: number; from?: bigint },
): Promise<{ revisions: number[]; version: bigint; end: boolean }> {
  const page = await store.readStream(stream, o);
  if (page.kind === 'missing') throw new Error('the stream is missing');
  return { revisions: page.events.map((e) => Number(e.revision)), version: page.version.revision, end: page.end };
}

const ids = (events: readonly StoredEvent[]): string[] => events.map((e) => e.id);

export const readCases: readonly Case[] = [
  {
    number: 20,
    name: 'read-missing-typed',
    async run(h) {
      const store = await h.open();
      await fill(store, newStream(), 1);
      for (const direction of ['forward', 'backward'] as const) {
        expect(await store.readStream(newStream(), { direction, limit: 10 })).toEqual({ kind: 'missing' });
      }
      const bad = store.readStream('No Such*Name' as StreamName, { direction: 'forward', limit: 1 });
      expect(await bad.catch((e: unknown) => isFault(e, 'STREAM_NAME_INVALID'))).toBe(true);
    },
  },
  {
    number: 21,
    name: 'forward-paging-no-gap-no-dup',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      await fill(store, stream, 250);
      await fill(store, newStream(), 20);
      for (const limit of [1, 7, 250, 10_000]) {
        const all = await readWhole(store, stream, limit);
        expect(all.map((e) => Number(e.revision))).toEqual(Array.from({ length: 250 }, (_, i) => i));
      }
      const last = await pageOf(store, stream, { direction: 'forward', from: 249n, limit: 5 });
      expect(last).toEqual({ revisions: [249], version: 249n, end: true });
      const beyond = await pageOf(store, stream, { direction: 'forward', from: 250n, limit: 5 });
      expect(beyond).toEqual({ revisions: [], version: 249n, end: true });
    },
  },
  {
    number: 22,
    name: 'backward-from-end',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      await fill(store, stream, 10);
      const tail = await pageOf(store, stream, { direction: 'backward', limit: 3 });
      expect(tail).toEqual({ revisions: [9, 8, 7], version: 9n, end: false });
      const rest = await pageOf(store, stream, { direction: 'backward', from: 1n, limit: 3 });
      expect(rest).toEqual({ revisions: [1, 0], version: 9n, end: true });
      const above = await pageOf(store, stream, { direction: 'backward', from: 99n, limit: 1 });
      expect(above.revisions).toEqual([9]);
    },
  },
  {
    number: 23,
    name: 'limit-honoured-and-calls-released',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      await fill(store, stream, 40);
      const firsts = await Promise.all(
        Array.from({ length: 100 }, () => pageOf(store, stream, { direction: 'forward', limit: 4 })),
      );
      expect(firsts.every((p) => p.revisions.join() === '0,1,2,3' && !p.end)).toBe(true);
      expect((await store.readAll({ after: null, limit: 4 })).events).toHaveLength(4);
      // a hundred abandoned pages later the store still reads, writes and closes
      const { version } = mustAppend(await store.append(newStream(), 'none', newEvents(1)));
      expect(version.revision).toBe(0n);
      await store.close();
      await store.close();
      const closed = await store.readAll({ after: null, limit: 1 }).catch((e: unknown) => e);
      expect(isFault(closed, 'STORE_CLOSED')).toBe(true);
      const late = await store.append(newStream(), 'none', newEvents(1)).catch((e: unknown) => e);
      expect(isFault(late, 'STORE_CLOSED')).toBe(true);
    },
  },
  {
    number: 24,
    name: 'read-your-write-at-leader',
    async run(h) {
      const store = await h.open();
      expect(await store.head()).toBeNull();
      const stream = newStream();
      let version: 'none' | { revision: bigint; token: string } = 'none';
      for (let i = 0; i < 20; i += 1) {
        const answer = mustAppend(await store.append(stream, version, newEvents(1)));
        version = answer.version;
        expect((await pageOf(store, stream, { direction: 'backward', limit: 1 })).version).toBe(BigInt(i));
        expect((await readEverything(store)).at(-1)?.cursor).toBe(answer.cursor);
        expect(await store.head()).toBe(answer.cursor);
      }
    },
  },
];

export const allCases: readonly Case[] = [
  {
    number: 25,
    name: 'readAll-append-order',
    async run(h) {
      const store = await h.open();
      const streams = [newStream(), newStream('workflow'), newStream()];
      const appended: string[] = [];
      for (let round = 0; round < 10; round += 1) {
        for (const stream of streams) {
          const events = newEvents(2);
          const page = await store.readStream(stream, { direction: 'backward', limit: 1 });
          await store.append(stream, page.kind === 'missing' ? 'none' : page.version, events);
          appended.push(...events.map((e) => e.id));
        }
      }
      expect(ids(await readEverything(store, undefined, 7))).toEqual(appended);
      expect(ids(await readEverything(await h.reopen()))).toEqual(appended);
    },
  },
  {
    number: 26,
    name: 'cursor-exclusive-resume',
    async run(h) {
      const store = await h.open();
      await fill(store, newStream(), 30);
      const all = await readEverything(store);
      const middle = all[11]?.cursor ?? null;
      const after = await store.readAll({ after: middle, limit: 100 });
      expect(ids(after.events)).toEqual(ids(all.slice(12)));
      const end = await store.readAll({ after: all.at(-1)?.cursor ?? null, limit: 100 });
      expect(end).toEqual({ events: [], next: all.at(-1)?.cursor, end: true });
      expect((await store.readAll({ after: null, limit: 30 })).next).toBe(all.at(-1)?.cursor);
    },
  },
  {
    number: 27,
    name: 'cursor-serialises-and-compares',
    async run(h) {
      const store = await h.open();
      await fill(store, newStream(), 25);
      const cursors = (await readEverything(store)).map((e) => e.cursor);
      const reopened = await h.reopen();
      const copies = JSON.parse(JSON.stringify(cursors)) as string[];
      const shuffled = [...copies].reverse().sort((a, b) => reopened.compare(a, b));
      expect(shuffled).toEqual(cursors);
      expect(reopened.compare(copies[3] ?? '', cursors[3] ?? '')).toBe(0);
      const resumed = await reopened.readAll({ after: copies[9] ?? '', limit: 100 });
      expect(resumed.events.map((e) => e.cursor)).toEqual(cursors.slice(10));
    },
  },
  {
    number: 29,
    name: 'filter-category',
    async run(h) {
      const store = await h.open();
      const wanted = [newStream('workflow'), newStream('receipt')];
      const others = [newStream('execution'), newStream('workflows'), newStream('log')];
      for (const stream of [...wanted, ...others]) await fill(store, stream, 3);
      const found = await readEverything(store, { categories: ['workflow', 'receipt'] }, 2);
      expect(found.map((e) => e.stream)).toEqual(wanted.flatMap((s) => [s, s, s]));
      const none = await store.readAll({ after: null, filter: { categories: ['policy'] }, limit: 100 });
      expect(none).toEqual({ events: [], next: await store.head(), end: true });
    },
  },
  {
    number: 30,
    name: 'filter-type',
    async run(h) {
      const store = await h.open();
      const types = ['execution.requested.v1', 'execution.requested.v10', 'execution.completed.v1'];
      for (const type of types) {
        await fill(store, newStream('execution'), 2, { type });
        await fill(store, newStream('workflow'), 1, { type });
      }
      const byType = await readEverything(store, { types: ['execution.requested.v1', 'execution.completed.v1'] });
      expect(byType.map((e) => e.type)).toEqual([types[0], types[0], types[0], types[2], types[2], types[2]]);
      const both = await readEverything(store, { types: ['execution.requested.v10'], categories: ['workflow'] });
      expect(both).toHaveLength(1);
      expect(both[0]?.stream).toMatch(/^workflow-/);
    },
  },
];

/** Needs a second store, so it takes the factory. */
export function foreignCursorCase(factory: () => Promise<EventStoreHarness>): Case {
  return {
    number: 28,
    name: 'foreign-cursor-rejected',
    async run(h) {
      const store = await h.open();
      const own = mustAppend(await store.append(newStream(), 'none', newEvents(3))).cursor;
      const other = await factory();
      try {
        const foreign = mustAppend(await (await other.open()).append(newStream(), 'none', newEvents(1))).cursor;
        for (const bad of [foreign, '', 'nonsense', `${own}x`, own.slice(1)]) {
          const read = await store.readAll({ after: bad, limit: 1 }).catch((e: unknown) => e);
          expect([bad, isFault(read, 'CURSOR_INVALID')]).toEqual([bad, true]);
          const items = store.subscribe({ after: bad, signal: new AbortController().signal });
          const first = await items[Symbol.asyncIterator]()
            .next()
            .catch((e: unknown) => e);
          expect(isFault(first, 'CURSOR_INVALID')).toBe(true);
        }
        expect(() => store.compare(own, foreign)).toThrow(/CURSOR_INVALID/);
      } finally {
        await other.dispose();
      }
    },
  };
}
