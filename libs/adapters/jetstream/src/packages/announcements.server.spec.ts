import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { followAnnouncements } from './announcements.ts';

describe('announcements of packages', () => {
  let server: NatsServer;
  let link: NatsLink;
  const lines: string[] = [];
  const log = { log: (_level: string, message: string): void => void lines.push(message) };
  beforeAll(async () => {
    server = await startNatsServer();
    link = await openNatsConnection({ servers: [server.url] });
  });
  afterAll(async () => {
    await link.close();
    await server.dispose();
  });

  /** Keeps what it is told; the next key can be waited for. */
  class Book {
    readonly keys: string[] = [];
    readonly #waiting = new Map<string, () => void>();
    announce(key: string, bytes: Uint8Array): string | null {
      this.keys.push(key);
      this.#waiting.get(key)?.();
      return bytes.length === 0 ? 'it is empty' : null;
    }
    has(key: string): Promise<void> {
      return this.keys.includes(key) ? Promise.resolve() : new Promise((resolve) => this.#waiting.set(key, resolve));
    }
  }

  it('are read from a bucket that is made where it is missing, those of before first', async () => {
    const [first, second] = [new Book(), new Book()];
    const following = await followAnnouncements(link, first, log);
    expect(first.keys).toEqual([]);
    const bucket = await new Kvm(link.connection).open('mc-packages');
    await bucket.put('py.upper.1_0_0', '{}');
    await first.has('py.upper.1_0_0');
    await jetstream(link.connection).publish('$KV.mc-packages.py.lower.1_0_0', '');
    await first.has('py.lower.1_0_0');
    expect(lines).toContain('an announcement of a package was refused');
    const later = await followAnnouncements(link, second, log);
    expect(second.keys).toEqual(['py.upper.1_0_0', 'py.lower.1_0_0']);
    await Promise.all([following.stop(), later.stop()]);
  });

  it('cannot be changed or taken back by who may write them', async () => {
    const bucket = await new Kvm(link.connection).open('mc-packages');
    await expect(bucket.put('py.upper.1_0_0', '{"other":1}')).rejects.toThrow(/maximum messages per subject/);
    await expect(bucket.delete('py.upper.1_0_0')).rejects.toThrow(/maximum messages per subject/);
    expect((await bucket.get('py.upper.1_0_0'))?.string()).toBe('{}');
  });

  it('are read on after the server was killed, and from a bucket that was made anew', async () => {
    const book = new Book();
    const following = await followAnnouncements(link, book, log);
    await server.restart();
    await link.watch.up(AbortSignal.timeout(30_000));
    await jetstream(link.connection).publish('$KV.mc-packages.py.third.1_0_0', '{}');
    await book.has('py.third.1_0_0');
    const { streams } = await jetstreamManager(link.connection);
    await streams.delete('KV_mc-packages');
    const announced = book.has('py.fourth.1_0_0');
    const again = setInterval(() => void jetstream(link.connection).publish('$KV.mc-packages.py.fourth.1_0_0', '{}').catch(() => undefined), 100);
    await announced;
    clearInterval(again);
    await following.stop();
  });
});
