import { ManualClock, MemoryEventLog, MemoryEventStore } from '@maestro/adapter-memory';
import type { StreamName } from '@maestro/domain';
import type { EventStore, Metrics, NewEvent } from '@maestro/ports';
import { eventHash } from '@maestro/receipt';
import { measureAppends } from './measure-appends.ts';

const QUIET: Metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
const STREAM = 'execution-1' as StreamName;

function event(text: string): NewEvent {
  const bytes = Buffer.from(text);
  return { id: `01920000-0000-7000-8000-00000000000${text}`, type: 'execution.requested.v1', bytes, hash: eventHash(bytes), sealed: null };
}

describe('appends are measured', () => {
  it('from the call to the answer, by outcome', async () => {
    const clock = new ManualClock();
    const seen: unknown[] = [];
    const inner = new MemoryEventStore();
    const append: EventStore['append'] = async (...asked) => {
      clock.advance(7);
      return inner.append(...asked);
    };
    const slow = Object.assign(Object.create(inner) as EventStore, { append, close: () => inner.close() });
    const store = measureAppends(slow, { clock, metrics: { ...QUIET, observe: (...observed) => void seen.push(observed) } });
    await store.append(STREAM, 'none', [event('a')]);
    await store.append(STREAM, 'none', [event('b')]);
    await store.close();
    await expect(store.append(STREAM, 'none', [event('c')])).rejects.toThrow('STORE_CLOSED');
    expect(seen).toEqual(['appended', 'conflict', 'fault'].map((outcome) => ['mc_append_ms', 7, { outcome }]));
  });

  it('and everything else is the store behind it', async () => {
    const inner = new MemoryEventStore({ log: new MemoryEventLog('log') });
    const store = measureAppends(inner, { clock: new ManualClock(), metrics: QUIET });
    const appended = await store.append(STREAM, 'none', [event('a'), event('b')]);
    expect(appended).toMatchObject({ kind: 'appended', deduplicated: false });
    expect(await store.readStream(STREAM, { direction: 'backward', limit: 1 })).toEqual(await inner.readStream(STREAM, { direction: 'backward', limit: 1 }));
    expect(await store.readAll({ after: null, limit: 5 })).toEqual(await inner.readAll({ after: null, limit: 5 }));
    const head = await store.head();
    expect([head, store.compare(head ?? '', head ?? ''), store.limits]).toEqual([await inner.head(), 0, inner.limits]);
    const abort = new AbortController();
    const kinds: string[] = [];
    for await (const item of store.subscribe({ after: null, signal: abort.signal })) {
      kinds.push(item.kind);
      if (item.kind === 'caught-up') abort.abort();
    }
    expect(kinds).toEqual(['event', 'event', 'caught-up']);
  });
});
