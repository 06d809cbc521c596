import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';

const silent: Log = { log: () => undefined };
const echo = (id: string, needs: string[] = []) => ({ id, uses: 'pkg:core/echo@1.0.0', needs, with: { value: id } });
const HELLO = { name: 'hello', version: '0.1.0', tasks: [echo('greet'), echo('again', ['greet'])] };
const SLOW = { name: 'slow', version: '0.1.0', tasks: [echo('first'), { id: 'rest', uses: 'pkg:core/sleep@1.0.0', needs: ['first'], with: { ms: 60_000 } }] };
const BROKEN = { name: 'broken', version: '0.1.0', tasks: [echo('first'), { id: 'fails', uses: 'pkg:core/fail@1.0.0', needs: ['first'], with: { code: 'NO_LUCK', message: 'no' } }] };

type Manifest = { readonly name: string; readonly version: string; readonly tasks: readonly object[] };
type Body = { readonly [key: string]: unknown };

let folder: string;
let conductor: Conductor | undefined;

async function start(): Promise<void> {
  const parsed = parseConfig(['--data', join(folder, 'data'), '--workspace', folder], {}, folder);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  conductor = await startConductor(parsed.config, silent);
}

async function restart(): Promise<void> {
  await conductor?.stop();
  await start();
}

const request = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${conductor?.url}${path}`, init);

async function post(path: string, body: object = {}): Promise<{ status: number; body: Body }> {
  const answer = await request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Body };
}

const get = async (path: string): Promise<Body> => (await (await request(path)).json()) as Body;

async function publish(manifest: Manifest): Promise<void> {
  expect((await post('/api/workflows', manifest)).status).toBe(201);
  expect((await post(`/api/workflows/${manifest.name}/publish`)).status).toBe(200);
}

async function run(manifest: Manifest): Promise<string> {
  await publish(manifest);
  return String((await post('/api/executions', { workflowId: manifest.name })).body['id']);
}

type Frame = { readonly id: number; readonly data: string };

/** Frames of a live tail until its end, or until `isEnough`; then the client goes away. */
async function tail(id: string, { after, isEnough = () => false }: { after?: number; isEnough?: (frames: readonly Frame[]) => boolean } = {}): Promise<Frame[]> {
  const leave = new AbortController();
  const headers: Record<string, string> = { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': String(after) }) };
  const answer = await request(`/api/executions/${id}/events`, { headers, signal: leave.signal });
  const frames: Frame[] = [];
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString();
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, revision, data] = /^id: (\d+)\nevent: .*\ndata: (.*)$/.exec(block) ?? [];
      if (revision !== undefined && data !== undefined) frames.push({ id: Number(revision), data });
    }
    if (isEnough(frames)) break;
  }
  leave.abort();
  return frames;
}

const lines = async (id: string): Promise<string> => (await request(`/api/executions/${id}/events`, { headers: { accept: 'application/x-ndjson' } })).text();

/** Waits for the signature, which follows the last event. */
async function receiptOf(id: string): Promise<Response> {
  for (;;) {
    const answer = await request(`/api/executions/${id}/receipt`);
    if (answer.status !== 409) return answer;
    await answer.text();
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-surface-'));
  await start();
});
afterEach(async () => {
  await conductor?.stop();
  conductor = undefined;
  rmSync(folder, { recursive: true });
});

describe('a live tail', () => {
  it('goes on after a restart without a gap or a double', async () => {
    const id = await run(SLOW);
    const before = await tail(id, { isEnough: (frames) => frames.some(({ data }) => data.includes('task-started')) });
    await restart();
    const last = before.at(-1)?.id ?? -1;
    const rest = tail(id, { after: last });
    expect((await post(`/api/executions/${id}/cancel`, { reason: 'SEEN_ENOUGH' })).status).toBe(202);
    const all = [...before, ...(await rest)];

    expect(all.map((frame) => frame.id)).toEqual(all.map((_, revision) => revision));
    expect(all.map(({ data }) => `${data}\n`).join('')).toBe(await lines(id));
    expect((await get(`/api/executions/${id}`))['verdict']).toBe('cancelled');
    expect((await post(`/api/executions/${id}/cancel`)).body['code']).toBe('EXECUTION_ENDED');
  });
});

describe('the evidence of a run', () => {
  it('verifies as one archive wherever it is sent, and no longer once a byte is another', async () => {
    const id = await run(HELLO);
    await tail(id);
    const receipt = (await (await receiptOf(id)).json()) as { bundleDigest: string };
    const archive = Buffer.from(await (await request(`/api/executions/${id}/receipt/evidence`)).arrayBuffer());
    const verified = async (body: Uint8Array): Promise<unknown> =>
      ((await (await request('/api/receipts/verify', { method: 'POST', headers: { 'content-type': 'application/x-tar' }, body })).json()) as Body)['verdict'];
    const at = archive.indexOf('"succeeded"');
    const changed = Buffer.from(archive);
    changed.write('"succeedad"', at, 'latin1');

    expect(await verified(archive)).toBe('VERIFIED');
    expect(await verified(changed)).not.toBe('VERIFIED');
    const bundle = await request(`/api/receipts/${receipt.bundleDigest}`);
    expect(`sha256:${sha256(Buffer.from(await bundle.arrayBuffer()))}`).toBe(receipt.bundleDigest);
  });

  it('that is garbage gets a table or a refusal, never a fault', async () => {
    for (const name of ['events.jsonl', 'receipt.json', 'receipt.sigstore.json', 'manifest.json', 'key.pub']) {
      for (const content of ['', '{}', '[]', 'null', '{"dsseEnvelope":{}}', '\u0000', '-----BEGIN PUBLIC KEY-----', '{"a":'.repeat(500)]) {
        const { status, body } = await post('/api/receipts/verify', { files: { [name]: Buffer.from(content).toString('base64') } });
        expect([name, content.slice(0, 30), status, body['verdict']]).toEqual([name, content.slice(0, 30), 200, 'MALFORMED']);
      }
    }
  });
});

describe('what is taken back or tried again', () => {
  it('a failed run is resumed as another one, which reuses what succeeded', async () => {
    const id = await run(BROKEN);
    await tail(id);
    const { status, body } = await post(`/api/executions/${id}/resume`);
    const next = String(body['id']);
    await tail(next);
    const shown = (await get(`/api/executions/${next}`)) as { resumedFrom: string; tasks: { id: string; reused: boolean; phase: string }[] };

    expect([status, shown.resumedFrom, shown.tasks.map(({ reused, phase }) => [reused, phase])]).toEqual([202, id, [[true, 'succeeded'], [false, 'failed']]]);
    expect((await post('/api/executions/01920000-0000-7000-8000-00000000000f/resume')).status).toBe(404);
  });

  it('a candidate is promoted, and the stable version rolled back', async () => {
    await publish(HELLO);
    expect(await post('/api/workflows/hello/promote')).toMatchObject({ status: 409, body: { code: 'NO_CANDIDATE' } });
    await publish({ ...HELLO, version: '0.2.0' });
    expect((await post('/api/workflows/hello/promote', { comment: 'it held' })).body).toMatchObject({ id: 'hello', version: '0.2.0' });
    expect((await post('/api/workflows/hello/rollback', { comment: 'it did not' })).body).toMatchObject({ id: 'hello', version: '0.2.0', to: '0.1.0' });
    expect(await get('/api/workflows/hello')).toMatchObject({ stable: '0.1.0', candidate: null });
  });

  it('the policy set keeps the time since when it is active over a restart', async () => {
    const before = await get('/api/policies');
    await restart();

    expect(before['active']).toMatchObject({ activeSince: expect.stringMatching(/^\d{4}-/) });
    expect(await get('/api/policies')).toEqual(before);
  });
});
