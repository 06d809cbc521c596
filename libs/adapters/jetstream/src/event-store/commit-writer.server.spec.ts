import { jetstreamManager } from '@nats-io/jetstream';
import { newEvents, newStream } from '@maestro/conformance';
import type { StreamName } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import { startNatsServer, startRelay, type CuttableRelay, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { sealCommit } from './commit-envelope.ts';
import { NONE, type Head } from './commit-place.ts';
import { CommitWriter, type Written } from './commit-writer.ts';
import { provideEventStream } from './event-stream.ts';
import { EventSubjects } from './event-subjects.ts';
import { LeaderReads } from './leader-reads.ts';
import { patience } from './persist.ts';

const never = new AbortController().signal;
const faultOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('CommitWriter on a real stream', () => {
  let server: NatsServer;
  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());

  /** A writer over a relay, and a second connection that sees what the first one cannot. */
  async function scene(
    prefix: string,
    newId?: () => string,
  ): Promise<{ writer: CommitWriter; leader: LeaderReads; subjects: EventSubjects; link: NatsLink; relay: CuttableRelay; end: () => Promise<void> }> {
    const relay = await startRelay(server.port);
    const link = await openNatsConnection({ servers: [relay.url], prefix, reconnectWaitMs: 20 });
    const aside = await openNatsConnection({ servers: [server.url], prefix });
    const subjects = new EventSubjects(link.names);
    await provideEventStream(link, subjects, { replicas: 1 }, patience(10_000, never));
    const writer = new CommitWriter(link, new LeaderReads(link, subjects.stream), subjects, newId);
    const end = async (): Promise<void> => void (await Promise.all([link.close(), aside.close(), relay.close()]));
    return { writer, leader: new LeaderReads(aside, subjects.stream), subjects, link, relay, end };
  }

  /** A stream with one event. */
  async function begun(writer: CommitWriter): Promise<{ readonly stream: StreamName; readonly at: Head }> {
    const stream = newStream();
    const written = await writer.write({ stream, at: NONE, events: newEvents(1) }, patience(10_000, never));
    if (written.kind !== 'stored') throw new Error('a new stream was refused');
    return { stream, at: written.head };
  }

  it('finds its own commit when the acknowledgement was lost, and stores it once', async () => {
    const { writer, leader, relay, end } = await scene('lostack');
    const { stream, at } = await begun(writer);
    relay.mute();
    const pending = writer.write({ stream, at, events: newEvents(3) }, patience(15_000, never));
    // the server has it, and its word is lost
    for (let seq = 0; seq < 2;) seq = (await leader.head(patience(5_000, never))).seq;
    relay.cut();
    expect(await pending).toMatchObject({ kind: 'stored', head: { seq: 2, revision: 3 }, isEarlier: false });
    expect((await leader.head(patience(5_000, never))).seq).toBe(2);
    await end();
  });

  it('does not believe a duplicate that is another commit', async () => {
    const { writer, leader, subjects, end } = await scene('sameid', () => 'the-same-id');
    const [one, other] = [newStream(), newStream()];
    await writer.write({ stream: one, at: NONE, events: newEvents(1) }, patience(10_000, never));
    const fault = await faultOf(writer.write({ stream: other, at: NONE, events: newEvents(1) }, patience(10_000, never)));
    expect(isFault(fault, 'STORE_DAMAGED')).toBe(true);
    expect(await leader.last(subjects.of(other), patience(5_000, never))).toBeUndefined();
    await end();
  });

  it('says that it cannot know when the server is cut off for good, and that nothing was written when it never was there', async () => {
    const { writer, link, relay, end } = await scene('cutoff');
    const { stream, at } = await begun(writer);
    relay.mute();
    const unknown = await faultOf(writer.write({ stream, at, events: newEvents(1) }, patience(100, never)));
    expect(isFault(unknown, 'STORE_OUTCOME_UNKNOWN') && unknown.retryable).toBe(true);
    const lost = faultOf(link.watch.race(new Promise(() => {})));
    await relay.close();
    expect(await lost).toMatchObject({ name: 'Disconnected' });
    const nothing = await faultOf(writer.write({ stream: newStream(), at: NONE, events: newEvents(1) }, patience(100, never)));
    expect(isFault(nothing, 'STORE_UNAVAILABLE') && nothing.retryable).toBe(true);
    await end();
  });

  it('answers ABORTED before anything was sent, and unknown after', async () => {
    const { writer, relay, end } = await scene('aborted');
    expect(isFault(await faultOf(writer.write({ stream: newStream(), at: NONE, events: newEvents(1) }, patience(1_000, AbortSignal.abort()))), 'ABORTED')).toBe(
      true,
    );
    const { stream, at } = await begun(writer);
    relay.mute();
    const stop = new AbortController();
    const pending = faultOf(writer.write({ stream, at, events: newEvents(1) }, patience(10_000, stop.signal)));
    setImmediate(() => {
      stop.abort();
      relay.cut();
    });
    expect(isFault(await pending, 'STORE_OUTCOME_UNKNOWN')).toBe(true);
    await end();
  });

  it('is told that there is no room, by a stream that holds only so much', async () => {
    const link = await openNatsConnection({ servers: [server.url], prefix: 'full' });
    const subjects = new EventSubjects(link.names);
    await provideEventStream(link, subjects, { replicas: 1, bytesMax: 20_000 }, patience(10_000, never));
    const writer = new CommitWriter(link, new LeaderReads(link, subjects.stream), subjects);
    const stored: Written[] = [];
    const fault = await faultOf(
      (async () => {
        for (let i = 0; i < 100; i += 1) stored.push(await writer.write({ stream: newStream(), at: NONE, events: newEvents(5) }, patience(10_000, never)));
      })(),
    );
    expect(isFault(fault, 'STORE_READ_ONLY') && fault.retryable).toBe(true);
    const { streams } = await jetstreamManager(link.connection);
    expect((await streams.info(subjects.stream)).state.messages).toBe(stored.length);
    expect(stored.length).toBeGreaterThan(5);
    await link.close();
  });
});

