import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { nkeys } from '@nats-io/transport-node';
import { isFault } from '@maestro/ports';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { provideEventStream } from './event-stream.ts';
import { EventSubjects } from './event-subjects.ts';
import { openJetStreamEventStore } from './open-event-store.ts';
import { patience } from './persist.ts';

const faultOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the event stream', () => {
  let server: NatsServer;
  let link: NatsLink;
  const soon = (): ReturnType<typeof patience> => patience(5_000, new AbortController().signal);
  beforeEach(async () => {
    server = await startNatsServer();
    link = await openNatsConnection({ servers: [server.url] });
  });
  afterEach(async () => {
    await link.close();
    await server.dispose();
  });

  it('is made once, also when many begin at the same time, and found again', async () => {
    const subjects = new EventSubjects(link.names);
    const infos = await Promise.all(Array.from({ length: 5 }, () => provideEventStream(link, subjects, { replicas: 1 }, soon())));
    expect(new Set(infos.map(({ created }) => created)).size).toBe(1);
    expect(infos[0]?.config).toMatchObject({
      subjects: ['mc.ev.*.*'],
      storage: 'file',
      deny_delete: true,
      deny_purge: true,
      discard: 'new',
      max_age: 0,
      num_replicas: 1,
    });
  });

  const sound: Partial<StreamConfig> & { name: string } = {
    name: 'MC_EV',
    subjects: ['mc.ev.*.*'],
    discard: 'new',
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
    republish: { src: 'mc.ev.*.*', dest: 'mc.head', headers_only: true },
  };
  const breaking: readonly [string, Partial<StreamConfig>][] = [
    ['storage', { storage: 'memory' }],
    ['retention', { retention: 'interest' }],
    ['discard', { discard: 'old' }],
    ['deny_delete', { deny_delete: false }],
    ['deny_purge', { deny_purge: false }],
    ['max_age', { max_age: 1_000_000_000_000 }],
    ['max_msgs ', { max_msgs: 5 }],
    ['max_msgs_per_subject', { max_msgs_per_subject: 1 }],
    ['allow_direct', { allow_direct: false }],
    ['allow_rollup_hdrs', { allow_rollup_hdrs: true, deny_purge: false }],
    ['persist_mode', { persist_mode: 'async' }],
    ['subjects', { subjects: ['mc.ev.>'] }],
    ['republishes', { republish: { src: 'mc.ev.*.*', dest: 'elsewhere', headers_only: true } }],
    ['allow_msg_ttl', { allow_msg_ttl: true }],
  ];
  it.each(breaking)('that exists with another %s is refused, and the message names it', async (name, change) => {
    const { streams } = await jetstreamManager(link.connection);
    await streams.add({ ...sound, ...change });
    const fault = await faultOf(provideEventStream(link, new EventSubjects(link.names), { replicas: 1 }, soon()));
    expect([name, isFault(fault, 'NATS_MISCONFIGURED') && fault.message.includes(name)]).toEqual([name, true]);
  });
  it('that exists with fewer replicas than wanted is refused', async () => {
    const { streams } = await jetstreamManager(link.connection);
    await streams.add(sound);
    const fault = await faultOf(provideEventStream(link, new EventSubjects(link.names), { replicas: 3 }, soon()));
    expect(isFault(fault, 'NATS_MISCONFIGURED') && fault.message.includes('1 replicas instead of 3')).toBe(true);
  });
  it('that somebody made as it has to be is taken', async () => {
    const { streams } = await jetstreamManager(link.connection);
    const { created } = await streams.add(sound);
    expect((await provideEventStream(link, new EventSubjects(link.names), { replicas: 1 }, soon())).created).toBe(created);
  });
  it('that does not exist is waited for by who may not make it', async () => {
    const [reader, owner] = [nkeys.createUser(), nkeys.createUser()];
    const may = '{ publish: ["$JS.API.STREAM.INFO.*", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.MSG.GET.*"], subscribe: ["_INBOX.>", "mc.head"] }';
    const users = `authorization { users: [{ nkey: ${owner.getPublicKey()} }, { nkey: ${reader.getPublicKey()}, permissions: ${may} }] }`;
    const guarded = await startNatsServer({ configText: users });
    const connect = (user: typeof reader): Promise<NatsLink> =>
      openNatsConnection({ servers: [guarded.url], nkeySeed: new TextDecoder().decode(user.getSeed()) });
    const [reading, owning] = [await connect(reader), await connect(owner)];
    const open = (at: NatsLink): ReturnType<typeof openJetStreamEventStore> => openJetStreamEventStore({ link: at, acceptWeakDurability: true });
    const fault = await faultOf(open(reading));
    expect(isFault(fault, 'STORE_UNAVAILABLE') && fault.retryable).toBe(true);
    const stores = [await open(owning), await open(reading)];
    expect(await stores[1]?.head()).toBeNull();
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all([reading.close(), owning.close()]);
    await guarded.dispose();
  });
  it('needs a server that takes messages of a commit', async () => {
    const small = await startNatsServer({ maxPayload: '512KB' });
    const other = await openNatsConnection({ servers: [small.url] });
    expect(isFault(await faultOf(openJetStreamEventStore({ link: other })), 'NATS_MISCONFIGURED')).toBe(true);
    await other.close();
    await small.dispose();
  });
});
