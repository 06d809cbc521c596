import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newEvent, newEvents, newStream } from '@maestro/conformance';
import type { StreamName } from '@maestro/domain';
import { isFault, type EventStore, type StreamPage, type SubscriptionItem, type Version } from '@maestro/ports';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { sealCommit } from './commit-envelope.ts';
import { openJetStreamEventStore } from './open-event-store.ts';
import { reportsByMonitor } from './sync-proof.ts';

const faultOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('damage', () => {
  let server: NatsServer;
  let link: NatsLink;
  let store: EventStore;
  const open = (): Promise<EventStore> => openJetStreamEventStore({ link, syncReporter: reportsByMonitor([server.monitorUrl]), patienceMs: 2_000 });
  beforeEach(async () => {
    server = await startNatsServer();
    link = await openNatsConnection({ servers: [server.url], reconnectWaitMs: 20 });
    store = await open();
  });
  afterEach(async () => {
    await store.close();
    await link.close();
    await server.dispose();
  });

  /** Ten commits of one event to each of two streams, in turn; sequences 1 to 20. */
  async function fill(): Promise<{ readonly streams: readonly [StreamName, StreamName]; readonly versions: readonly Version[] }> {
    const streams = [newStream(), newStream()] as const;
    const versions: ('none' | Version)[] = ['none', 'none'];
    for (let i = 0; i < 20; i += 1) {
      const answer = await store.append(streams[i % 2] ?? streams[0], versions[i % 2] ?? 'none', [newEvent(`event ${i} `.repeat(40))]);
      if (answer.kind === 'appended') versions[i % 2] = answer.version;
    }
    return { streams, versions: versions.filter((version) => version !== 'none') };
  }

  /** Changes one bit of the event stream's file while the server is down, where this text lies. */
  async function flipBit(text: string, o: { readonly byKill?: boolean } = {}): Promise<void> {
    await (o.byKill === true ? server.kill() : server.stop());
    const folder = join(server.folder, 'data/jetstream/$G/streams/MC_EV/msgs');
    // the server's own record of the file's state, which it trusts more than the file; a killed one has it at most in part
    if (o.byKill === true) rmSync(join(folder, 'index.db'), { force: true });
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.blk')) ?? '');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(text);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await server.restart();
    await link.watch.up(AbortSignal.timeout(30_000));
  }

  async function itemsUntilCaughtUp(): Promise<SubscriptionItem[]> {
    const items: SubscriptionItem[] = [];
    for await (const item of store.subscribe({ after: null, signal: new AbortController().signal })) {
      items.push(item);
      if (item.kind === 'caught-up') return items;
    }
    return items;
  }

  const revisions = (page: StreamPage): number[] => (page.kind === 'page' ? page.events.map(({ revision }) => Number(revision)) : []);

  it('of a commit in the middle of the file: its own stream stops there, feeds pass over it, others are served', async () => {
    const { streams, versions } = await fill();
    await flipBit('event 6 event 6'); // revision 3 of the first stream, sequence 7
    const [hit, other] = streams;
    const before = await store.readStream(hit, { direction: 'forward', limit: 100 });
    expect([revisions(before), before.kind === 'page' && before.end]).toEqual([[0, 1, 2], false]);
    expect(isFault(await faultOf(store.readStream(hit, { direction: 'forward', from: 3n, limit: 100 })), 'STORE_DAMAGED')).toBe(true);
    expect(revisions(await store.readStream(hit, { direction: 'backward', limit: 100 }))).toEqual([9, 8, 7, 6, 5, 4]);
    expect(revisions(await store.readStream(other, { direction: 'forward', limit: 100 }))).toHaveLength(10);
    const items = await itemsUntilCaughtUp();
    expect(items.map(({ kind }) => kind)).toEqual([...Array(6).fill('event'), 'damaged', ...Array(13).fill('event'), 'caught-up']);
    const page = await store.readAll({ after: null, limit: 100 });
    expect([page.events.length, page.end]).toEqual([6, false]);
    expect(isFault(await faultOf(store.readAll({ after: page.next, limit: 100 })), 'STORE_DAMAGED')).toBe(true);
    // the head is known, so the stream goes on
    const [version] = versions;
    expect(await store.append(hit, version ?? 'none', newEvents(1))).toMatchObject({ kind: 'appended' });
  });

  it('of the newest commit: its stream is damaged, never missing', async () => {
    const { streams } = await fill();
    await flipBit('event 19 event 19');
    const hit = streams[1];
    for (const attempt of [
      store.readStream(hit, { direction: 'forward', limit: 1 }),
      store.readStream(hit, { direction: 'backward', limit: 1 }),
      store.append(hit, 'none', newEvents(1)),
    ]) {
      expect(await faultOf(attempt)).toMatchObject({ code: 'STORE_DAMAGED' });
    }
    expect((await itemsUntilCaughtUp()).map(({ kind }) => kind)).toEqual([...Array(19).fill('event'), 'damaged', 'caught-up']);
  });

  it('that makes a killed server cut its file off: the store notices in use, and refuses to open again', async () => {
    const { streams, versions } = await fill();
    await flipBit('event 6 event 6', { byKill: true });
    // the server goes on at sequence 6, and would take a commit under a sequence that was given before
    const late = await faultOf(store.append(newStream(), 'none', newEvents(1), { timeoutMs: 2_000 }));
    expect(isFault(late, 'STORE_BEHIND_MARK')).toBe(true);
    expect(isFault(await faultOf(store.readAll({ after: null, limit: 1, timeoutMs: 500 })), 'STORE_BEHIND_MARK')).toBe(true);
    expect(await store.append(streams[0], versions[0] ?? 'none', newEvents(1), { timeoutMs: 2_000 })).toMatchObject({ kind: 'conflict' });
    await store.close();
    expect(isFault(await faultOf(open()), 'STORE_BEHIND_MARK')).toBe(true);
  });

  it('by other hands: bytes that are no commit, a commit under another name, a changed event in a sound commit', async () => {
    const stream = newStream();
    const subject = `mc.ev.${stream.replace('-', '.')}`;
    const whole = Buffer.from(sealCommit({ commitId: 'c', stream, after: 0, firstRevision: 0 }, [newEvent('one'), newEvent('two')]));
    const at = whole.indexOf('two');
    whole[at] = 0x54;
    const misplaced = sealCommit({ commitId: 'd', stream: newStream(), after: 0, firstRevision: 0 }, newEvents(1));
    for (const payload of [whole, Buffer.from('garbage'), Buffer.from(misplaced)]) await link.connection.request(subject, payload);
    const items = await itemsUntilCaughtUp();
    expect(items.map(({ kind }) => kind)).toEqual(['event', 'damaged', 'damaged', 'damaged', 'caught-up']);
    for (const item of items) if (item.kind === 'damaged') expect([item.stream, item.fault.code]).toEqual([stream, 'STORE_DAMAGED']);
    expect(isFault(await faultOf(store.readStream(stream, { direction: 'forward', limit: 1 })), 'STORE_DAMAGED')).toBe(true);
    // an event that is whole is served, and the next cursor leads past it
    const [first] = items;
    const next = await faultOf(store.readAll({ after: first?.kind === 'event' ? first.event.cursor : null, limit: 1 }));
    expect(isFault(next, 'STORE_DAMAGED') && next.message.includes('revision 1')).toBe(true);
  });

  it('that a head mark shows: another commit under its sequence; one that says nothing is passed over', async () => {
    await fill();
    await store.close();
    const head = await link.connection.request('$JS.API.STREAM.INFO.MC_EV', '');
    const { created } = head.json<{ created: string }>();
    for (const [mark, fault] of [
      ['no mark', undefined],
      [JSON.stringify({ created, seq: 3, commitId: 'another' }), 'STORE_BEHIND_MARK'],
      [JSON.stringify({ created, seq: 99, commitId: 'c' }), 'STORE_BEHIND_MARK'],
    ] as const) {
      await link.connection.request('mc.mark', mark);
      const outcome = await open().then(
        (opened) => opened.close(),
        (error: unknown) => error,
      );
      expect([mark, (outcome as { code?: string } | undefined)?.code]).toEqual([mark, fault]);
    }
  });

  it('by deletion of the whole stream: the store does not open on what is made in its place', async () => {
    await fill();
    await store.close();
    await link.connection.request('$JS.API.STREAM.DELETE.MC_EV', '');
    expect(isFault(await faultOf(open()), 'STORE_BEHIND_MARK')).toBe(true);
  });

  it('by deletion in use: reads end with a fault, and a stream made in its place is not taken for it', async () => {
    await fill();
    const second = await openNatsConnection({ servers: [server.url], reconnectWaitMs: 20 });
    await link.connection.request('$JS.API.STREAM.DELETE.MC_EV', '');
    expect(isFault(await faultOf(store.head()), 'STORE_UNAVAILABLE')).toBe(true);
    await link.connection.request('$JS.API.STREAM.DELETE.MC_MARK', '');
    const other = await openJetStreamEventStore({ link: second, syncReporter: reportsByMonitor([server.monitorUrl]) });
    expect(isFault(await faultOf(store.head()), 'STORE_DAMAGED')).toBe(true);
    await other.close();
    await second.close();
  });
});
