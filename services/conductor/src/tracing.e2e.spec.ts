import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@maestro/ports';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';

type Span = { readonly name: string; readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string };
type ExportRequest = { readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[] };

const silent: Log = { log: () => undefined };
const HELLO = { name: 'hello', version: '0.1.0', tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'Hello!' } }] };
const CALLER = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
const TRACE_ID = 'ab'.repeat(16);

let folder: string;
let collector: Server;
let spans: Span[];
let conductor: Conductor | undefined;

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as ExportRequest;
  spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)));
  response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
}

async function start(...more: string[]): Promise<Conductor> {
  const parsed = parseConfig(['--data', join(folder, 'data'), '--workspace', folder, '--port', '0', ...more], {}, folder);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return (conductor = await startConductor(parsed.config, silent));
}

async function call<T>(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly body: T }> {
  const init = body === undefined ? {} : { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${conductor?.url}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as T };
}

/** Runs it from the manifest to the receipt; answers the correlation ids of its events. */
async function run(headers: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  await call('/api/workflows', HELLO);
  await call('/api/workflows/hello/publish', {});
  const { body: { id } } = await call<{ id: string }>('/api/executions', { workflowId: 'hello' }, headers);
  while ((await call(`/api/executions/${id}/receipt`)).status !== 200);
  const { body } = await call<{ items: { event: { correlationId: string } }[] }>(`/api/executions/${id}/events`);
  return body.items.map(({ event }) => event.correlationId);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-tracing-'));
  spans = [];
  collector = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await conductor?.stop();
  conductor = undefined;
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
  rmSync(folder, { recursive: true });
});

const origin = (): string => `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

describe('tracing of a conductor', () => {
  it('exports one connected trace per run, from the caller over REST, append, work and runner to the receipt', async () => {
    await start('--tracing-collector', origin());
    const correlationIds = await run({ traceparent: CALLER });
    await conductor?.stop();
    const ofRun = spans.filter(({ traceId }) => traceId === TRACE_ID);
    const known = new Set([...ofRun.map(({ spanId }) => spanId), 'cd'.repeat(8)]);
    expect(ofRun.filter(({ parentSpanId = 'none' }) => !known.has(parentSpanId))).toEqual([]);
    const names = ['receive execution.start.v1', 'handle execution.start.v1', 'append', 'hand out policy-check', 'check start', 'hand out task', 'run pkg:core/echo@1.0.0', 'handle execution.report-task.v1', 'sign receipt', 'name receipt'];
    expect(ofRun.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    expect(new Set(correlationIds.map((each) => each.split('-')[1]))).toEqual(new Set([TRACE_ID]));
  });

  it('is off unless a collector is configured, whatever a caller sends', async () => {
    await start();
    const correlationIds = await run({ traceparent: CALLER });
    expect(correlationIds.filter((each) => each.includes(TRACE_ID))).toEqual([]);
    expect(spans).toEqual([]);
  });

  it('fails nothing where the collector is gone', async () => {
    await start('--tracing-collector', 'http://127.0.0.1:1');
    expect((await run()).length).toBeGreaterThan(5);
  });
});
