import { getEventListeners } from 'node:events';
import type { EventStore, StoredEvent, SubscriptionItem } from '@maestro/ports';
import type { StreamName } from '@maestro/domain';
import {
  Feed,
  fill,
  mustAppend,
  newEvents,
  newStream,
  readEverything,
  type EventStoreHarness,
} from './event-store-harness.ts';
import type { ConformanceCase } from './matrix.ts';

type Case = ConformanceCase<EventStoreHarness>;

const ids = (events: readonly StoredEvent[]): string[] => events.map((e) => e.id);
const eventsOf = (items: readonly SubscriptionItem[]): StoredEvent[] =>
  items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));

/** Appends `count` single events to one stream, each on top of the last. */
async function trickle(store: EventStore, stream: StreamName, count: number): Promise<void> {
  let version = mustAppend(await store.append(stream, 'none', newEvents(1))).version;
  for (let i = 1; i < count; i += 1) version = mustAppend(await store.append(stream, version, newEvents(1))).version;
}

export const subscribeCases: readonly Case[] = [
  {
    number: 31,
    name: 'sparse-filter-emits-checkpoints',
    async run(h) {
      const store = await h.open();
      await fill(store, newStream('execution'), 1500);
      const rare = newStream('workflow');
      await fill(store, rare, 1);
      await fill(store, newStream('execution'), 1500);
      const feed = new Feed(store, { filter: { categories: ['workflow'] } });
      const items = await feed.caughtUp();
      expect(eventsOf(items).map((e) => e.stream)).toEqual([rare]);
      const checkpoints = items.flatMap((i) => (i.kind === 'checkpoint' ? [i.cursor] : []));
      expect(checkpoints.length).toBeGreaterThanOrEqual(2);
      expect([...checkpoints].sort((a, b) => store.compare(a, b))).toEqual(checkpoints);
      const places = items.flatMap((i) =>
        i.kind === 'event' ? [i.event.cursor] : i.kind === 'checkpoint' ? [i.cursor] : [],
      );
      expect([...places].sort((a, b) => store.compare(a, b))).toEqual(places);
      await feed.stop();
    },
  },
  {
    number: 32,
    name: 'checkpoint-resume-loses-nothing',
    async run(h) {
      const store = await h.open();
      for (let i = 0; i < 6; i += 1) {
        await fill(store, newStream('execution'), 400);
        await fill(store, newStream('workflow'), 2);
      }
      const filter = { categories: ['workflow'] };
      const expected = ids(await readEverything(store, filter));
      // restart from every place that the first pass reported as safe: seen before + seen after = all, once
      const feed = new Feed(store, { filter });
      const first = await feed.caughtUp();
      await feed.stop();
      const reopened = await h.reopen();
      for (const [i, item] of first.entries()) {
        if (item.kind === 'event') continue;
        const seen = ids(eventsOf(first.slice(0, i)));
        const rest = new Feed(reopened, { after: item.cursor, filter });
        expect([...seen, ...ids(eventsOf(await rest.caughtUp()))]).toEqual(expected);
        await rest.stop();
      }
      expect(first.some((item) => item.kind === 'checkpoint')).toBe(true);
    },
  },
  {
    number: 33,
    name: 'catchup-to-live-race-no-loss-no-dup',
    async run(h) {
      const store = await h.open();
      await fill(store, newStream(), 600);
      const writers = Array.from({ length: 5 }, () => trickle(store, newStream(), 60));
      const feeds = Array.from({ length: 4 }, () => new Feed(store));
      const seen = await Promise.all(feeds.map((feed) => feed.events(900)));
      await Promise.all(writers);
      const expected = ids(await readEverything(store));
      for (const events of seen) expect(ids(events)).toEqual(expected);
      const { cursor } = mustAppend(await store.append(newStream(), 'none', newEvents(1)));
      for (const feed of feeds) expect((await feed.events(1))[0]?.cursor).toBe(cursor);
      await Promise.all(feeds.map((feed) => feed.stop()));
    },
  },
  {
    number: 34,
    name: 'caughtUp-repeatable',
    async run(h) {
      const store = await h.open();
      const empty = new Feed(store);
      expect(await empty.next()).toEqual({ kind: 'caught-up', cursor: null });
      const { cursor } = mustAppend(await store.append(newStream(), 'none', newEvents(3)));
      expect(await empty.events(3)).toHaveLength(3);
      // and again after what came live
      expect((await empty.caughtUp()).at(-1)).toEqual({ kind: 'caught-up', cursor });
      // the same consumer may be told again, and a second subscription from the end is told at once
      const later = new Feed(store, { after: cursor });
      const last = (await later.caughtUp()).at(-1);
      expect(last).toEqual({ kind: 'caught-up', cursor });
      mustAppend(await store.append(newStream(), 'none', newEvents(1)));
      expect((await empty.events(1))[0]?.id).toBe((await later.events(1))[0]?.id);
      await Promise.all([empty.stop(), later.stop()]);
    },
  },
  {
    number: 35,
    name: 'slow-consumer-bounded-memory',
    async run(h) {
      const store = await h.open();
      const slow = new Feed(store);
      await slow.caughtUp();
      const quick = new Feed(store);
      await fill(store, newStream(), 1);
      const first = await slow.events(1);
      // nobody pulls the slow one while far more passes by than any buffer should hold
      await Promise.all(Array.from({ length: 10 }, () => fill(store, newStream(), 600)));
      const all = ids(await readEverything(store));
      expect(ids(await quick.events(6001))).toEqual(all);
      expect([...ids(first), ...ids(await slow.events(6000))]).toEqual(all);
      await Promise.all([slow.stop(), quick.stop()]);
    },
  },
  {
    number: 36,
    name: 'abort-stops-promptly-no-leak',
    async run(h) {
      const store = await h.open();
      await fill(store, newStream(), 700);
      const waiting = new Feed(store);
      await waiting.events(700);
      await waiting.caughtUp();
      const pending = waiting.step();
      waiting.abort();
      expect(await pending).toEqual({ done: true, value: undefined });
      const midway = new Feed(store);
      await midway.events(3);
      midway.abort();
      expect((await midway.step()).done).toBe(true);
      const never = new Feed(store);
      never.abort();
      expect((await never.step()).done).toBe(true);
      for (const feed of [waiting, midway, never]) expect(getEventListeners(feed.signal, 'abort')).toHaveLength(0);
      // leaving the loop without a signal is an end, too
      const signal = new AbortController().signal;
      for await (const item of store.subscribe({ after: null, signal })) if (item.kind === 'event') break;
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      await fill(store, newStream(), 1);
    },
  },
];
