import { eventStoreConformance, newEvent, newStream } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { MemoryEventLog } from './event-log.ts';
import { MemoryEventStore } from './event-store.ts';

const noServer = 'lives in the caller’s process: there is no server or connection';
const noDelete = 'has no means to delete or hide events';
eventStoreConformance(
  'memory',
  async () => {
    const log = new MemoryEventLog();
    let store = new MemoryEventStore({ log });
    const reopen = async (): Promise<MemoryEventStore> => {
      await store.close();
      store = new MemoryEventStore({ log });
      return store;
    };
    return { open: async () => store, reopen, dispose: () => store.close() };
  },
  { notApplicable: { 14: noServer, 37: noServer, 38: noServer, 39: noDelete, 40: noDelete } },
);

describe('MemoryEventStore', () => {
  it('writes nothing when an event comes with a hash that is not its own', async () => {
    const store = new MemoryEventStore();
    const stream = newStream();
    const wrong = newEvent('b', { hash: newEvent('a').hash });
    const fault: unknown = await store.append(stream, 'none', [newEvent('a'), wrong]).catch((e: unknown) => e);
    expect(isFault(fault, 'STORE_DAMAGED') && fault.message.includes(wrong.id)).toBe(true);
    expect(await store.readStream(stream, { direction: 'forward', limit: 1 })).toEqual({ kind: 'missing' });
    expect(await store.head()).toBeNull();
  });
  it('ends a waiting subscription with a fault when it is closed', async () => {
    const store = new MemoryEventStore();
    const items = store.subscribe({ after: null, signal: new AbortController().signal });
    await items.next();
    const pending = items.next().catch((e: unknown) => e);
    await store.close();
    expect(isFault(await pending, 'STORE_CLOSED')).toBe(true);
  });
  it('refuses a call whose signal has fired', async () => {
    const store = new MemoryEventStore();
    const fault: unknown = await store
      .readAll({ after: null, limit: 1, signal: AbortSignal.abort() })
      .catch((e: unknown) => e);
    expect(isFault(fault, 'ABORTED')).toBe(true);
  });
});
