import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventHash } from '@maestro/receipt';
import { ClientLoad, answerOf } from './client-load.ts';
import { PersistentClient, nothingSeen } from './persistent-client.ts';
import { RestClient } from './rest-client.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const breaks: Answer = (request) => void request.socket.destroy();
const answers = (status: number, body: object): Answer => (_, response) => void response.writeHead(status, { 'maestro-command-id': 'c1' }).end(JSON.stringify(body));
const tells = (...frames: readonly string[]): Answer => (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(frames.join(''));
const frame = (revision: number, type: string, data: object): string => `id: ${revision}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

describe('a client that does not give up', () => {
  let server: Server;
  let rest: RestClient;
  let script: Answer[] = [];
  let asked: string[] = [];
  const seen = nothingSeen();
  let isAbandoned = false;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        asked.push(`${request.method} ${request.url} ${request.headers['idempotency-key'] ?? '-'} ${Buffer.concat(chunks).toString('utf8')}`.trim());
        (script.shift() ?? breaks)(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    rest = new RestClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  beforeEach(() => void ([script, asked, isAbandoned] = [[], [], false]));

  afterAll(async () => {
    await rest.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const client = (): PersistentClient => new PersistentClient(rest, seen, { isAbandoned: () => isAbandoned, onAcknowledged: () => undefined });

  it('sends a command with the same key and body until it is answered, and counts only that', async () => {
    script = [breaks, answers(503, {}), answers(429, {}), answers(202, { id: 'r1' })];
    expect(await client().start({ workflowId: 'w' }, 'k')).toBe('r1');
    expect(asked).toEqual(Array.from({ length: 4 }, () => 'POST /api/executions k {"workflowId":"w"}'));
    expect(seen.acknowledged.map(answerOf)).toEqual([{ key: 'k', commandId: 'c1', executionId: 'r1' }]);
    expect(seen).toMatchObject({ resentCount: 1, stall: { path: '/api/executions', tries: 4 } });
  });

  it('takes a refusal for an answer that no later try can mend', async () => {
    script = [answers(409, { code: 'EXECUTION_ENDED' })];
    await expect(client().cancel('r1', 'k2')).rejects.toThrow('/api/executions/r1/cancel answered 409: {"code":"EXECUTION_ENDED"}');
    expect(seen.acknowledged).toHaveLength(1);
  });

  it('asks again for a publication that still waits for policy', async () => {
    script = [answers(202, {}), answers(200, { id: 'w' })];
    await client().ofWorkflow('publish', 'w', 'k3');
    expect(asked).toEqual(Array.from({ length: 2 }, () => 'POST /api/workflows/w/publish k3 {}'));
  });

  it('takes up a broken tail behind the last event, and remembers what it saw', async () => {
    const [requested, completed] = [{ n: 1 }, { data: { verdict: 'failed' } }];
    script = [tells(frame(0, 'execution.requested.v1', requested)), breaks, tells(frame(1, 'execution.completed.v1', completed))];
    expect(await client().follow('r1')).toBe('failed');
    expect(asked).toEqual([0, 1, 1].map((from) => `GET /api/executions/r1/events?from=${from} -`));
    const hashOf = (data: object): string => eventHash(Buffer.from(JSON.stringify(data)));
    expect(seen.observed).toEqual([requested, completed].map((data, revision) => ({ stream: 'execution-r1', revision, hash: hashOf(data) })));
    expect(seen.verdicts.get('r1')).toBe('failed');
  });

  it('does not wait for a run that is gone', async () => {
    script = [answers(404, {})];
    await expect(client().follow('r1')).rejects.toThrow('run r1 was acknowledged and is gone');
  });

  it('gives up when it is told to', async () => {
    isAbandoned = true;
    await expect(client().ofWorkflow('promote', 'w', 'k3')).rejects.toThrow('the load was abandoned');
  });

  it('is one of a load, which ends with what one of them cannot mend', async () => {
    script = [answers(202, { id: 'r2' }), answers(422, { code: 'COMMAND_ID_REUSED' })];
    const load = new ClientLoad(rest, { inFlight: 1, keyPrefix: 'p', work: async (one, n, key) => void (await one.start({ n }, key)) });
    load.start();
    await load.acknowledged(1);
    await expect(load.acknowledged(2)).rejects.toThrow('COMMAND_ID_REUSED');
    await expect(load.finish()).rejects.toThrow('COMMAND_ID_REUSED');
    expect(asked.map((line) => line.split(' ')[2])).toEqual(['p-0', 'p-1']);
    expect(load.openCount).toBe(1);
  });
});
