import { isFault, type NewEvent } from '@maestro/ports';
import {
  hashOf,
  mustAppend,
  mustConflict,
  newEvent,
  newEvents,
  newStream,
  readEverything,
  readWhole,
  type EventStoreHarness,
} from './event-store-harness.ts';
import type { ConformanceCase } from './matrix.ts';

type Case = ConformanceCase<EventStoreHarness>;

export const appendCases: readonly Case[] = [
  {
    number: 1,
    name: 'append-none-creates-rev0',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const answer = mustAppend(await store.append(stream, 'none', newEvents(1)));
      expect(answer.version.revision).toBe(0n);
      expect(answer.deduplicated).toBe(false);
      expect((await readWhole(store, stream)).map((e) => e.revision)).toEqual([0n]);
    },
  },
  {
    number: 2,
    name: 'append-at-version-advances',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const first = mustAppend(await store.append(stream, 'none', newEvents(2)));
      const second = mustAppend(await store.append(stream, first.version, newEvents(3)));
      expect([first.version.revision, second.version.revision]).toEqual([1n, 4n]);
      expect(store.compare(first.cursor, second.cursor)).toBeLessThan(0);
      const reopened = await h.reopen();
      const third = mustAppend(await reopened.append(stream, second.version, newEvents(1)));
      expect(third.version.revision).toBe(5n);
    },
  },
  {
    number: 3,
    name: 'multi-event-atomic-visible',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const events = newEvents(7);
      const pending = store.append(stream, 'none', events);
      const during = await store.readStream(stream, { direction: 'forward', limit: 100 });
      expect([0, 7]).toContain(during.kind === 'page' ? during.events.length : 0);
      const answer = mustAppend(await pending);
      const all = await readWhole(store, stream);
      expect(all.map((e) => e.id)).toEqual(events.map((e) => e.id));
      expect(all.at(-1)?.cursor).toBe(answer.cursor);
    },
  },
  {
    number: 4,
    name: 'none-on-existing-conflicts-with-actual',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const { version } = mustAppend(await store.append(stream, 'none', newEvents(3)));
      const conflict = mustConflict(await store.append(stream, 'none', newEvents(1)));
      expect(conflict.actual).toEqual(version);
      expect(await readWhole(store, stream)).toHaveLength(3);
    },
  },
  {
    number: 5,
    name: 'stale-version-conflicts',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const first = mustAppend(await store.append(stream, 'none', newEvents(1)));
      const second = mustAppend(await store.append(stream, first.version, newEvents(1)));
      const conflict = mustConflict(await store.append(stream, first.version, newEvents(1)));
      expect(conflict.actual).toEqual(second.version);
      expect(await readWhole(store, stream)).toHaveLength(2);
    },
  },
  {
    number: 6,
    name: 'future-version-conflicts',
    async run(h) {
      const store = await h.open();
      const donor = mustAppend(await store.append(newStream(), 'none', newEvents(5)));
      const stream = newStream();
      const first = mustAppend(await store.append(stream, 'none', newEvents(1)));
      expect(mustConflict(await store.append(stream, donor.version, newEvents(1))).actual).toEqual(first.version);
      const missing = mustConflict(await store.append(newStream(), donor.version, newEvents(1)));
      expect(missing.actual).toBeUndefined();
    },
  },
  {
    number: 7,
    name: 'two-concurrent-writers-one-wins',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      let at = mustAppend(await store.append(stream, 'none', newEvents(1))).version;
      for (let round = 0; round < 10; round += 1) {
        const rivals = [newEvents(1), newEvents(1)];
        const answers = await Promise.all(rivals.map((events) => store.append(stream, at, events)));
        const winner = answers.findIndex((a) => a.kind === 'appended');
        const won = mustAppend(answers[winner] ?? { kind: 'conflict', actual: undefined });
        expect(mustConflict(answers[1 - winner] ?? won).actual).toEqual(won.version);
        at = won.version;
        expect((await readWhole(store, stream)).at(-1)?.id).toBe(rivals[winner]?.[0].id);
      }
      expect(at.revision).toBe(10n);
    },
  },
  {
    number: 8,
    name: 'fifty-streams-concurrent-independent',
    async run(h) {
      const store = await h.open();
      const streams = Array.from({ length: 50 }, () => newStream());
      const stale = mustAppend(await store.append(newStream(), 'none', newEvents(9))).version;
      const answers = await Promise.all(
        // every fifth one is bound to conflict: its neighbours in the same commit must not notice
        streams.map((s, i) => store.append(s, i % 5 === 0 ? stale : 'none', newEvents(2))),
      );
      expect(answers.map((a) => a.kind)).toEqual(streams.map((_, i) => (i % 5 === 0 ? 'conflict' : 'appended')));
      const lengths = await Promise.all(streams.map(async (s) => (await readWhole(store, s)).length));
      expect(lengths).toEqual(streams.map((_, i) => (i % 5 === 0 ? 0 : 2)));
      expect(await readEverything(store)).toHaveLength(89);
    },
  },
];

