import 'reflect-metadata';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@maestro/ports';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';
import { runConductor } from './run-conductor.ts';

const silent: Log = { log: () => undefined };
const HELLO = { name: 'hello', version: '0.1.0', inputs: { who: 'world' }, tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'Hello, ${{ inputs.who }}!' } }] };

let folder: string;
let conductor: Conductor | undefined;

async function start(...more: string[]): Promise<Conductor> {
  const parsed = parseConfig(['--data', join(folder, 'data'), '--workspace', folder, '--port', '0', ...more], {}, folder);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return (conductor = await startConductor(parsed.config, silent));
}

async function call<T>(path: string, body?: unknown): Promise<{ status: number; body: T }> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${conductor?.url}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as T };
}

/** Follows the live tail to its end: it ends by itself after the terminal event. */
async function followed(id: string): Promise<string> {
  const tail = await fetch(`${conductor?.url}/api/executions/${id}/events`, { headers: { accept: 'text/event-stream' } });
  return tail.text();
}

async function receiptOf(id: string): Promise<{ verdict: string; steps: { status: string }[] }> {
  for (;;) {
    const { status, body } = await call<{ verdict: string; steps: { status: string }[] }>(`/api/executions/${id}/receipt`);
    if (status === 200) return body;
    if (status !== 409) throw new Error(`receipt answers ${status}`);
  }
}

/** Until the receipt role has read back and verified what it stored. */
async function verifiedReceipts(): Promise<string> {
  for (;;) {
    const metrics = await (await fetch(`${conductor?.url}/metrics`)).text();
    const [results] = /mc_receipt_verifications_total\{result=.*/.exec(metrics) ?? [];
    if (results === 'mc_receipt_verifications_total{result="verified"} 1' && metrics.includes('mc_open_runs 0')) return results;
    if (results !== undefined && !results.includes('"verified"')) throw new Error(results);
  }
}

async function runHello(): Promise<string> {
  await call('/api/workflows', HELLO);
  expect((await call('/api/workflows/hello/publish', {})).status).toBe(200);
  const { status, body } = await call<{ id: string }>('/api/executions', { workflowId: 'hello' });
  expect(status).toBe(202);
  return body.id;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-conductor-'));
});
afterEach(async () => {
  await conductor?.stop();
  conductor = undefined;
  rmSync(folder, { recursive: true });
});

describe('a conductor with all roles in one process', () => {
  it('takes a manifest to a receipt that verifies, and shows the run in lists', async () => {
    await start();
    const id = await runHello();
    expect(await followed(id)).toContain('execution.completed.v1');
    const receipt = await receiptOf(id);
    expect([receipt.verdict, receipt.steps.map(({ status }) => status)]).toEqual(['succeeded', ['ok']]);
    expect((await call<{ verdict: string }>(`/api/executions/${id}/verify`)).body.verdict).toBe('VERIFIED');
    const { body } = await call<{ items: { id: string }[] }>('/api/executions');
    expect(JSON.stringify(body)).toContain(id);
  });

  it('answers for itself: health, readiness, metrics, keys and what became of a command', async () => {
    await start();
    await call('/api/workflows', HELLO);
    await call('/api/workflows/hello/publish', {});
    const answer = await fetch(`${conductor?.url}/api/executions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"workflowId":"hello"}' });
    const id = ((await answer.json()) as { id: string }).id;
    await followed(id);
    const command = answer.headers.get('maestro-command-id');
    expect((await call<{ state: string; result: unknown }>(`/api/commands/${command}`)).body).toMatchObject({ state: 'accepted', result: { executionId: id } });
    expect((await call<{ ready: boolean }>('/readyz')).body.ready).toBe(true);
    expect((await call<{ keys: { pem: string }[] }>('/api/keys')).body.keys[0]?.pem).toContain('BEGIN PUBLIC KEY');
    const metrics = await (await fetch(`${conductor?.url}/metrics`)).text();
    expect(metrics).toMatch(/mc_commands_total\{type="execution.start.v1",outcome="ok"\} 1/);
    expect(metrics).toMatch(/mc_publish_to_start_ms_count 1/);
    expect(metrics).toMatch(/mc_append_ms_count\{outcome="appended"\} [1-9]/);
    expect(metrics).toContain('mc_queue_waiting{kind="task",class="small"} 0');
    await verifiedReceipts();
  });

  it('remembers refusals over a restart', async () => {
    await start();
    const refused = await fetch(`${conductor?.url}/api/executions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"workflowId":"nobody"}' });
    expect(refused.status).toBe(404);
    const command = refused.headers.get('maestro-command-id');
    await conductor?.stop();
    await start();
    expect((await call<{ state: string }>(`/api/commands/${command}`)).body.state).toBe('refused');
  });

  it('keeps runs and receipts over a restart, in a folder that is private to the user', async () => {
    await start();
    const id = await runHello();
    await followed(id);
    await receiptOf(id);
    const data = join(folder, 'data');
    expect(JSON.parse(readFileSync(join(data, 'conductor.json'), 'utf8'))).toMatchObject({ pid: process.pid, url: conductor?.url });
    await conductor?.stop();
    expect(existsSync(join(data, 'conductor.json'))).toBe(false);
    await start();
    expect((await call<{ verdict: string }>(`/api/executions/${id}/verify`)).body.verdict).toBe('VERIFIED');
    expect(statSync(data).mode & 0o077).toBe(0);
    expect(statSync(join(data, 'events.db')).mode & 0o077).toBe(0);
  });
});

