import { setImmediate as turn } from 'node:timers/promises';
import { hashOf, newEvent, newEvents, newStream } from '@maestro/conformance';
import { isFault, type Appended, type Conflict, type EventStore, type Fault, type StoredEvent } from '@maestro/ports';
import { openEventStoreDb } from './event-store.ts';
import { doubleHarness, type DoubleHarness } from '../fixtures/store-harness.ts';

const faultOf = (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    (answer) => Promise.reject(new Error(`expected a fault, got ${JSON.stringify(answer, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))}`)),
    (error: unknown) => (isFault(error) ? error : Promise.reject(error as Error)),
  );

const revision = (answer: Appended | Conflict): bigint | undefined => (answer.kind === 'appended' ? answer.version.revision : undefined);

async function stored(store: EventStore, stream: ReturnType<typeof newStream>): Promise<readonly StoredEvent[]> {
  const page = await store.readStream(stream, { direction: 'forward', limit: 1_000 });
  return page.kind === 'page' ? page.events : [];
}

describe.each([['Append', false], ['BatchAppend', true]] as const)('an outage, with %s', (_, batchAppend) => {
  let h: DoubleHarness;
  beforeEach(async () => {
    h = await doubleHarness({ batchAppend, attemptMs: 1_000 });
  });
  afterEach(() => h.dispose());

  it('of replies is settled within one call: what was stored is read back, and stored once', async () => {
    const store = await h.open();
    const [stream, events] = [newStream(), newEvents(3)];
    for (const node of h.double.nodes) node.faults.repliesToDrop = 1;
    const answer = await store.append(stream, 'none', events);
    expect(answer).toMatchObject({ kind: 'appended', deduplicated: true, version: { revision: 2n } });
    expect((await stored(store, stream)).map((e) => e.id)).toEqual(events.map((e) => e.id));
  });
  it('of a reply whose place somebody else then took is a conflict, never a second copy', async () => {
    const [store, other] = [await h.open(), await secondStore(h)];
    const stream = newStream();
    h.double.hang();
    const slow = store.append(stream, 'none', newEvents(1), { timeoutMs: 4_000 });
    h.double.lead(undefined); // nobody leads: what hangs is refused once it goes on
    h.double.resume();
    h.double.lead(0);
    const quick = await other.append(stream, 'none', newEvents(1));
    const both = [await slow, quick];
    expect(both.filter((a) => a.kind === 'appended')).toHaveLength(1);
    expect(await stored(store, stream)).toHaveLength(1);
    await other.close();
  });
  it('that hangs longer than the call says that the outcome is unknown, and the same call again settles it', async () => {
    const store = await h.open();
    const [stream, events] = [newStream(), newEvents(2)];
    h.double.hang();
    const fault = await faultOf(store.append(stream, 'none', events, { timeoutMs: 150 }));
    expect([fault.code, fault.retryable]).toEqual(['STORE_OUTCOME_UNKNOWN', true]);
    const read = await faultOf(store.readStream(stream, { direction: 'forward', limit: 1, timeoutMs: 100 }));
    expect([read.code, read.retryable]).toEqual(['STORE_UNAVAILABLE', true]);
    h.double.resume();
    expect(revision(await store.append(stream, 'none', events))).toBe(1n);
    expect(await stored(store, stream)).toHaveLength(2);
  });
  it('of a caller who leaves is an unknown outcome, too', async () => {
    const store = await h.open();
    const abort = new AbortController();
    h.double.hang();
    const pending = faultOf(store.append(newStream(), 'none', newEvents(1), { signal: abort.signal }));
    await turn();
    abort.abort();
    expect((await pending).code).toBe('STORE_OUTCOME_UNKNOWN');
    h.double.resume();
    expect((await faultOf(store.append(newStream(), 'none', newEvents(1), { signal: abort.signal }))).code).toBe('ABORTED');
  });
  it('of one leader after the other under load loses and doubles nothing', async () => {
    const store = await h.open();
    const streams = Array.from({ length: 8 }, () => newStream());
    const sent = new Map<string, string[]>();
    const writers = streams.map(async (stream) => {
      let version: Parameters<EventStore['append']>[1] = 'none';
      const ids: string[] = [];
      for (let i = 0; i < 25; i += 1) {
        const events = newEvents(1);
        const answer = await store.append(stream, version, events, { timeoutMs: 20_000 });
        if (answer.kind !== 'appended') throw new Error(`event ${i} of ${stream} met a conflict with itself`);
        ({ version } = answer);
        ids.push(events[0].id);
      }
      sent.set(stream, ids);
    });
    const chaos = (async () => {
      for (let round = 0; round < 6; round += 1) {
        const until = h.double.log.records.length + 20;
        while (h.double.log.records.length < until && h.double.log.records.length < 200) await turn();
        if (round % 2 === 0) h.double.moveLeader();
        else for (const node of h.double.nodes) node.cutConnections();
      }
    })();
    await Promise.all([...writers, chaos]);
    for (const stream of streams) expect((await stored(store, stream)).map((e) => e.id)).toEqual(sent.get(stream));
  });
  it('of size limits that the server sets lower is a fault that says so', async () => {
    const store = await h.open();
    for (const node of h.double.nodes) node.faults.sizeRefusals = 1;
    const fault = await faultOf(store.append(newStream(), 'none', newEvents(1)));
    expect([fault.code, fault.message.includes('appendBytesMax')]).toEqual(['COMMIT_TOO_LARGE', true]);
    const bytes = new Uint8Array(512 * 1024);
    const whole = Array.from({ length: 1 }, () => newEvent(bytes, { hash: hashOf(bytes), type: 't'.repeat(300_000) }));
    expect((await faultOf(store.append(newStream(), 'none', whole as [StoredEvent]))).code).toBe('COMMIT_TOO_LARGE');
  });
  it('of access is a fault that no retry mends', async () => {
    const store = await h.open();
    for (const node of h.double.nodes) node.faults.denies = true;
    for (const work of [store.append(newStream(), 'none', newEvents(1)), store.readAll({ after: null, limit: 1 })]) {
      const fault = await faultOf(work);
      expect([fault.code, fault.retryable]).toEqual(['STORE_DENIED', false]);
    }
    const items = store.subscribe({ after: null, signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect((await faultOf(items.next())).code).toBe('STORE_DENIED');
  });
});

describe('an outage of BatchAppend', () => {
  let h: DoubleHarness;
  beforeEach(async () => {
    h = await doubleHarness({ attemptMs: 1_000 });
  });
  afterEach(() => h.dispose());

  it('that breaks the stream of all appends rejects none of them: each is read back for itself', async () => {
    const store = await h.open();
    await store.append(newStream(), 'none', newEvents(1));
    const commits = Array.from({ length: 30 }, () => ({ stream: newStream(), events: newEvents(2) }));
    h.double.hang();
    const before = h.double.calls('batched');
    const pending = commits.map(({ stream, events }) => store.append(stream, 'none', events, { timeoutMs: 20_000 }));
    while (h.double.calls('batched') < before + commits.length) await turn();
    for (const node of h.double.nodes) node.breakBatches();
    h.double.resume();
    expect((await Promise.all(pending)).map(revision)).toEqual(commits.map(() => 1n));
    for (const { stream, events } of commits) {
      expect((await stored(store, stream)).map((e) => e.id)).toEqual(events.map((e) => e.id));
    }
  });
  it.each(['hung', 'failed'] as const)('whose question for features is %s is over once a server answers it', async (features) => {
    const store = await h.reopen(); // it has read the marker, and asked for no features yet
    for (const node of h.double.nodes) node.faults.features = features;
    const [stream, events] = [newStream(), newEvents(1)];
    const fault = await faultOf(store.append(stream, 'none', events, { timeoutMs: 900 }));
    expect(fault.code).toBe('STORE_OUTCOME_UNKNOWN');
    for (const node of h.double.nodes) node.faults.features = 'answered';
    expect(revision(await store.append(stream, 'none', events))).toBe(0n);
    expect(h.double.calls('features')).toBeGreaterThanOrEqual(3);
    expect(await stored(store, stream)).toHaveLength(1);
  });
});

/** A second store on the same data. */
const secondStore = (h: DoubleHarness): Promise<EventStore> => openEventStoreDb(h.options);
