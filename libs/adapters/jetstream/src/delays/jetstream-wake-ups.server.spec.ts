import { jetstreamManager } from '@nats-io/jetstream';
import { isFault } from '@maestro/ports';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { JetStreamWakeUps } from './jetstream-wake-ups.ts';

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** What woke whom, in order; `next` waits for one more. */
class Woken {
  readonly keys: string[] = [];
  readonly #wakes: (() => void)[] = [];
  readonly handle = async (key: string): Promise<void> => {
    this.keys.push(key);
    this.#wakes.shift()?.();
  };
  async count(wanted: number): Promise<void> {
    while (this.keys.length < wanted) await new Promise<void>((wake) => this.#wakes.push(wake));
  }
}

describe('wake-ups on JetStream', () => {
  let server: NatsServer;
  let link: NatsLink;
  let wakeUps: JetStreamWakeUps;
  let deployments = 0;
  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());
  beforeEach(async () => {
    link = await openNatsConnection({ servers: [server.url], prefix: `d${(deployments += 1)}` });
    wakeUps = await JetStreamWakeUps.open(link);
  });
  afterEach(() => link.close());

  it('come when they are due, and not before; what was due already comes at once', async () => {
    const woken = new Woken();
    const dueMs = Date.now() + 700;
    const following = wakeUps.follow('lane 1', woken.handle);
    await wakeUps.set({ lane: 'lane 1', key: 'execution-1/task/a.b/1/retry', dueAt: new Date(dueMs).toISOString() });
    await wakeUps.set({ lane: 'lane 2', key: 'of another', dueAt: inMs(-60_000) });
    await wakeUps.set({ lane: 'lane 1', key: 'past', dueAt: inMs(-60_000) });
    await woken.count(1);
    expect(woken.keys).toEqual(['past']);
    await woken.count(2);
    expect(woken.keys).toEqual(['past', 'execution-1/task/a.b/1/retry']);
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    await following.stop(1_000);
  });

  it('are one per key: a later one replaces it, and one that is taken back does not come', async () => {
    const woken = new Woken();
    await wakeUps.set({ lane: 'lane 1', key: 'moved', dueAt: inMs(300) });
    await wakeUps.set({ lane: 'lane 1', key: 'moved', dueAt: inMs(900) });
    await wakeUps.set({ lane: 'lane 1', key: 'gone', dueAt: inMs(300) });
    await wakeUps.cancel({ lane: 'lane 1', key: 'gone' });
    await wakeUps.cancel({ lane: 'lane 1', key: 'unknown' });
    await wakeUps.set({ lane: 'lane 1', key: 'last', dueAt: inMs(1_500) });
    const following = wakeUps.follow('lane 1', woken.handle);
    await woken.count(2);
    expect(woken.keys).toEqual(['moved', 'last']);
    await following.stop(1_000);
  });

  it('come again where who was woken could not look', async () => {
    const woken = new Woken();
    let tries = 0;
    const following = wakeUps.follow('lane 1', async (key) => {
      tries += 1;
      if (tries === 1) throw new Error('busy');
      await woken.handle(key);
    });
    await wakeUps.set({ lane: 'lane 1', key: 'a', dueAt: inMs(0) });
    await woken.count(1);
    expect(tries).toBe(2);
    await following.stop(1_000);
  });

  it('outlive the server, and whoever set them', async () => {
    const woken = new Woken();
    await wakeUps.set({ lane: 'lane 1', key: 'a', dueAt: inMs(1_000) });
    const following = wakeUps.follow('lane 1', woken.handle);
    await server.restart();
    await woken.count(1);
    expect(woken.keys).toEqual(['a']);
    await following.stop(1_000);
  });

  it('go on where their stream was deleted', async () => {
    const woken = new Woken();
    const following = wakeUps.follow('lane 1', woken.handle);
    const { streams } = await jetstreamManager(link.connection);
    await streams.delete(link.names.stream('delay'));
    await wakeUps.set({ lane: 'lane 1', key: 'a', dueAt: inMs(0) });
    await woken.count(1);
    expect(woken.keys).toEqual(['a']);
    await following.stop(1_000);
  });

  it('cannot be set once the connection is closed', async () => {
    await link.close();
    const fault = await wakeUps.set({ lane: 'lane 1', key: 'a', dueAt: inMs(0) }).catch((error: unknown) => error);
    expect(isFault(fault, 'NATS_UNAVAILABLE')).toBe(true);
  });
});
