import { MemoryEventLog, MemoryEventStore, MemoryProcessDisk, MemoryProcessState, ManualClock } from '@maestro/adapter-memory';
import { EMPTY_HEAD, prepareCommit } from '@maestro/codec';
import type { AnyEvent } from '@maestro/contracts';
import type { StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { EventStore, LogLevel } from '@maestro/ports';
import { eventHash } from '@maestro/receipt';
import { followEvents } from './follow-events.ts';
import type { Batch } from './follow-events.ts';
import { partitionView } from './ownership/partition-view.ts';
import { StreamFailure } from './supervision/stream-failure.ts';
import { openSupervision } from './supervision/supervision.ts';
import type { Supervision } from './supervision/supervision.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const DENIED: AnyEvent = { type: 'workflow.publish-denied.v1', data: { workflowId: 'abc', version: '1.0.0', manifestDigest: 'a'.repeat(64), checkId: 'publish/1', reason: 'POLICY_DENIED', violations: [] } };

async function append(store: EventStore, stream: string, count = 1): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const page = await store.readStream(stream as StreamName, { direction: 'backward', limit: 1 });
    const last = page.kind === 'page' ? page.events[0] : undefined;
    const head = last === undefined ? EMPTY_HEAD : { revision: Number(last.revision), hash: last.hash, at: null };
    const cause = { tenant: 'default', stream, commandId: 'c'.repeat(64), causationId: 'c'.repeat(64), correlationId: 'c'.repeat(64), actor: 'user:local' };
    const [prepared] = prepareCommit(head, cause, '2026-01-05T10:00:00.000Z', [DENIED]);
    if (prepared === undefined) throw new Error('nothing prepared');
    const { bytes, recorded } = prepared;
    await store.append(stream as StreamName, page.kind === 'page' ? page.version : 'none', [{ id: recorded.id, type: DENIED.type, bytes, hash: recorded.hash, sealed: null }]);
  }
}

/** An event whose type only a later release knows. */
async function appendFromLater(store: EventStore, stream: string): Promise<void> {
  const page = await store.readStream(stream as StreamName, { direction: 'backward', limit: 1 });
  const last = page.kind === 'page' ? page.events[0] : undefined;
  const text = Buffer.from(last?.bytes ?? []).toString().replaceAll('publish-denied.v1', 'publish-denied.v2');
  const bytes = Buffer.from(text);
  await store.append(stream as StreamName, page.kind === 'page' ? page.version : 'none', [{ id: '01920000-0000-7000-8000-00000000000f', type: 'workflow.publish-denied.v2', bytes, hash: eventHash(bytes), sealed: null }]);
}

function setUp(after: string | null = null): { readonly store: MemoryEventStore; readonly batches: Batch[]; readonly lines: string[]; readonly clock: ManualClock; readonly stop: () => void; follow: (handle?: (batch: Batch) => Promise<void>, store?: EventStore) => Promise<void> } {
  const store = new MemoryEventStore({ log: new MemoryEventLog('log') });
  const batches: Batch[] = [];
  const lines: string[] = [];
  const clock = new ManualClock();
  const abort = new AbortController();
  const log = { log: (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) => void lines.push(`${level} ${message} ${String(fields['stream'] ?? '')}`.trim()) };
  const keep = async (batch: Batch): Promise<void> => void batches.push(batch);
  const follow = (handle: (batch: Batch) => Promise<void> = keep, from: EventStore = store): Promise<void> =>
    followEvents(from, { after, signal: abort.signal, clock, log, name: 'the follower' }, handle);
  return { store, batches, lines, clock, stop: () => abort.abort(), follow };
}

const streamsOf = (batches: readonly Batch[]): string[] => batches.flatMap(({ events }) => events.map(({ stream, revision }) => `${stream}/${revision}`));

