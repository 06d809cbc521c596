import 'reflect-metadata';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@maestro/ports';
import * as large from '../fixtures/large-packages.ts';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';

const silent: Log = { log: () => undefined };
const LOG_BYTES = 1_000_000;
/** Canonical JSON of one row has 37 bytes or more: 1.5 MiB together. */
const ROWS = 40_000;

const make = (id: string, given: object, needs: string[] = []) => ({ id, uses: 'pkg:test/make@1.0.0', needs, with: given });
const DOCUMENT = {
  name: 'large',
  version: '1.0.0',
  tasks: [
    make('text', { textLength: 8_000_000, logLength: LOG_BYTES }),
    make('rows', { rowCount: ROWS }),
    make('part', { given: '${{ tasks.rows.outputs.rows.39999 }}', textLength: '${{ tasks.text.outputs.count }}' }, ['rows', 'text']),
    make('inputs', { given: '${{ inputs.text }}' }),
    make('whole', { given: '${{ tasks.rows.outputs }}' }, ['rows', 'part', 'inputs']),
  ],
};

type Shown = { readonly status: string; readonly tasks: readonly { readonly id: string; readonly phase: string; readonly code: string | null; readonly public: unknown }[] };
type Event = { readonly event: { readonly type: string; readonly data: { readonly taskId?: string; readonly output?: { readonly blob?: { readonly paddedBytes: number } }; readonly log?: { readonly blob?: { readonly location: string } } | null } } };

let folder: string;
let conductor: Conductor;

async function open(): Promise<void> {
  const parsed = parseConfig(['--data', join(folder, 'data'), '--workspace', folder, '--port', '0'], {}, folder);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  conductor = await startConductor(parsed.config, silent, [large]);
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await (await fetch(`${conductor.url}${path}`, init)).json()) as T;
}

const logOf = async (id: string, task: string): Promise<readonly [number, string]> => {
  const answer = await fetch(`${conductor.url}/api/executions/${id}/tasks/${task}/log`);
  return [answer.status, await answer.text()];
};

/** Started and followed to its receipt; answers its id. */
async function ran(inputs: object): Promise<string> {
  const { id } = await call<{ id: string }>('/api/executions', { workflowId: 'large', inputs });
  await (await fetch(`${conductor.url}/api/executions/${id}/events`, { headers: { accept: 'text/event-stream' } })).text();
  while ((await fetch(`${conductor.url}/api/executions/${id}/receipt`)).status === 409);
  return id;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'large-values-'));
  await open();
  await call('/api/workflows', DOCUMENT);
  await call('/api/workflows/large/publish', {});
});

afterAll(async () => {
  await conductor.stop();
  rmSync(folder, { recursive: true });
});

it('large inputs, outputs and logs pass through a whole conductor, survive its restart, and are never served once damaged', async () => {
  const text = 'é'.repeat(400_000);
  const id = await ran({ text });
  const { tasks } = await call<Shown>(`/api/executions/${id}`);
  expect(tasks.map((task) => [task.id, task.phase, task.code])).toEqual([
    ['text', 'succeeded', null], ['rows', 'succeeded', null], ['part', 'succeeded', null], ['inputs', 'succeeded', null], ['whole', 'failed', 'ARGUMENTS_TOO_LARGE'],
  ]);
  expect(tasks.map((task) => task.public)).toContainEqual({ count: ROWS });
  expect(await call(`/api/executions/${id}/verify`)).toMatchObject({ verdict: 'VERIFIED' });

  const { items } = await call<{ items: readonly Event[] }>(`/api/executions/${id}/events`);
  const padded = items.flatMap(({ event: { data } }) => (data.output?.blob === undefined ? [] : [data.output.blob.paddedBytes]));
  expect(padded.sort((a, b) => a - b)).toEqual([1_048_576, 2_097_152, 8_388_608]);
  const stored = readdirSync(join(folder, 'data', 'evidence', 'files')).map((name) => join(folder, 'data', 'evidence', 'files', name));
  expect(stored.map((path) => statSync(path).size).filter((size) => size === 8_388_608 + 28)).toHaveLength(1);

  await conductor.stop();
  await open();
  expect(await logOf(id, 'text')).toEqual([200, `${'l'.repeat(LOG_BYTES)}\n`]);

  const log = items.find(({ event }) => event.data.taskId === 'text' && event.data.log?.blob !== undefined)?.event.data.log?.blob?.location ?? '';
  const path = stored.find((one) => one.endsWith(log.slice(-64))) ?? '';
  const bytes = readFileSync(path);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  await conductor.stop();
  await open();
  const [status, body] = await logOf(id, 'text');
  expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([500, 'EVIDENCE_DAMAGED']);
}, 240_000);
