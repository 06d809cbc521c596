import { isFault } from '@maestro/ports';
import {
  fill,
  mustAppend,
  mustConflict,
  newEvent,
  newEvents,
  newStream,
  readWhole,
  type EventStoreHarness,
} from './event-store-harness.ts';
import type { ConformanceCase } from './matrix.ts';

type Case = ConformanceCase<EventStoreHarness>;

export const retryCases: readonly Case[] = [
  {
    number: 9,
    name: 'retry-same-ids-single-event',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const events = newEvents(1);
      const first = mustAppend(await store.append(stream, 'none', events));
      const again = mustAppend(await store.append(stream, 'none', events));
      expect(again).toEqual({ ...first, deduplicated: true });
      expect(await readWhole(store, stream)).toHaveLength(1);
    },
  },
  {
    number: 10,
    name: 'retry-same-ids-batch-same-result',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const { version } = mustAppend(await store.append(stream, 'none', newEvents(2)));
      const events = newEvents(5);
      const both = await Promise.all([store.append(stream, version, events), store.append(stream, version, events)]);
      const [first, twin] = both.map(mustAppend);
      expect([first?.deduplicated, twin?.deduplicated].sort()).toEqual([false, true]);
      expect(twin?.version).toEqual(first?.version);
      expect(twin?.cursor).toBe(first?.cursor);
      await fill(store, stream, 3, {}, mustAppend(both[0]).version);
      expect(mustAppend(await store.append(stream, version, events)).cursor).toBe(first?.cursor);
      expect(await readWhole(store, stream)).toHaveLength(10);
    },
  },
  {
    number: 11,
    name: 'partial-id-overlap-conflicts',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const [a, b, c] = [newEvent('a'), newEvent('b'), newEvent('c')];
      const { version } = mustAppend(await store.append(stream, 'none', [a, b]));
      const longer = mustConflict(await store.append(stream, 'none', [a, b, c]));
      const swapped = mustConflict(await store.append(stream, 'none', [b, a]));
      const otherBytes = mustConflict(await store.append(stream, 'none', [a, newEvent('B', { id: b.id })]));
      const otherId = mustConflict(await store.append(stream, 'none', [a, newEvent('b')]));
      expect([longer, swapped, otherBytes, otherId].map((r) => r.actual)).toEqual(Array(4).fill(version));
      expect(await readWhole(store, stream)).toHaveLength(2);
    },
  },
  {
    number: 12,
    name: 'retry-after-dedupe-window',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const events = newEvents(3);
      const first = mustAppend(await store.append(stream, 'none', events));
      await fill(store, stream, 300, {}, first.version);
      await fill(store, newStream(), 300);
      await h.passDedupeWindow?.();
      const reopened = await h.reopen();
      const again = mustAppend(await reopened.append(stream, 'none', events));
      expect(again).toEqual({ ...first, deduplicated: true });
      expect(await readWhole(reopened, stream)).toHaveLength(303);
    },
  },
  {
    number: 13,
    name: 'lost-ack-read-back-dedupes',
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const events = newEvents(2);
      // the answer is thrown away with the store, as by a caller that died while waiting
      await Promise.allSettled([store.append(stream, 'none', events), h.reopen()]);
      const next = await h.open();
      const answer = mustAppend(await next.append(stream, 'none', events));
      expect(answer.version.revision).toBe(1n);
      expect((await readWhole(next, stream)).map((e) => e.id)).toEqual(events.map((e) => e.id));
    },
  },
  {
    number: 14,
    name: 'hung-server-times-out-outcome-unknown',
    needs: ['hang'],
    async run(h) {
      const store = await h.open();
      const stream = newStream();
      const { version } = mustAppend(await store.append(stream, 'none', newEvents(1)));
      const events = newEvents(2);
      const resume = await h.hang?.();
      const fault: unknown = await store.append(stream, version, events, { timeoutMs: 300 }).catch((e: unknown) => e);
      expect(isFault(fault, 'STORE_OUTCOME_UNKNOWN') && fault.retryable).toBe(true);
      await resume?.();
      // whichever copy landed, the same call again ends with one
      const answer = mustAppend(await store.append(stream, version, events));
      expect(answer.version.revision).toBe(2n);
      expect(await readWhole(store, stream)).toHaveLength(3);
    },
  },
];