const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: unknown) => (isFault(error) ? error.code : `not a fault: ${String(error)}`),
  );

/** An event whose bytes and sealed bytes together have exactly this size. */
function eventOf(sizeBytes: number): NewEvent {
  const sealedBytes = Math.floor(sizeBytes / 4);
  const bytes = new Uint8Array(sizeBytes - sealedBytes).fill(0x61);
  return newEvent(bytes, { sealed: new Uint8Array(sealedBytes).fill(7) });
}

export const sizeCases: readonly Case[] = [
  {
    number: 15,
    name: 'empty-append-rejected-locally',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const none = [] as unknown as [NewEvent];
      expect(await refusal(store.append(stream, 'none', none))).toBe('APPEND_EMPTY');
      expect((await store.readStream(stream, { direction: 'forward', limit: 1 })).kind).toBe('missing');
    },
  },
  {
    number: 16,
    name: 'oversize-event-typed',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const oversize = eventOf(store.limits.eventBytesMax + 1);
      expect(await refusal(store.append(stream, 'none', [oversize]))).toBe('EVENT_TOO_LARGE');
      expect((await store.readStream(stream, { direction: 'forward', limit: 1 })).kind).toBe('missing');
      const largest = eventOf(store.limits.eventBytesMax);
      expect(mustAppend(await store.append(stream, 'none', [largest])).version.revision).toBe(0n);
      expect((await readWhole(store, stream))[0]?.hash).toBe(hashOf(largest.bytes));
    },
  },
  {
    number: 17,
    name: 'oversize-batch-nothing-written',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const { commitEventsMax, commitBytesMax, eventBytesMax } = store.limits;
      expect(await refusal(store.append(stream, 'none', newEvents(commitEventsMax + 1)))).toBe('COMMIT_TOO_LARGE');
      const count = Math.floor(commitBytesMax / eventBytesMax) + 1;
      const bulky = Array.from({ length: count }, () => eventOf(eventBytesMax)) as [NewEvent, ...NewEvent[]];
      expect(await refusal(store.append(stream, 'none', bulky))).toBe('COMMIT_TOO_LARGE');
      expect((await store.readStream(stream, { direction: 'forward', limit: 1 })).kind).toBe('missing');
      expect(await readEverything(store)).toEqual([]);
    },
  },
  {
    number: 18,
    name: 'max-batch-boundary',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const max = store.limits.commitEventsMax;
      const answer = mustAppend(await store.append(stream, 'none', newEvents(max)));
      expect(answer.version.revision).toBe(BigInt(max - 1));
      expect(await readWhole(store, stream)).toHaveLength(max);
    },
  },
  {
    number: 19,
    name: 'unicode-binary-empty-payload-roundtrip',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const every = Uint8Array.from({ length: 256 }, (_, i) => i);
      const payloads = ['', 'é ∑ 👩‍🚀 \u0000', every, Uint8Array.of(0xff, 0xfe, 0xc0), '{"a":1}'];
      const events = payloads.map((p, i) => newEvent(p, { sealed: i % 2 === 0 ? every : null }));
      events.push(newEvent('x', { sealed: new Uint8Array(0) }));
      await store.append(stream, 'none', events as [NewEvent, ...NewEvent[]]);
      const plain = (e: NewEvent): unknown[] => [e.id, e.type, [...e.bytes], e.hash, e.sealed && [...e.sealed]];
      expect((await readWhole(store, stream)).map(plain)).toEqual(events.map(plain));
      const reopened = await h.reopen();
      expect((await readWhole(reopened, stream)).map(plain)).toEqual(events.map(plain));
      expect((await readEverything(reopened)).map(plain)).toEqual(events.map(plain));
    },
  },
];