describe('following events', () => {
  it('passes over a damaged event, sets its stream aside from there, and goes on with the others', async () => {
    const { store, batches, lines, stop, follow } = setUp();
    await append(store, 'workflow-abc', 3);
    await append(store, 'workflow-other', 2);
    const fault = new Fault('STORE_DAMAGED', 'planted');
    const damaged: EventStore['subscribe'] = async function* (asked) {
      let place = 0;
      for await (const item of store.subscribe(asked)) {
        place += item.kind === 'event' ? 1 : 0;
        if (item.kind === 'event' && place === 2) yield { kind: 'damaged', cursor: item.event.cursor, stream: item.event.stream, fault };
        else if (item.kind === 'event' && place === 4) yield { kind: 'damaged', cursor: item.event.cursor, stream: null, fault };
        else yield item;
      }
    };
    const following = follow(undefined, Object.assign(Object.create(store) as EventStore, { subscribe: damaged }));
    for (let i = 0; i < 5; i += 1) await settle();
    stop();
    await following;
    expect(batches.flatMap(({ events }) => events.map(({ stream, revision }) => `${stream} ${revision}`))).toEqual(['workflow-abc 0', 'workflow-other 1']);
    expect(lines).toEqual(['error the follower sets a stream aside: one of its events cannot be read workflow-abc', 'error the follower passes over a damaged event that names no stream']);
  });

  it('hands over what was there in one batch and what comes later as it comes, each once', async () => {
    const { store, batches, stop, follow } = setUp();
    await append(store, 'workflow-abc', 3);
    const ending = follow();
    await settle();
    await append(store, 'workflow-def');
    await settle();
    stop();
    await ending;
    expect(batches.map(({ events, cursor, caughtUp }) => [events.length, cursor, caughtUp])).toEqual([[3, 'log.3', true], [1, 'log.4', true]]);
  });

  it('makes batches of at most 500, and says of the last one only that it caught up', async () => {
    const { store, batches, stop, follow } = setUp();
    for (let i = 0; i < 26; i += 1) await append(store, `workflow-w${i}`, 20);
    const ending = follow();
    await settle();
    stop();
    await ending;
    expect(batches.map(({ events, caughtUp }) => [events.length, caughtUp])).toEqual([[500, false], [20, true]]);
  });

  it('moves on where what comes is for others, and there is always more', async () => {
    const { store, batches, stop, follow } = setUp();
    const busy: EventStore = {
      ...partitionView(store, { index: 0, count: 1 }),
      async *subscribe({ signal }: Parameters<EventStore['subscribe']>[0]): ReturnType<EventStore['subscribe']> {
        for (let i = 1; i <= 1_100; i += 1) yield { kind: 'checkpoint', cursor: `place-${i}` };
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    };
    const ending = follow(undefined, busy);
    await settle();
    stop();
    await ending;
    expect(batches).toEqual([500, 1_000].map((place) => ({ events: [], cursor: `place-${place}`, caughtUp: false, isRetry: false })));
  });

  it('makes no batch while one is handled', async () => {
    const { store, stop, follow } = setUp();
    let inHand = 0;
    let most = 0;
    let go: () => void = () => undefined;
    const ending = follow(async () => {
      inHand += 1;
      most = Math.max(most, inHand);
      await new Promise<void>((resolve) => (go = resolve));
      inHand -= 1;
    });
    for (let i = 0; i < 3; i += 1) {
      await append(store, 'workflow-abc');
      await settle();
    }
    expect(inHand).toBe(1);
    go();
    await settle();
    go();
    await settle();
    stop();
    await ending;
    expect(most).toBe(1);
  });

  it('waits out a handler whose fault may pass, and hands it the same batch again', async () => {
    const { store, batches, lines, clock, stop, follow } = setUp();
    await append(store, 'workflow-abc', 2);
    let full = true;
    const ending = follow(async (batch) => {
      if (full) throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
      batches.push(batch);
    });
    await settle();
    clock.advance(1_000);
    await settle();
    expect(batches).toEqual([]);
    full = false;
    await append(store, 'workflow-def');
    clock.advance(1_000);
    await settle();
    stop();
    await ending;
    expect(streamsOf(batches)).toEqual(['workflow-abc/0', 'workflow-abc/1', 'workflow-def/0']);
    expect(lines).toEqual(Array.from({ length: 2 }, () => 'warn the follower waits and goes on from where it was'));
  });

  it('waits out a subscription that breaks, and loses and doubles nothing', async () => {
    const { store, batches, clock, stop, follow } = setUp();
    await append(store, 'workflow-abc', 3);
    let breaks = 2;
    const breaking: EventStore = new Proxy(store, {
      get(target, key) {
        if (key !== 'subscribe') return (Reflect.get(target, key) as () => unknown).bind(target);
        return async function* (o: Parameters<EventStore['subscribe']>[0]) {
          let count = 0;
          for await (const item of target.subscribe(o)) {
            yield item;
            count += 1;
            if (count === 4 && breaks-- > 0) throw new Fault('STORE_READ_ONLY', 'gone for a moment', { retryable: true });
          }
        };
      },
    });
    const ending = follow(undefined, breaking);
    for (let i = 0; i < 3; i += 1) {
      await settle();
      await append(store, 'workflow-def', 3);
      clock.advance(1_000);
    }
    await settle();
    stop();
    await ending;
    const expected = [0, 1, 2].map((i) => `workflow-abc/${i}`).concat(Array.from({ length: 9 }, (_, i) => `workflow-def/${i}`));
    expect(streamsOf(batches)).toEqual(expected);
  });

  it('ends with a fault that will not pass, and with whatever else a handler throws', async () => {
    const { store, follow } = setUp();
    await append(store, 'workflow-abc');
    await expect(follow(() => Promise.reject(new Fault('STORE_DAMAGED', 'a flipped bit')))).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    await expect(follow(() => Promise.reject(new RangeError('a bug')))).rejects.toThrow('a bug');
  });

  it('ends while it waits when the signal fires, and leaves no timer', async () => {
    const { store, clock, stop, follow } = setUp();
    await append(store, 'workflow-abc');
    const ending = follow(() => Promise.reject(new Fault('STORE_READ_ONLY', '', { retryable: true })));
    await settle();
    stop();
    await ending;
    expect(clock.pending).toBe(0);
  });

  it('sets a stream with an event of a later release aside by name, and serves the others', async () => {
    const { store, batches, lines, stop, follow } = setUp();
    await append(store, 'workflow-abc');
    await appendFromLater(store, 'workflow-abc');
    await append(store, 'workflow-def');
    const ending = follow();
    await settle();
    await append(store, 'workflow-abc');
    await append(store, 'workflow-def');
    await settle();
    stop();
    await ending;
    expect(streamsOf(batches)).toEqual(['workflow-abc/0', 'workflow-def/0', 'workflow-def/1']);
    expect(lines).toEqual(['error the follower sets a stream aside: one of its events cannot be read workflow-abc']);
  });
});

describe('following events under supervision', () => {
  const quiet = { log: () => undefined };
  const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
  const supervised = (disk: MemoryProcessDisk): Promise<Supervision> => openSupervision({ state: new MemoryProcessState(disk), clock: new ManualClock(0), metrics, log: quiet });
  const failingOn = (stream: string, batches: Batch[]) => async (batch: Batch): Promise<void> => {
    if (batch.events.some((one) => one.stream === stream)) throw new StreamFailure(stream, new RangeError('a bug'));
    batches.push(batch);
  };

  /** One process that follows until nothing is left to do. */
  async function process(store: EventStore, supervision: Supervision, after: string | null, handle: (batch: Batch) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    const following = followEvents(store, { after, signal: abort.signal, clock: new ManualClock(), log: quiet, name: 'follower', supervision }, handle);
    await settle();
    abort.abort();
    await following;
    await supervision.quarantine.settle();
  }

  it('sets aside a stream that the handler cannot take, hands over the others of the batch, and goes on', async () => {
    const { store, batches } = setUp();
    for (const stream of ['workflow-abc', 'workflow-def', 'workflow-abc']) await append(store, stream);
    const supervision = await supervised(new MemoryProcessDisk());
    await process(store, supervision, null, failingOn('workflow-abc', batches));
    expect(streamsOf(batches)).toEqual(['workflow-def/0']);
    expect(batches.at(-1)?.cursor).toBe('log.3');
    expect(supervision.quarantine.rows()).toMatchObject([{ stream: 'workflow-abc', by: 'follower', code: 'BUG', detail: 'a bug' }]);
  });

  it('hands what was set aside over once more at the next start, whole, and clears it where that works', async () => {
    const disk = new MemoryProcessDisk();
    const { store, batches } = setUp();
    for (const stream of ['workflow-abc', 'workflow-def', 'workflow-abc']) await append(store, stream);
    await process(store, await supervised(disk), null, failingOn('workflow-abc', []));
    // still no use: left alone, and what comes of it too
    const second = await supervised(disk);
    await process(store, second, 'log.3', failingOn('workflow-abc', batches));
    expect(streamsOf(batches)).toEqual([]);
    expect(second.quarantine.streamsOf('follower')).toEqual(['workflow-abc']);
    const third = await supervised(disk);
    await append(store, 'workflow-def');
    await process(store, third, 'log.3', async (batch) => void batches.push(batch));
    expect(batches.filter(({ isRetry }) => isRetry)).toMatchObject([{ cursor: 'log.3', caughtUp: false }]);
    expect(streamsOf(batches)).toEqual(['workflow-abc/0', 'workflow-abc/1', 'workflow-def/1']);
    expect((await supervised(disk)).quarantine.rows()).toEqual([]);
  });

  it('clears what comes anyway, where nothing was handled yet, and names it again where that fails', async () => {
    const disk = new MemoryProcessDisk();
    const { store } = setUp();
    await append(store, 'workflow-abc');
    await process(store, await supervised(disk), null, failingOn('workflow-abc', []));
    const again = await supervised(disk);
    await process(store, again, null, failingOn('workflow-abc', []));
    expect(again.quarantine.rows()).toMatchObject([{ stream: 'workflow-abc' }]);
    const batches: Batch[] = [];
    const sound = await supervised(disk);
    await process(store, sound, null, async (batch) => void batches.push(batch));
    expect([streamsOf(batches), sound.quarantine.rows()]).toEqual([['workflow-abc/0'], []]);
  });

  it('names the code of a stream that a later release wrote, and leaves it alone again where it still cannot be read', async () => {
    const disk = new MemoryProcessDisk();
    const { store, batches } = setUp();
    await append(store, 'workflow-abc');
    await appendFromLater(store, 'workflow-abc');
    await process(store, await supervised(disk), null, async (batch) => void batches.push(batch));
    const next = await supervised(disk);
    await process(store, next, 'log.2', async (batch) => void batches.push(batch));
    expect(streamsOf(batches)).toEqual(['workflow-abc/0']);
    expect(next.quarantine.rows()).toMatchObject([{ stream: 'workflow-abc', code: 'EVENT_FROM_NEWER_VERSION' }]);
  });

  it('says that it runs, that it waits and for what, and that it stopped', async () => {
    const { store, clock } = setUp();
    const supervision = await openSupervision({ state: new MemoryProcessState(), clock, metrics, log: quiet });
    const state = (): string => supervision.loops.rows().map((row) => `${row.name} ${row.state}: ${row.detail}`).join();
    let problem: Error | undefined;
    const following = followEvents(store, { after: null, signal: new AbortController().signal, clock, log: quiet, name: 'follower', supervision }, async () => {
      if (problem !== undefined) throw problem;
    });
    await settle();
    expect(state()).toBe('follower running: running');
    problem = new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
    await append(store, 'workflow-abc');
    await settle();
    expect(state()).toBe('follower failing: STORE_READ_ONLY: the disk is full');
    problem = undefined;
    clock.advance(1_000);
    await settle();
    expect(state()).toBe('follower running: running');
    problem = new RangeError('a bug');
    await append(store, 'workflow-abc');
    await expect(following).rejects.toThrow('a bug');
    expect(state()).toBe('follower stopped: a bug');
  });

  it('a handler that blames a stream that is not in the batch stops it', async () => {
    const { store } = setUp();
    await append(store, 'workflow-abc');
    const o = { after: null, signal: new AbortController().signal, clock: new ManualClock(), log: quiet, name: 'follower' };
    await expect(followEvents(store, o, () => Promise.reject(new StreamFailure('workflow-other', 'text')))).rejects.toThrow('workflow-other: text');
  });

  it('waits out a store that cannot be read while it tries what was set aside', async () => {
    const disk = new MemoryProcessDisk();
    const { store, batches, clock } = setUp();
    await append(store, 'workflow-abc');
    await process(store, await supervised(disk), null, failingOn('workflow-abc', []));
    let isGone = true;
    const breaking: EventStore = new Proxy(store, {
      get: (target, key) => (key === 'readStream' && isGone ? () => Promise.reject(new Fault('STORE_READ_ONLY', 'gone', { retryable: true })) : (Reflect.get(target, key) as () => unknown).bind(target)),
    });
    const supervision = await supervised(disk);
    const abort = new AbortController();
    const following = followEvents(breaking, { after: 'log.1', signal: abort.signal, clock, log: quiet, name: 'follower', supervision }, async (batch) => void batches.push(batch));
    await settle();
    isGone = false;
    clock.advance(1_000);
    await settle();
    abort.abort();
    await following;
    expect([streamsOf(batches), supervision.quarantine.rows()]).toEqual([['workflow-abc/0'], []]);
  });
});
