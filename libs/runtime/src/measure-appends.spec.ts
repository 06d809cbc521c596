import { ManualClock, MemoryEventLog, MemoryEventStore } from '@maestro/adapter-memory';
import { eventStoreConformance, newEvent, newStream } from '@maestro/conformance';
import type { Metrics } from '@maestro/ports';
import { measureAppends } from './measure-appends.ts';

const QUIET: Metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
const none = 'as on the store behind it';

// whoever holds the measured store sees the store behind it, in every case
eventStoreConformance(
  'memory, measured',
  async () => {
    const log = new MemoryEventLog();
    const make = () => measureAppends(new MemoryEventStore({ log }), { clock: new ManualClock(), metrics: QUIET });
    let store = make();
    const reopen = async () => {
      await store.close();
      return (store = make());
    };
    return { open: async () => store, reopen, dispose: () => store.close() };
  },
  { notApplicable: { 14: none, 37: none, 38: none, 39: none, 40: none } },
);

describe('appends are measured', () => {
  it('from the call to the answer, by outcome', async () => {
    const clock = new ManualClock();
    const seen: unknown[] = [];
    const inner = new MemoryEventStore();
    const slow = {
      ...measureAppends(inner, { clock, metrics: QUIET }),
      append: async (...asked: Parameters<typeof inner.append>) => {
        clock.advance(7);
        return inner.append(...asked);
      },
    };
    const store = measureAppends(slow, { clock, metrics: { ...QUIET, observe: (...observed) => void seen.push(observed) } });
    const stream = newStream();
    await store.append(stream, 'none', [newEvent('a')]);
    await store.append(stream, 'none', [newEvent('b')]);
    await store.close();
    await expect(store.append(stream, 'none', [newEvent('c')])).rejects.toThrow('STORE_CLOSED');
    expect(seen).toEqual(['appended', 'conflict', 'fault'].map((outcome) => ['mc_append_ms', 7, { outcome }]));
  });
});
