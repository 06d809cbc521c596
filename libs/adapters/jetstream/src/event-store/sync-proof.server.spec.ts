import type { StreamInfo } from '@nats-io/jetstream';
import { nkeys } from '@nats-io/transport-node';
import { isFault } from '@maestro/ports';
import { startNatsCluster, startNatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { openJetStreamEventStore, type JetStreamEventStoreOptions } from './open-event-store.ts';
import { proveDurability, reportsByMonitor, reportsBySystemAccount, type Durability, type SyncReport } from './sync-proof.ts';

const [app, sys] = [nkeys.createUser(), nkeys.createUser()];
const seedOf = (user: typeof app): string => new TextDecoder().decode(user.getSeed());
// a user of the system account who may ask this one thing
const ACCOUNTS = `
accounts {
  APP: { jetstream: enabled, users: [{ nkey: ${app.getPublicKey()} }] }
  SYS: { users: [{ nkey: ${sys.getPublicKey()}, permissions: { publish: ["$SYS.REQ.SERVER.PING.JSZ"], subscribe: ["_INBOX.>"] } }] }
}
system_account: SYS
`;

async function opened(o: JetStreamEventStoreOptions): Promise<Durability> {
  const store = await openJetStreamEventStore(o);
  await store.close();
  return store.durability;
}
const faultOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the proof that each write is synced', () => {
  const links: NatsLink[] = [];
  const servers: { dispose(): Promise<void> }[] = [];
  const connect = async (url: string, nkeySeed?: string): Promise<NatsLink> => {
    const link = await openNatsConnection({ servers: [url], ...(nkeySeed !== undefined && { nkeySeed }) });
    links.push(link);
    return link;
  };
  afterEach(async () => {
    await Promise.all(links.splice(0).map((link) => link.close()));
    await Promise.all(servers.splice(0).map((server) => server.dispose()));
  });

  it('comes from the report of the server itself, over the system account or the monitoring port', async () => {
    const server = await startNatsServer({ configText: ACCOUNTS });
    servers.push(server);
    const link = await connect(server.url, seedOf(app));
    const system = await connect(server.url, seedOf(sys));
    const proved = { kind: 'synced', replicas: 1, servers: ['nats'], unproved: [] };
    expect(await opened({ link, syncReporter: reportsBySystemAccount(system) })).toEqual(proved);
    expect(await opened({ link, syncReporter: reportsByMonitor([server.monitorUrl]) })).toEqual(proved);
  });

  it('is refused by a server that syncs later, and without a way to ask; both can be accepted and are then told', async () => {
    const server = await startNatsServer({ syncInterval: '2m' });
    servers.push(server);
    const link = await connect(server.url);
    const syncReporter = reportsByMonitor([server.monitorUrl]);
    for (const o of [{ link, syncReporter }, { link }]) expect(isFault(await faultOf(opened(o)), 'DURABILITY_WEAK')).toBe(true);
    expect(await opened({ link, syncReporter, acceptWeakDurability: true })).toMatchObject({
      kind: 'weak',
      reasons: [expect.stringContaining('sync_interval')],
    });
    expect(await opened({ link, acceptWeakDurability: true })).toMatchObject({ kind: 'weak', reasons: [expect.stringContaining('no way to ask')] });
  });

  it('is asked of each server that holds a copy: of all three, and of those that are up', async () => {
    const cluster = await startNatsCluster();
    servers.push(cluster);
    const link = await connect(cluster.servers[0]?.url ?? '');
    const urls = cluster.servers.map(({ monitorUrl }) => monitorUrl);
    const all = await opened({ link, replicas: 3, syncReporter: reportsByMonitor(urls) });
    expect(all.kind === 'synced' && [...all.servers].sort()).toEqual(['nats-1', 'nats-2', 'nats-3']);
    const fault = await faultOf(opened({ link, replicas: 3, syncReporter: reportsByMonitor(urls.slice(0, 2)) }));
    expect(isFault(fault, 'DURABILITY_WEAK') && fault.message.includes('nats-3 gave no report')).toBe(true);
  });
});

describe('proveDurability', () => {
  const info = (offline: boolean): StreamInfo =>
    ({
      config: { name: 'MC_EV', num_replicas: 3 },
      cluster: {
        leader: 'a',
        replicas: [
          { name: 'b', offline: false },
          { name: 'c', offline },
        ],
      },
    }) as unknown as StreamInfo;
  const reports =
    (...of: SyncReport[]) =>
    async (): Promise<readonly SyncReport[]> =>
      of;
  const [a, b] = [
    { server: 'a', syncAlways: true },
    { server: 'b', syncAlways: true },
  ];

  it('names a copy whose server is down, and goes on', async () => {
    expect(await proveDurability(info(true), 'a', reports(a, b), false)).toEqual({ kind: 'synced', replicas: 3, servers: ['a', 'b', 'c'], unproved: ['c'] });
  });
  it('does not excuse a server that is up', async () => {
    expect(isFault(await faultOf(proveDurability(info(false), 'a', reports(a, b), false)), 'DURABILITY_WEAK')).toBe(true);
  });
  it('is not satisfied by a majority', async () => {
    const fault = await faultOf(proveDurability(info(false), 'a', reports(a, b, { server: 'c', syncAlways: false }), false));
    expect(isFault(fault, 'DURABILITY_WEAK') && fault.message.includes('server c ')).toBe(true);
  });
});
