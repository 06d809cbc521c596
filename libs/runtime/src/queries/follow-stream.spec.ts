import { MemoryEventStore } from '@maestro/adapter-memory';
import { streamName } from '@maestro/domain';
import type { StreamName } from '@maestro/domain';
import type { EventStore, NewEvent, Version } from '@maestro/ports';
import { eventHash } from '@maestro/receipt';
import { followStream } from './follow-stream.ts';

const STREAM = streamName('execution', 'one') as StreamName;
const OTHER = streamName('execution', 'two') as StreamName;

let count = 0;
let store: EventStore;

beforeEach(() => {
  store = new MemoryEventStore();
});

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
  for await (const { stream, revision } of followStream(store, STREAM, from, stop.signal)) {
    expect(stream).toBe(STREAM);
    seen.push(Number(revision));
    if (seen.length === wanted) stop.abort();
    else await between(seen.length);
  }
  return seen;
}

describe('followStream', () => {
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
    const next = followStream(store, STREAM, 0n, stop.signal).next();
    stop.abort();

    expect(await next).toEqual({ done: true, value: undefined });
  });
});