// The wire is real, the stream is not: a second client answers in its place, with what the server does too seldom to wait for.
describe('CommitWriter and the answers of a server', () => {
  let server: NatsServer;
  let link: NatsLink;
  let stand: NatsLink;
  const stream = newStream() as StreamName;
  const events = newEvents(2);
  beforeAll(async () => {
    server = await startNatsServer({ jetStream: false });
    link = await openNatsConnection({ servers: [server.url] });
    stand = await openNatsConnection({ servers: [server.url] });
  });
  afterAll(async () => {
    await Promise.all([link.close(), stand.close()]);
    await server.dispose();
  });

  type Script = {
    readonly publish: readonly (number | 'ok')[];
    readonly read?: (asked: { seq?: number; next_by_subj?: string; last_by_subj?: string }) => { seq: number; data: Uint8Array } | undefined;
  };

  /** Answers publishes by the script, one after the other, and reads by its function; counts what came. */
  async function playing(
    script: Script,
    work: (writer: CommitWriter) => Promise<unknown>,
  ): Promise<{ readonly answer: unknown; readonly ids: readonly string[] }> {
    const subjects = new EventSubjects(link.names);
    const ids: string[] = [];
    const publish = stand.connection.subscribe(subjects.of(stream), {
      callback: (_, message) => {
        const next = script.publish[ids.length] ?? 'ok';
        ids.push(message.headers?.get('Nats-Msg-Id') ?? '');
        const refusal = { code: 400, err_code: next, description: 'by the script' };
        message.respond(JSON.stringify(next === 'ok' ? { stream: subjects.stream, seq: 9 } : { error: refusal }));
      },
    });
    const reads = stand.connection.subscribe(`$JS.API.STREAM.MSG.GET.${subjects.stream}`, {
      callback: (_, message) => {
        const found = script.read?.(message.json());
        const body = found && { subject: subjects.of(stream), seq: found.seq, data: Buffer.from(found.data).toString('base64') };
        message.respond(JSON.stringify(body === undefined ? { error: { code: 404, err_code: 10_037, description: 'none' } } : { message: body }));
      },
    });
    const info = stand.connection.subscribe(`$JS.API.STREAM.INFO.${subjects.stream}`, {
      callback: (_, message) => void message.respond(JSON.stringify({ state: { last_seq: 9 } })),
    });
    await stand.connection.flush();
    const writer = new CommitWriter(link, new LeaderReads(link, subjects.stream), subjects);
    const answer = await work(writer).catch((error: unknown) => error);
    for (const subscription of [publish, reads, info]) subscription.unsubscribe();
    await stand.connection.flush();
    return { answer, ids };
  }

  const write = (writer: CommitWriter): Promise<Written> => writer.write({ stream, at: { seq: 3, revision: 4 }, events }, patience(10_000, never));
  const commit = (o: { after: number; events?: typeof events }): Uint8Array =>
    sealCommit({ commitId: 'of-somebody', stream, after: o.after, firstRevision: 5 }, o.events ?? events);

  it.each([10_164, 10_158, 10_009, 10_167])('%i is sent again, with the same id', async (code) => {
    const { answer, ids } = await playing({ publish: [code, code, 'ok'] }, write);
    expect(answer).toMatchObject({ kind: 'stored', head: { seq: 9, revision: 6 }, isEarlier: false });
    expect([ids.length, new Set(ids).size]).toEqual([3, 1]);
  });
  it('wrong last sequence where the leader shows nothing new is sent again', async () => {
    const read = (asked: object): { seq: number; data: Uint8Array } | undefined =>
      'last_by_subj' in asked ? { seq: 3, data: commit({ after: 1 }) } : undefined;
    const { answer, ids } = await playing({ publish: [10_071, 'ok'], read }, write);
    expect(answer).toMatchObject({ kind: 'stored', isEarlier: false });
    expect(ids).toHaveLength(2);
  });
  it('wrong last sequence because of the same events is an earlier success', async () => {
    const { answer } = await playing({ publish: [10_071], read: () => ({ seq: 5, data: commit({ after: 3 }) }) }, write);
    expect(answer).toMatchObject({ kind: 'stored', head: { seq: 5, revision: 6 }, isEarlier: true });
  });
  it('wrong last sequence because of other events is a conflict', async () => {
    const read = (): { seq: number; data: Uint8Array } => ({ seq: 5, data: commit({ after: 3, events: newEvents(2) }) });
    const { answer } = await playing({ publish: [10_071], read }, write);
    expect(answer).toEqual({ kind: 'conflict', actual: { revision: 6n, token: '5:6' } });
  });
  it('the same events elsewhere in the stream are a conflict', async () => {
    const { answer } = await playing({ publish: [10_071], read: () => ({ seq: 5, data: commit({ after: 4 }) }) }, write);
    expect(answer).toMatchObject({ kind: 'conflict' });
  });
  it('a commit that cannot be proved is damage', async () => {
    const { answer } = await playing({ publish: [10_071], read: () => ({ seq: 5, data: Buffer.from('garbage') }) }, write);
    expect(isFault(answer, 'STORE_DAMAGED')).toBe(true);
  });
  it.each([
    [10_077, 'STORE_READ_ONLY'],
    [10_054, 'COMMIT_TOO_LARGE'],
    [10_060, 'STORE_UNAVAILABLE'],
  ])('%i is not sent again: %s', async (code, fault) => {
    const { answer, ids } = await playing({ publish: [code] }, write);
    expect([(answer as { code?: string }).code, ids.length]).toEqual([fault, 1]);
  });
});