describe('a start that cannot be', () => {
  it('leaves a folder alone that another conductor holds', async () => {
    await start();
    const held = conductor;
    await expect(start()).rejects.toThrow(`held by pid ${process.pid}, which serves at ${held?.url}`);
    conductor = held;
    expect((await call<{ ready: boolean }>('/readyz')).body.ready).toBe(true);
  });

  it('names a port that is taken, and frees the folder', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as AddressInfo;
    await expect(start('--port', String(port))).rejects.toThrow('PORT_IN_USE');
    await new Promise((resolve) => blocker.close(resolve));
    await start();
  });

  it('refuses a folder that a newer release wrote', async () => {
    await start();
    await conductor?.stop();
    writeFileSync(join(folder, 'data', 'version'), '99\n');
    await expect(start()).rejects.toThrow('STORE_NEWER');
    conductor = undefined;
  });
});

describe('a conductor that asks who it is', () => {
  it('answers only to the token of its folder, at the names that it is told', async () => {
    await start('--auth', 'token', '--host', '0.0.0.0', '--allow-host', 'maestro.example:80');
    const token = readFileSync(join(folder, 'data', 'token'), 'utf8').trim();
    const asked = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        get(`${conductor?.url}/api/executions`, { headers }, (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', reject);
      });
    const authorization = `Bearer ${token}`;
    expect(await Promise.all([asked({}), asked({ authorization: 'Bearer x' }), asked({ authorization }), asked({ authorization, host: 'maestro.example:80' }), asked({ authorization, host: 'else.example' })])).toEqual([
      401, 401, 200, 200, 421,
    ]);
  });
});

describe('a conductor as a process', () => {
  const lines = { said: [] as string[], complained: [] as string[], exits: [] as number[] };
  let stop: (reason: string) => void = () => undefined;
  const run = (...args: string[]): Promise<void> => {
    lines.said = [];
    lines.complained = [];
    lines.exits = [];
    return runConductor({
      args: ['--port', '0', ...args, '--log-level', 'error'],
      environment: {},
      cwd: folder,
      say: (line) => void lines.said.push(line),
      complain: (line) => void lines.complained.push(line),
      exit: (code) => void lines.exits.push(code),
      onStopRequest: (asked) => void (stop = asked),
      onLostRejection: () => undefined,
    });
  };

  it('says where it serves, and ends with 0 when it is asked to, however often', async () => {
    await run('--data', join(folder, 'data'));
    expect(JSON.parse(lines.said[0] as string)).toMatchObject({ ready: true, dataDir: join(folder, 'data') });
    const ended = new Promise<void>((resolve) => {
      const push = lines.exits.push.bind(lines.exits);
      lines.exits.push = (...codes) => (resolve(), push(...codes));
    });
    stop('SIGTERM');
    stop('SIGINT');
    await ended;
    expect([...lines.exits]).toEqual([0]);
  });

  it('complains about every fault of its configuration and ends with 2', async () => {
    await run('--port', 'x', '--children-max', '0');
    expect([lines.complained, lines.exits]).toEqual([
      ['maestro: CONFIG_INVALID: --port: expected an integer from 0 to 65535, got x', 'maestro: CONFIG_INVALID: --children-max: expected an integer from 1 to 64, got 0'],
      [2],
    ]);
  });

  it('complains in one line about a start that failed and ends with 1', async () => {
    writeFileSync(join(folder, 'file'), '');
    await run('--data', join(folder, 'file', 'data'));
    expect([lines.complained.length, lines.exits]).toEqual([1, [1]]);
    expect(lines.complained[0]).toMatch(/^maestro: DATA_FOLDER_INVALID: /);
  });
});
