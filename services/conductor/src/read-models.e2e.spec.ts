import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteReadModels } from '@maestro/adapter-sqlite';
import { PROJECTION_VERSION } from '@maestro/domain';
import type { ReadModelsStatus } from '@maestro/ports';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';

const HELLO = { name: 'hello', version: '0.1.0', labels: { team: 'one' }, tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'Hello!' } }] };
const LISTS = ['executions', 'workflows', 'decisions', 'audit'] as const;

type Page = { readonly items: readonly { readonly id: string; readonly receipt?: string | null }[]; readonly next: string | null };

let folder: string;
let conductor: Conductor;

async function start(): Promise<void> {
  const parsed = parseConfig(['--data', join(folder, 'data'), '--workspace', folder, '--port', '0'], {}, folder);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  conductor = await startConductor(parsed.config, { log: () => undefined });
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await (await fetch(`${conductor.url}${path}`, init)).json()) as T;
}

/** Every row of every list, page by page. */
async function allRows(): Promise<{ readonly [list: string]: Page['items'] }> {
  const rows: Record<string, Page['items']> = {};
  for (const list of LISTS) {
    let next: string | null = null;
    const items: Page['items'][number][] = [];
    do {
      const page: Page = await call<Page>(`/api/${list}?limit=2${next === null ? '' : `&after=${next}`}`);
      items.push(...page.items);
      next = page.next;
    } while (next !== null);
    rows[list] = items;
  }
  return rows;
}

/** Asks until the answer is as it should be. */
async function until<T>(path: string, isSo: (answer: T) => boolean): Promise<T> {
  for (let looks = 0; looks < 5_000; looks += 1) {
    const answer = await call<T>(path);
    if (isSo(answer)) return answer;
  }
  throw new Error(`${path} never answered as expected`);
}

/** As a release before would have left the file: up to the same event, with rows that say something else. */
async function followOlderRules(): Promise<void> {
  const views = await openSqliteReadModels({ path: join(folder, 'data', 'views.db') });
  const { rows } = await views.list('execution', { limit: 200 });
  const cursor = (await views.position()) ?? '';
  await views.reset(PROJECTION_VERSION - 1);
  await views.apply({ cursor, events: 1, upserts: { execution: rows.map((row) => ({ ...row, version: '9.9.9' })) } });
  await views.close();
}

async function runs(count: number, total: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await call('/api/executions', { workflowId: 'hello' });
  await until<Page>('/api/executions?limit=200', ({ items }) => items.length === total && items.every(({ receipt }) => receipt !== null));
}

const isSwapped = ({ filling, rebuildRequested }: ReadModelsStatus): boolean => filling === null && !rebuildRequested;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-views-'));
});
afterEach(async () => {
  await conductor.stop();
  rmSync(folder, { recursive: true });
});

describe('read models of a running conductor', () => {
  it('are made anew while runs go on, and by themselves where a file follows older rules; the rows are the same', async () => {
    await start();
    await call('/api/workflows', HELLO);
    await call('/api/workflows/hello/publish', {});
    await runs(3, 3);
    await fetch(`${conductor.url}/api/read-models/rebuild`, { method: 'POST' });
    await runs(3, 6);
    await until<ReadModelsStatus>('/api/read-models', isSwapped);
    const live = await allRows();
    await fetch(`${conductor.url}/api/read-models/rebuild`, { method: 'POST' });
    await until<ReadModelsStatus>('/api/read-models', isSwapped);
    const rebuilt = await allRows();
    await conductor.stop();

    await followOlderRules();
    await start();
    const status = await until<ReadModelsStatus>('/api/read-models', ({ served }) => served.projection === PROJECTION_VERSION);

    expect([live['executions']?.length, live['decisions']?.length, live['audit']?.length]).toEqual([6, 7, 1]);
    expect(rebuilt).toEqual(live);
    expect(await allRows()).toEqual(live);
    expect(status.served.events).toBeGreaterThan(40);
  });
});
