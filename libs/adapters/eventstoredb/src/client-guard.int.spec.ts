import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http2';
import type { ServerHttp2Session, Settings } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { EventStoreDBClient, binaryEvent } from '@eventstore/db-client';
import { startEventStoreDouble, type EventStoreDouble } from './double/index.ts';
import { guard, type ClientSeams } from './client-guard.ts';

const event = (): ReturnType<typeof binaryEvent> => binaryEvent({ type: 'a', data: Uint8Array.of(1) });

/** A client's stream of appends, as far as the guard sees it. */
function batchStream(): EventEmitter & { write(message: unknown): boolean } {
  const stream = new EventEmitter();
  return Object.assign(stream, { write: () => false });
}

describe('the guard of a client', () => {
  let double: EventStoreDouble;
  beforeEach(async () => {
    double = await startEventStoreDouble();
  });
  afterEach(() => double.close());

  it('finds the members of the client that it takes hold of', () => {
    const client = EventStoreDBClient.connectionString(double.connectionString) as unknown as ClientSeams;
    for (const name of ['GRPCStreamCreator', 'execute', 'createChannel', 'handleError', 'supports'] as const) {
      expect([name, typeof client[name]]).toEqual([name, 'function']);
    }
  });
  it('drops a reply that nobody waits for; without it the reply throws', async () => {
    const client = EventStoreDBClient.connectionString(double.connectionString);
    const seams = client as unknown as ClientSeams;
    seams.GRPCStreamCreator = (_stub, _name, creator) => async () => creator({});
    const { endConnections } = guard(client, { useBatchAppend: true });
    const bare = batchStream().on('data', () => {
      throw new TypeError('undefined is not iterable');
    });
    const guarded = (await seams.GRPCStreamCreator({}, 'appendToStream', () => batch(bare), new WeakMap())()) as EventEmitter;
    expect(() => guarded.emit('data', {})).not.toThrow();
    const open = batchStream().on('data', () => {
      throw new TypeError('undefined is not iterable');
    });
    const unguarded = (await seams.GRPCStreamCreator({}, 'readStream', () => batch(open))()) as EventEmitter;
    expect(() => unguarded.emit('data', {})).toThrow(TypeError);
    endConnections();
  });
  it('lets writes of appends never wait for a full stream', async () => {
    const client = EventStoreDBClient.connectionString(double.connectionString);
    const seams = client as unknown as ClientSeams;
    seams.GRPCStreamCreator = (_stub, _name, creator) => async () => creator({});
    guard(client, { useBatchAppend: true });
    const stream = batchStream();
    expect(stream.write({})).toBe(false);
    const guarded = await seams.GRPCStreamCreator({}, 'appendToStream', () => batch(stream), new WeakMap())();
    expect((guarded as typeof stream).write({})).toBe(true);
  });
  // an exception in a listener would be nobody's to catch: the test runner fails the test for it
  it('survives that another client of the process breaks while replies are on their way', async () => {
    const other = await startEventStoreDouble();
    const clients = [double, other].map((d) => EventStoreDBClient.connectionString(d.connectionString));
    for (const client of clients) guard(client, { useBatchAppend: true });
    await Promise.all(clients.map((client) => client.appendToStream('warm-up', event())));
    double.hang();
    const late = clients[0]?.appendToStream('late-1', event()).catch((e: unknown) => e);
    while (double.calls('batched') < 2) await turn();
    other.nodes[0]?.breakBatches();
    expect((await late) as { code?: number }).toMatchObject({ code: 14 }); // rejected together with those of the other client
    double.resume();
    const { events } = await readAfter(clients[0]);
    expect(events).toBe(1);
    await Promise.all(clients.map((client) => client.dispose()));
    other.close();
  });
  it('gives the question for features a deadline, so that it ends at all', async () => {
    for (const node of double.nodes) node.faults.features = 'hung';
    const client = EventStoreDBClient.connectionString(double.connectionString);
    guard(client, { useBatchAppend: true });
    const error: unknown = await client.appendToStream('s-1', event()).catch((e: unknown) => e);
    expect((error as { code?: number }).code).toBe(4);
    await client.dispose();
  });
  it('lets a server send four megabytes ahead, on each stream and on all of them', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${(server.address() as AddressInfo).port}?tls=false`);
    const { endConnections } = guard(client, { useBatchAppend: true });
    const connected = once(server, 'session');
    const asked = client.appendToStream('s-4', event()).catch((e: unknown) => e);
    const [session] = (await connected) as [ServerHttp2Session];
    const [settings] = (await once(session, 'remoteSettings')) as [Settings];
    while ((session.state.remoteWindowSize ?? 0) <= 65_535) await turn();
    expect([settings.initialWindowSize, session.state.remoteWindowSize]).toEqual([4_194_304, 4_194_304]);
    session.destroy();
    await asked;
    endConnections();
    await client.dispose();
    server.close();
  });
  it('appends by single calls where it shall, and opens no connection after the end', async () => {
    const client = EventStoreDBClient.connectionString(double.connectionString);
    const { endConnections } = guard(client, { useBatchAppend: false });
    await client.appendToStream('s-2', event());
    expect([double.calls('append'), double.calls('batch-append')]).toEqual([1, 0]);
    endConnections();
    const fresh = EventStoreDBClient.connectionString(double.connectionString);
    guard(fresh, { useBatchAppend: false }).endConnections();
    await expect(fresh.appendToStream('s-3', event())).rejects.toThrow('this client was replaced');
  });
});

const batch = (stream: EventEmitter): never => stream as never;

/** Reads until the late append is there, which is the reply's moment, too. */
async function readAfter(client: EventStoreDBClient | undefined): Promise<{ events: number }> {
  let events = 0;
  const page = client?.readStream('late-1', { maxCount: 10 });
  for await (const each of page ?? []) if (each.event !== undefined) events += 1;
  return { events };
}
