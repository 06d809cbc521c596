import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventStoreDouble } from './cluster.ts';

type Query = { node(): number; count(): number };
type Command = (double: EventStoreDouble, q: Query) => unknown;

const nodeOf = (double: EventStoreDouble, q: Query): EventStoreDouble['nodes'][number] => {
  const node = double.nodes[q.node()];
  if (node === undefined) throw new Error(`there are nodes 0 to ${double.nodes.length - 1}`);
  return node;
};

/** What can be asked for as `POST /<name>?node=…&count=…`; the answer is the status afterwards. */
const COMMANDS: Readonly<Record<string, Command>> = {
  status: () => {},
  hang: (double) => double.hang(),
  resume: (double) => double.resume(),
  'drop-replies': (double, q) => double.nodes.forEach((node) => (node.faults.repliesToDrop = q.count())),
  'drop-connections': (double) => double.nodes.forEach((node) => node.cutConnections()),
  'break-batches': (double) => double.nodes.forEach((node) => node.breakBatches()),
  'hang-features': (double) => double.nodes.forEach((node) => (node.faults.features = 'hung')),
  'answer-features': (double) => double.nodes.forEach((node) => (node.faults.features = 'answered')),
  'move-leader': (double) => double.moveLeader(),
  'begin-election': (double) => double.lead(undefined),
  kill: (double, q) => nodeOf(double, q).kill(),
  start: (double, q) => nodeOf(double, q).start(),
};

export type DoubleControl = { readonly port: number; close(): void };

/** Takes commands for a double over HTTP on 127.0.0.1, so that another process can make it fail. */
export async function startControl(double: EventStoreDouble, port = 0): Promise<DoubleControl> {
  const server: Server = createServer((request, response) => void answer(double, request, response));
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

async function answer(double: EventStoreDouble, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const command = Object.hasOwn(COMMANDS, pathname.slice(1)) ? COMMANDS[pathname.slice(1)] : undefined;
  const reply = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  if (command === undefined) return reply(404, { error: `commands are ${Object.keys(COMMANDS).join(', ')}` });
  if (request.method !== 'POST') return reply(405, { error: 'commands are posted' });
  const number = (name: string): number => Number(searchParams.get(name) ?? 0);
  try {
    await command(double, { node: () => number('node'), count: () => number('count') || 1 });
    reply(200, double.status());
  } catch (error) {
    reply(400, { error: (error as Error).message });
  }
}
