import { createServer } from 'node:net';
import { nkeys } from '@nats-io/transport-node';
import { isFault } from '@maestro/ports';
import { freePorts, startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection } from './nats-connection.ts';

const faultOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('openNatsConnection', () => {
  let server: NatsServer;
  const user = nkeys.createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  beforeAll(async () => {
    server = await startNatsServer({ configText: `authorization { users: [{ nkey: ${user.getPublicKey()} }] }` });
  });
  afterAll(() => server.dispose());

  it('lets in who holds the seed, and names everything by its prefix', async () => {
    const link = await openNatsConnection({ servers: [server.url], nkeySeed: () => seed, prefix: 'two' });
    expect([link.names.stream('ev'), link.names.subject('ev', 'run')]).toEqual(['TWO_EV', 'two.ev.run']);
    expect(link.serverVersion).toBe('2.15.2');
    await link.close();
    await link.close();
  });
  it('is denied without the seed, and does not repeat what stands in the address', async () => {
    const fault = await faultOf(openNatsConnection({ servers: [server.url.replace('//', '//user:secret@')] }));
    expect(isFault(fault, 'NATS_DENIED') && !fault.message.includes('secret')).toBe(true);
  });
  it('finds nobody where nobody listens, and says that another try may', async () => {
    const [port] = await freePorts(1);
    const fault = await faultOf(openNatsConnection({ servers: [`127.0.0.1:${port}`] }));
    expect(isFault(fault, 'NATS_UNAVAILABLE') && fault.retryable).toBe(true);
  });
  it('refuses a server that is too old', async () => {
    const old = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('INFO {"server_id":"x","version":"2.14.9","proto":1,"headers":true,"max_payload":1048576}\r\n');
      socket.on('data', (bytes) => void (String(bytes).includes('PING') && socket.write('PONG\r\n')));
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const address = old.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const fault = await faultOf(openNatsConnection({ servers: [`127.0.0.1:${port}`] }));
    expect(isFault(fault, 'NATS_TOO_OLD') && fault.message.includes('2.14.9')).toBe(true);
    await new Promise((resolve) => old.close(resolve));
  });
  it('ends a racing call when the server is killed, and says when it is back', async () => {
    const link = await openNatsConnection({ servers: [server.url], nkeySeed: seed });
    link.connection.subscribe('silent');
    const never = link.watch.race(link.connection.request('silent', '', { timeout: 3_600_000 }));
    await link.connection.flush();
    await server.kill();
    expect(await faultOf(never)).toMatchObject({ name: 'Disconnected' });
    expect(link.watch.isUp).toBe(false);
    expect(await faultOf(link.watch.race(new Promise(() => {})))).toMatchObject({ name: 'Disconnected' });
    const given = new AbortController();
    const waiting = link.watch.up(given.signal);
    given.abort();
    await waiting;
    await server.restart();
    await link.watch.up(AbortSignal.timeout(30_000));
    expect(link.watch.isUp).toBe(true);
    await expect(link.watch.race(link.connection.rtt())).resolves.toEqual(expect.any(Number));
    await link.close();
  });
  it('refuses a prefix that would not fit a stream name', async () => {
    await expect(openNatsConnection({ servers: [server.url], prefix: 'a.b' })).rejects.toThrow(/does not match/);
  });
});
