import { setTimeout as pause } from 'node:timers/promises';
import { isFault } from '@maestro/ports';
import {
  Feed,
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

const PERSIST_MS = 15_000; // longer than any election
const PAUSE_MS = 20;

/** Tries again, with a pause, as long as the fault says that it may help and the server may still come back. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + PERSIST_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isFault(error) || !error.retryable || performance.now() > endMs) throw error;
      await pause(PAUSE_MS);
    }
  }
}

export const outageCases: readonly Case[] = [
  {
    number: 37,
    name: 'disconnect-resumes-from-last-cursor',
    needs: ['drop'],
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const before = await fill(store, stream, 50);
      const feed = new Feed(store);
      const seen = await feed.events(50);
      await h.drop?.();
      const events = newEvents(20);
      mustAppend(await persist(() => store.append(stream, before, events)));
      seen.push(...(await feed.events(20)));
      await h.drop?.();
      expect(seen.map((e) => e.id)).toEqual((await persist(() => readEverything(store))).map((e) => e.id));
      expect(seen).toHaveLength(70);
      await feed.stop();
    },
  },
  {
    number: 38,
    name: 'leader-kill-append-once-and-reads-recover',
    needs: ['kill'],
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      let version = await fill(store, stream, 10);
      const sent: string[] = [];
      const killed = h.kill?.();
      for (let i = 0; i < 30; i += 1) {
        const events = newEvents(1);
        const at = version;
        version = mustAppend(await persist(() => store.append(stream, at, events))).version;
        sent.push(events[0].id);
      }
      await killed;
      const stored = await persist(() => readWhole(store, stream));
      expect(stored.slice(10).map((e) => e.id)).toEqual(sent);
      expect(version.revision).toBe(39n);
    },
  },
  {
    number: 39,
    name: 'tombstoned-vs-missing',
    needs: ['tombstone'],
    async run(h) {
      const store = await h.open();
      const [gone, never] = [newStream(), newStream()];
      const version = await fill(store, gone, 3);
      await h.tombstone?.(gone);
      // nothing in this system deletes events, so a stream that was is damage; it must not look like a new one
      const read: unknown = await store.readStream(gone, { direction: 'forward', limit: 10 }).catch((e: unknown) => e);
      expect(isFault(read, 'STORE_DAMAGED')).toBe(true);
      for (const expected of ['none' as const, version]) {
        const write: unknown = await store.append(gone, expected, newEvents(1)).catch((e: unknown) => e);
        expect(isFault(write, 'STORE_DAMAGED')).toBe(true);
      }
      expect(await store.readStream(never, { direction: 'forward', limit: 10 })).toEqual({ kind: 'missing' });
    },
  },
  {
    number: 40,
    name: 'truncation-hides-from-stream-read',
    needs: ['truncate'],
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const version = await fill(store, stream, 8);
      await h.truncate?.(stream, 5n);
      const page = await store.readStream(stream, { direction: 'forward', limit: 100 });
      // what is left keeps its numbers and the version stays: nothing is renumbered, nothing served twice
      const left = page.kind === 'page' ? page.events.map((e) => Number(e.revision)) : 'missing';
      expect(left).toEqual([5, 6, 7]);
      expect(page.kind === 'page' && page.version).toEqual(version);
      expect(mustAppend(await store.append(stream, version, newEvents(1))).version.revision).toBe(8n);
    },
  },
];
