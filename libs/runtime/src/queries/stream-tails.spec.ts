import { MemoryEventStore, systemClock } from '@maestro/adapter-memory';
import { streamName } from '@maestro/domain';
import type { StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { Clock, EventStore, NewEvent, Version } from '@maestro/ports';
import { eventHash } from '@maestro/receipt';
import { StreamTails } from './stream-tails.ts';

const STREAM = streamName('execution', 'one') as StreamName;
const OTHER = streamName('execution', 'two') as StreamName;

let count = 0;
let store: EventStore;
let tails: StreamTails;
/** Waits for nothing, in turn. */
const hasty: Clock = { ...systemClock, after: (_delayMs, fn) => { const turn = setImmediate(fn); return () => clearImmediate(turn); } };
const log = { log: () => undefined };

beforeEach(() => {
  store = new MemoryEventStore();
  tails = new StreamTails({ store, clock: systemClock, log });
});
afterEach(() => tails.close());

async function append(stream: StreamName, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    const page = await store.readStream(stream, { direction: 'backward', limit: 1 });
    const version: Version | 'none' = page.kind === 'missing' ? 'none' : page.version;
    const bytes = new TextEncoder().encode(`{"n":${count++}}`);
    const event: NewEvent = { id: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`, type: 'execution.started.v1', bytes, hash: eventHash(bytes), sealed: null };
    await store.append(stream, version, [event]);
  }
}

/** Revisions until so many were seen. */
async function take(wanted: number, from: bigint, between: (seen: number) => Promise<void> = async () => {}): Promise<number[]> {
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { stream, revision } of tails.follow(STREAM, from, stop.signal)) {
    expect(stream).toBe(STREAM);
    seen.push(Number(revision));
    if (seen.length === wanted) stop.abort();
    else await between(seen.length);
  }
  return seen;
}

describe('the tail of a stream', () => {
  it('yields what is there, then what comes, each once and in order', async () => {
    await append(STREAM, 3);

    expect(await take(8, 0n, (seen) => (seen <= 5 ? append(STREAM) : Promise.resolve()))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('loses nothing that is appended while it reads page by page', async () => {
    await append(STREAM, 450);

    expect(await take(452, 0n, (seen) => (seen === 100 || seen === 449 ? append(STREAM) : Promise.resolve()))).toEqual(Array.from({ length: 452 }, (_, i) => i));
  });

  it('begins where it is told and skips other streams', async () => {
    await append(STREAM, 3);
    await append(OTHER, 2);

    expect(await take(3, 2n, async () => void (await append(OTHER), await append(STREAM)))).toEqual([2, 3, 4]);
  });

  it('waits for a stream that is not there yet', async () => {
    const seen = take(1, 0n);
    await append(OTHER);
    await append(STREAM);

    expect(await seen).toEqual([0]);
  });

  it('ends without error when it is stopped before anything comes', async () => {
    const stop = new AbortController();
    const next = tails.follow(STREAM, 0n, stop.signal).next();
    stop.abort();

    expect(await next).toEqual({ done: true, value: undefined });
  });
});

describe('tails', () => {
  const streams = Array.from({ length: 20 }, (_, i) => streamName('execution', `run-${i}`) as StreamName);

  it('ask the store for what is new once, however many there are', async () => {
    const asked = { head: 0, subscribe: 0 };
    const head = store.head.bind(store);
    const subscribe = store.subscribe.bind(store);
    store.head = () => (asked.head++, head());
    store.subscribe = (o) => (asked.subscribe++, subscribe(o));
    const stop = new AbortController();
    const all = streams.map(async (stream) => {
      const seen: number[] = [];
      for await (const { stream: of, revision } of tails.follow(stream, 0n, stop.signal)) {
        expect(of).toBe(stream);
        if (seen.push(Number(revision)) === 3) break;
      }
      return seen;
    });
    for (let i = 0; i < 3; i += 1) for (const stream of streams) await append(stream);
    expect(await Promise.all(all)).toEqual(streams.map(() => [0, 1, 2]));
    expect(asked).toEqual({ head: 1, subscribe: 1 });
  });

  it('of a slow reader lose nothing, and hold nobody else back', async () => {
    await append(STREAM);
    await append(OTHER);
    const slow = tails.follow(STREAM, 0n, new AbortController().signal);
    const quick = tails.follow(OTHER, 0n, new AbortController().signal);
    expect([(await slow.next()).value?.revision, (await quick.next()).value?.revision]).toEqual([0n, 0n]);
    // now it waits for the feed, and gets the first of many
    const first = slow.next();
    await append(STREAM, 60);
    await append(OTHER);
    expect([(await first).value?.revision, (await quick.next()).value?.revision]).toEqual([1n, 1n]);
    for (let revision = 2n; revision <= 60n; revision += 1n) expect((await slow.next()).value?.revision).toBe(revision);
    await Promise.all([slow.return(), quick.return()]);
  });

  it.each(['head', 'readStream', 'subscribe'] as const)('wait out a fault of %s that may pass', async (call) => {
    tails = new StreamTails({ store, clock: hasty, log });
    await append(STREAM);
    let faults = 3;
    const real = store[call].bind(store) as (...args: unknown[]) => unknown;
    Object.assign(store, {
      [call]: (...args: unknown[]) => {
        if (faults-- > 0) throw new Fault('STORE_UNAVAILABLE', 'gone for a moment', { retryable: true });
        return real(...args);
      },
    });
    expect(await take(2, 0n, async () => append(STREAM))).toEqual([0, 1]);
  });

  it('end with a fault that will not pass, and begin anew for the next reader', async () => {
    await append(STREAM);
    const subscribe = store.subscribe.bind(store);
    let fail: (error: unknown) => void = () => undefined;
    store.subscribe = async function* () {
      yield { kind: 'caught-up', cursor: null };
      await new Promise((_, reject) => (fail = reject));
    };
    const tail = tails.follow(STREAM, 0n, new AbortController().signal);
    await tail.next();
    const next = tail.next();
    await new Promise((resolve) => setImmediate(resolve));
    fail(new Fault('STORE_CLOSED', 'closed'));
    await expect(next).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    store.subscribe = subscribe;
    expect(await take(2, 0n, async () => append(STREAM))).toEqual([0, 1]);
  });

  it('of a damaged stream end with its fault, others go on', async () => {
    const fault = new Fault('STORE_DAMAGED', 'a flipped bit');
    await append(OTHER);
    const [stored] = (await store.readAll({ after: null, limit: 1 })).events;
    store.subscribe = async function* ({ signal }) {
      yield { kind: 'damaged', cursor: 'c', stream: STREAM, fault };
      if (stored !== undefined) yield { kind: 'event', event: { ...stored, revision: 1n } };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const [hurt, whole] = [tails.follow(STREAM, 0n, new AbortController().signal), tails.follow(OTHER, 1n, new AbortController().signal)];
    const told = await Promise.allSettled([hurt.next(), whole.next()]);
    expect(told).toMatchObject([{ status: 'rejected', reason: { code: 'STORE_DAMAGED' } }, { status: 'fulfilled', value: { value: { revision: 1n } } }]);
    await whole.return();
  });
});
