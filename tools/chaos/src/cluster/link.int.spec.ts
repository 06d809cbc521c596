import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Link } from './link.ts';

describe('a link between a process and a server', () => {
  let server: Server;
  let received: string;
  let link: Link;
  let near: Socket;

  beforeEach(async () => {
    received = '';
    server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', (bytes) => {
        received += bytes.toString('utf8');
        socket.write(`echo ${bytes.toString('utf8')}`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    link = await Link.open((server.address() as AddressInfo).port);
    near = connect(link.port, '127.0.0.1');
    near.on('error', () => undefined);
    await says('hello');
  });
  afterEach(async () => {
    near.destroy();
    await link.close();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Sends, and answers what comes back first; empty: the connection ended. */
  async function says(text: string): Promise<string> {
    near.write(text);
    return new Promise((resolve) => {
      near.once('close', () => resolve(''));
      near.once('data', (bytes) => resolve(bytes.toString('utf8')));
    });
  }

  it('passes everything while it is sound', async () => {
    expect(await says('again')).toBe('echo again');
    expect([received, link.harmed, link.isUsed]).toEqual(['helloagain', 0, true]);
  });

  it('cuts what is there and what comes, until it is healed', async () => {
    link.harm('cut');
    await once(near, 'close');
    near = connect(link.port, '127.0.0.1');
    near.on('error', () => undefined);
    expect(await says('nobody hears')).toBe('');
    expect(link.harmed).toBe(2);
    link.heal();
    near = connect(link.port, '127.0.0.1');
    expect(await says('sound')).toBe('echo sound');
  });

  it('lets what is sent arrive, and gives no answer, while it is half open', async () => {
    link.harm('half-open');
    const answer = says('one way');
    while (!received.endsWith('one way') || link.harmed === 0) await new Promise((resolve) => setImmediate(resolve));
    link.heal();
    expect(await answer).toBe('');
  });

  it('brings everything late, and in its order, while it is slow', async () => {
    link.harm('slow');
    expect(await says('late')).toBe('echo late');
    expect(link.harmed).toBe(2);
  });

  it('holds everything back while it is parted, and brings it after', async () => {
    link.harm('parted');
    const answer = says('patience');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toBe('hello');
    link.heal();
    expect(await answer).toBe('echo patience');
  });
});
