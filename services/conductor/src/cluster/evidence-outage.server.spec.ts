import 'reflect-metadata';
import type { Log } from '@maestro/ports';
import { startTestEngines } from '../../fixtures/engines.ts';
import type { TestEngines } from '../../fixtures/engines.ts';
import { parseConfig } from '../config.ts';
import { SHIPPED_PACKAGES } from '../shipped-packages.ts';
import { startClusterProcess } from './start-cluster-process.ts';
import type { ClusterProcess } from './start-cluster-process.ts';

const HELLO = { name: 'hello', version: '0.1.0', tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'Hello!' } }] };

let engines: TestEngines;
let roles: ClusterProcess | undefined;
const lines: string[] = [];
const log: Log = { log: (_, message, fields) => void lines.push(`${message} ${String((fields?.['error'] as { code?: unknown } | undefined)?.code)}`) };

beforeAll(async () => {
  engines = await startTestEngines();
  const parsed = parseConfig(engines.flags, engines.environment, engines.folder);
  if (parsed.kind === 'faults' || parsed.config.cluster === null) throw new Error(JSON.stringify(parsed));
  roles = await startClusterProcess(parsed.config, parsed.config.cluster, log, new AbortController().signal, SHIPPED_PACKAGES);
});
afterAll(async () => {
  await roles?.stop();
  await engines?.dispose();
});

async function call<T>(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${roles?.url}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as T };
}

/** Asks until it is so; the limit of the test ends it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

it('runs end while S3 is down, and their receipts wait until it is back', async () => {
  await until(async () => (await call('/api/workflows', HELLO)).status < 500);
  await call('/api/workflows/hello/publish', {});
  await engines.s3.kill();
  const started = await Promise.all(Array.from({ length: 5 }, () => call<{ id: string }>('/api/executions', { workflowId: 'hello' })));
  expect(started.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
  const ids = started.map(({ body }) => body.id);
  for (const id of ids) await until(async () => (await call<{ status: string }>(`/api/executions/${id}`)).body.status === 'succeeded');
  await until(async () => lines.includes('receipts wait: something that they need does not work S3_UNAVAILABLE'));
  for (const id of ids) expect((await call(`/api/executions/${id}/receipt`)).status).toBe(409);
  await engines.s3.restart();
  for (const id of ids) {
    await until(async () => (await call(`/api/executions/${id}/receipt`)).status === 200);
    expect((await call<{ verdict: string }>(`/api/executions/${id}/verify`)).body.verdict).toBe('VERIFIED');
  }
});
