import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { FaultyProxy, WIRE_FAULTS } from './faulty-proxy.ts';
import type { WireFault } from './faulty-proxy.ts';

/** Draws a connection with this fault, and then the middle of everything. */
const drawing = (fault: WireFault | undefined): (() => number) => {
  const drawn = fault === undefined ? [0] : [0.99, WIRE_FAULTS.indexOf(fault) / WIRE_FAULTS.length + 0.001];
  return () => drawn.shift() ?? 0.5;
};

describe('the proxy that harms', () => {
  let server: Server;
  let received: string[];
  let proxy: FaultyProxy | undefined;
  let client: Socket | undefined;

  beforeEach(async () => {
    received = [];
    server = createServer((socket) => {
      let text = '';
      received.push(text);
      const at = received.length - 1;
      socket.on('error', () => undefined).on('data', (bytes) => {
        text += bytes.toString('utf8');
        received[at] = text;
        if (text.endsWith('.')) socket.write(`echo ${text}`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    client?.destroy();
    await proxy?.close();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Sends a line through the proxy. Answers what came back until all of it was there or the connection ended. */
  async function through(fault: WireFault | undefined, heal = false): Promise<{ answer: string; isCut: boolean }> {
    proxy = await FaultyProxy.open((server.address() as AddressInfo).port, drawing(fault), { silenceMs: 50 });
    if (heal) proxy.heal();
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client = socket;
    socket.on('error', () => undefined).write('hello there.');
    let answer = '';
    return new Promise((resolve) => {
      socket.on('close', () => resolve({ answer, isCut: true })).on('data', (bytes) => {
        answer += bytes.toString('utf8');
        if (answer.endsWith('.')) resolve({ answer, isCut: false });
      });
    });
  }

  it.each([undefined, 'delay', 'slice'] as const)('passes all bytes in their order with %s', async (fault) => {
    expect(await through(fault)).toEqual({ answer: 'echo hello there.', isCut: false });
    expect(received).toEqual(['hello there.']);
    expect([...(proxy?.counts.keys() ?? [])]).toEqual(fault === undefined ? [] : [fault]);
  });

  it('cuts a request within its bytes', async () => {
    expect(await through('cut-request')).toEqual({ answer: '', isCut: true });
    expect('hello there.'.startsWith(received[0] ?? '')).toBe(true);
    expect(received).not.toContain('hello there.');
  });

  it('lets a request through and cuts its answer', async () => {
    expect(await through('cut-answer')).toEqual({ answer: '', isCut: true });
    expect(received).toEqual(['hello there.']);
  });

  it('is silent though the request arrived, then ends', async () => {
    expect(await through('half-open')).toEqual({ answer: '', isCut: true });
    expect(received).toEqual(['hello there.']);
  });

  it('sends a request twice', async () => {
    expect(await through('twice')).toEqual({ answer: 'echo hello there.', isCut: false });
    expect(proxy?.counts.get('twice')).toBe(1);
  });

  it('cuts a connection that was sound at first', async () => {
    await through('cut-later');
    if (client !== undefined && !client.closed) await once(client, 'close');
    expect(proxy?.counts.get('cut-later')).toBe(1);
  });

  it('ends a sound connection after its time, which is no fault', async () => {
    proxy = await FaultyProxy.open((server.address() as AddressInfo).port, drawing(undefined), { connectionMsMax: 50 });
    client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client.resume();
    await once(client, 'close');
    expect(proxy.counts.size).toBe(0);
  });

  it('harms nothing once it is healed', async () => {
    expect(await through('cut-request', true)).toEqual({ answer: 'echo hello there.', isCut: false });
  });

  it('lets nothing through while it is parted, and all of it after', async () => {
    proxy = await FaultyProxy.open((server.address() as AddressInfo).port, drawing(undefined));
    const order: string[] = [];
    const parting = proxy.part(200).then(() => order.push('joined'));
    client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client.write('hello.');
    const answer = once(client, 'data').then(() => order.push('answered'));
    await Promise.all([parting, answer]);
    expect(order).toEqual(['joined', 'answered']);
  });
});
