import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskPackagesOptions } from '@maestro/adapter-workerpool';
import type { Log } from '@maestro/ports';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';
import { SHIPPED_PACKAGES } from './shipped-packages.ts';

const HOSTILE = new URL('../../../libs/adapters/workerpool/fixtures/hostile-packages.ts', import.meta.url).href;
const TABLE_MAX_MS = 30_000;
const silent: Log = { log: () => undefined };

/** What a task does → how its run ends, and the code of its step; a step that ran out of time has a status that says so. */
const TABLE: readonly (readonly [does: string, uses: string, verdict: string, code: string | null, value?: unknown])[] = [
  ['throws', 'throw', 'failed', 'PACKAGE_FAILED'],
  ['throws null', 'throw-null', 'failed', 'PACKAGE_FAILED'],
  ['throws in a timer', 'throw-in-timer', 'failed', 'PACKAGE_CRASHED'],
  ['throws after it has returned', 'throw-after-return', 'succeeded', null],
  ['rejects, awaited by nobody', 'reject-now', 'failed', 'PACKAGE_CRASHED'],
  ['rejects after it has returned', 'reject-late', 'succeeded', null, 5],
  ['exits', 'exit', 'failed', 'PACKAGE_CRASHED'],
  ['kills itself', 'suicide', 'failed', 'PACKAGE_CRASHED'],
  ['never ends and never yields', 'spin', 'failed', 'timed-out'],
  ['starts twenty processes and never ends', 'fork', 'failed', 'timed-out'],
  ['allocates 2 GiB at once', 'allocate-at-once', 'failed', 'PACKAGE_MEMORY'],
  ['fills the heap with one array', 'heap', 'failed', 'PACKAGE_MEMORY'],
  ['fills the heap object by object', 'heap-by-objects', 'failed', 'PACKAGE_MEMORY'],
  ['fills buffers without a pause', 'buffers', 'failed', 'PACKAGE_MEMORY'],
  ['fills buffers bit by bit', 'buffers-slowly', 'failed', 'PACKAGE_MEMORY'],
  ['prints 100 MB', 'print', 'succeeded', null],
  ['returns more than 64 MiB', 'output', 'failed', 'OUTPUT_TOO_LARGE', 67_108_865],
  ['returns what does not fit its schema', 'unfit', 'failed', 'PACKAGE_OUTPUT_INVALID'],
  ['returns what JSON cannot carry', 'not-json', 'failed', 'INVALID_JSON_VALUE'],
  ['returns nothing', 'nothing', 'failed', 'INVALID_JSON_VALUE'],
  ['returns itself', 'cycle', 'failed', 'INVALID_JSON_VALUE'],
  ['returns 200 levels', 'deep', 'failed', 'INVALID_JSON_VALUE'],
  ['deletes the globals', 'delete-globals', 'failed', 'timed-out'],
  ['breaks JSON.stringify', 'break-json', 'failed', 'INVALID_JSON_VALUE'],
  ['sends its parent what a library might', 'send-anything', 'succeeded', null],
  ['answers in the place of its host', 'send-garbage', 'succeeded', null],
  ['sends events in the place of its host', 'send-as-host', 'succeeded', null],
];

type Receipt = { readonly verdict: string; readonly steps: readonly { readonly status: string; readonly code?: string | null }[] };

let folder: string;
let conductor: Conductor;

async function call<T>(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${conductor.url}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as T };
}

async function started(name: string, tasks: readonly object[]): Promise<string> {
  await call('/api/workflows', { name, version: '1.0.0', tasks });
  expect((await call(`/api/workflows/${name}/publish`, {})).status).toBe(200);
  const { status, body } = await call<{ id: string }>('/api/executions', { workflowId: name });
  expect(status).toBe(202);
  return body.id;
}

/** The live tail ends by itself after the terminal event; then the receipt comes. */
async function receiptOf(id: string): Promise<Receipt> {
  await (await fetch(`${conductor.url}/api/executions/${id}/events`, { headers: { accept: 'text/event-stream' } })).text();
  for (;;) {
    const { status, body } = await call<Receipt>(`/api/executions/${id}/receipt`);
    if (status === 200) return body;
    if (status !== 409) throw new Error(`receipt answers ${status}`);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-hostile-'));
  const parsed = parseConfig(['--data', join(folder, 'data'), '--workspace', folder, '--port', '0'], {}, folder);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  const hostile = (await import(HOSTILE)) as TaskPackagesOptions['modules'][number];
  conductor = await startConductor(parsed.config, silent, [...SHIPPED_PACKAGES, hostile]);
}, TABLE_MAX_MS);

afterAll(async () => {
  await conductor?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a task that', () => {
  it.each(TABLE)('%s (%s) ends its run as %s, %s; the run beside it and the next one succeed', async (...[, uses, verdict, code, value]) => {
    const task = { id: 'hostile', uses: `pkg:test/${uses}@1.0.0`, retries: 0, timeoutSeconds: code === 'timed-out' ? 2 : 60 };
    const beside = await started(`beside-${uses}`, [{ id: 'query', uses: 'pkg:json/query@1.0.0', with: { query: 'a + 1', data: { a: 1 } } }]);
    const receipt = await receiptOf(await started(`hostile-${uses}`, [{ ...task, ...(value === undefined ? {} : { with: { value } }) }]));

    const { status, code: failure } = receipt.steps[0] ?? {};
    expect([receipt.verdict, failure ?? (status === 'ok' ? null : status)]).toEqual([verdict, code]);
    const next = await started(`next-${uses}`, [{ id: 'echo', uses: 'pkg:test/echo@1.0.0', with: { value: 1 } }]);
    expect([(await receiptOf(beside)).verdict, (await receiptOf(next)).verdict]).toEqual(['succeeded', 'succeeded']);
    expect(await (await fetch(`${conductor.url}/healthz`)).text()).toBe('ok');
  }, TABLE_MAX_MS);
});
