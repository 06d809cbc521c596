import 'reflect-metadata';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '@maestro/ports';
import { startTestEngines } from '../../fixtures/engines.ts';
import type { TestEngines } from '../../fixtures/engines.ts';
import { parseConfig } from '../config.ts';
import { SHIPPED_PACKAGES } from '../shipped-packages.ts';
import { startClusterProcess } from './start-cluster-process.ts';
import type { ClusterProcess } from './start-cluster-process.ts';

type Attribute = { readonly key: string; readonly value: { readonly stringValue?: string } };
type Span = { readonly name: string; readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string; readonly service: string };
type ExportRequest = { readonly resourceSpans: readonly { readonly resource: { readonly attributes: readonly Attribute[] }; readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[] };

const silent: Log = { log: () => undefined };
const HELLO = { name: 'hello', version: '0.1.0', tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'Hello!' } }] };
const TRACE_ID = 'ab'.repeat(16);
const CALLER = `00-${TRACE_ID}-${'cd'.repeat(8)}-01`;

let engines: TestEngines;
let collector: Server;
const spans: Span[] = [];
const running: ClusterProcess[] = [];

beforeAll(async () => {
  engines = await startTestEngines();
  collector = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  for (const one of running.splice(0)) await one.stop();
  collector?.closeAllConnections();
  collector?.close();
  await engines?.dispose();
});

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as ExportRequest;
  for (const { resource, scopeSpans } of body.resourceSpans) {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    spans.push(...scopeSpans.flatMap((each) => each.spans).map((span) => ({ ...span, service })));
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
}

async function start(...roles: string[]): Promise<ClusterProcess> {
  const origin = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const parsed = parseConfig([...engines.flags, '--role', roles.join(','), '--name', roles.join('-'), '--tracing-collector', origin], engines.environment, engines.folder);
  if (parsed.kind === 'faults' || parsed.config.cluster === null) throw new Error(JSON.stringify(parsed));
  const started = await startClusterProcess(parsed.config, parsed.config.cluster, silent, new AbortController().signal, SHIPPED_PACKAGES);
  running.push(started);
  return started;
}

it('the run of a caller is one connected trace over all processes of a cluster', async () => {
  const [, , api] = await Promise.all([start('command', 'projector'), start('policy', 'runner', 'receipt'), start('api')]);
  const call = async <T>(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }> => {
    const headers = { 'content-type': 'application/json', traceparent: CALLER };
    const answer = await fetch(`${api?.url}${path}`, body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as T };
  };
  while ((await call('/api/workflows', HELLO)).status >= 500);
  await call('/api/workflows/hello/publish', {});
  const { body: { id } } = await call<{ id: string }>('/api/executions', { workflowId: 'hello' });
  while ((await call(`/api/executions/${id}/receipt`)).status !== 200);
  for (const one of running.splice(0)) await one.stop();
  const ofCaller = spans.filter(({ traceId }) => traceId === TRACE_ID);
  const known = new Set(['cd'.repeat(8), ...ofCaller.map(({ spanId }) => spanId)]);
  expect(ofCaller.filter(({ parentSpanId = 'none' }) => !known.has(parentSpanId))).toEqual([]);
  const placed = new Set(ofCaller.map(({ service, name }) => `${service}: ${name}`));
  expect([...placed]).toEqual(
    expect.arrayContaining([
      'maestro-api: receive execution.start.v1',
      'maestro-command-projector: handle execution.start.v1',
      'maestro-command-projector: append',
      'maestro-command-projector: hand out task',
      'maestro-policy-runner-receipt: check start',
      'maestro-policy-runner-receipt: run pkg:core/echo@1.0.0',
      'maestro-command-projector: handle execution.report-task.v1',
      'maestro-policy-runner-receipt: name receipt',
    ]),
  );
});
