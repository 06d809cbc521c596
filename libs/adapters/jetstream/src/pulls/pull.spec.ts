import { headers, type Msg } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';
import { Pull } from './pull.ts';

type Deliver = (error: Error | null, message: Msg) => void;

/** A connection to a server that does nothing by itself. */
class QuietServer {
  deliver: Deliver = () => {};
  readonly link = {
    inboxPrefix: '_INBOX',
    watch: { race: <T>(work: Promise<T>) => work },
    connection: {
      publish: () => {},
      subscribe: (_subject: string, { callback }: { callback: Deliver }) => {
        this.deliver = callback;
        return { unsubscribe: () => {}, drain: async () => {}, isClosed: () => false };
      },
    },
  } as unknown as NatsLink;

  says(code: number, description: string): void {
    this.deliver(null, { headers: headers(code, description), data: new Uint8Array() } as Msg);
  }
}

describe('a request for messages', () => {
  const server = new QuietServer();
  const asked = (): Pull => new Pull(server.link, { stream: 'MC_CMD', consumer: 'p0', batch: 1, expiresMs: 50 }, () => {});

  it('that the server let pass without a word was not heard: what was asked may not be there', async () => {
    expect(await asked().ended).toBe('unheard');
  });

  it.each([
    [408, 'Request Timeout', 'over'],
    [503, 'No Responders', 'gone'],
    [409, 'Consumer Deleted', 'gone'],
    [423, 'Nats-Wrong-Pin-Id', 'unpinned'],
  ])('that the server answers with %s %s ends as %s', async (code, description, end) => {
    const { ended } = asked();
    server.says(code, description);
    expect(await ended).toBe(end);
  });

  it('that is taken back is over', async () => {
    const pull = asked();
    await pull.cancel();
    expect([await pull.ended, pull.left]).toEqual(['over', 0]);
  });
});
