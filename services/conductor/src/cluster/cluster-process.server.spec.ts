import 'reflect-metadata';
import type { Log } from '@maestro/ports';
import { startTestEngines } from '../../fixtures/engines.ts';
import type { TestEngines } from '../../fixtures/engines.ts';
import { parseConfig } from '../config.ts';
import { SHIPPED_PACKAGES } from '../shipped-packages.ts';
import { startClusterProcess } from './start-cluster-process.ts';
import type { ClusterProcess } from './start-cluster-process.ts';

const SLEEPER = { name: 'sleeper', version: '1.0.0', inputs: { ms: 1 }, tasks: [{ id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: '${{ inputs.ms }}' } }] };
/** milliseconds, of a drain; the promise to operators */
const DRAIN_MAX_MS = 10_000;

let engines: TestEngines;
const running = new Set<ClusterProcess>();
const told: string[] = [];
const log: Log = { log: (_, message, fields = {}) => void told.push(`${message} ${JSON.stringify({ ...fields, error: String(fields['error'] ?? '') })}`) };

beforeAll(async () => {
  engines = await startTestEngines();
});
afterEach(async () => {
  await Promise.all([...running].map(stop));
});
afterAll(() => engines?.dispose());

function start(flags: readonly string[], environment: Readonly<Record<string, string>> = engines.environment, signal = new AbortController().signal): Promise<ClusterProcess> {
  const parsed = parseConfig(flags, environment, engines.folder);
  if (parsed.kind === 'faults' || parsed.config.cluster === null) throw new Error(JSON.stringify(parsed));
  return startClusterProcess(parsed.config, parsed.config.cluster, log, signal, SHIPPED_PACKAGES).then((process) => {
    running.add(process);
    return process;
  });
}
const role = (name: string, roles: string) => start([...engines.flags, '--name', name, '--role', roles]);

async function stop(process: ClusterProcess): Promise<void> {
  running.delete(process);
  await process.stop();
}

async function ask(url: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: { readonly [name: string]: unknown } }> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${url}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as { readonly [name: string]: unknown } };
}

/** Asks until it is so; the test's own time limit ends it. */
async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setImmediate(resolve));
}

async function startRun(url: string, ms: number): Promise<string> {
  await ask(url, '/api/workflows', SLEEPER);
  await ask(url, '/api/workflows/sleeper/publish', {});
  const { status, body } = await ask(url, '/api/executions', { workflowId: 'sleeper', inputs: { ms } });
  expect(status).toBe(202);
  return String(body['id']);
}
const isVerified = async (url: string, id: string): Promise<boolean> => (await ask(url, `/api/executions/${id}/verify`)).body['verdict'] === 'VERIFIED';
const isRunning = async (url: string, id: string): Promise<boolean> => JSON.stringify((await ask(url, `/api/executions/${id}`)).body).includes('"started"');

describe('processes of a cluster', () => {
  it('are ready once what they depend on is there, in whatever order it comes', async () => {
    await engines.nats.kill();
    const opsPort = await freePort();
    const starting = start([...engines.flags, '--name', 'early', '--role', 'command,policy', '--ops-port', String(opsPort)]);
    const ops = `http://127.0.0.1:${opsPort}`;
    await until(async () => (await fetch(`${ops}/healthz`).catch(() => undefined))?.status === 200);
    const { status, body } = await ask(ops, '/readyz');
    expect([status, JSON.stringify(body)]).toEqual([503, expect.stringContaining('"name":"nats","ok":false')]);
    await engines.nats.restart();
    await starting;
    await until(async () => (await ask(ops, '/readyz')).status === 200);
    expect(told.filter((line) => line.startsWith('waits for a dependency')).length).toBeGreaterThan(0);
  });

  it('end while they still wait, when they are asked to', async () => {
    await engines.nats.kill();
    const abort = new AbortController();
    const starting = start([...engines.flags, '--name', 'impatient', '--role', 'runner'], {}, abort.signal).catch((error: unknown) => (error as Error).name);
    abort.abort();
    expect(await starting).toBe('AbortError');
    await engines.nats.restart();
  });

  it('work together where each has one role, the runner knowing nothing but NATS', async () => {
    const nats = engines.flags.slice(engines.flags.indexOf('--nats-servers'), engines.flags.indexOf('--nats-servers') + 2);
    const [api] = await Promise.all([
      role('api-1', 'api'),
      role('command-1', 'command'),
      role('command-2', 'command'),
      role('projector-1', 'projector'),
      role('receipt-1', 'receipt'),
      start(['--profile', 'cluster', ...nats, '--role', 'policy', '--name', 'policy-1'], {}),
      start(['--profile', 'cluster', ...nats, '--role', 'runner', '--name', 'runner-1', '--workspace', engines.folder], {}),
    ]);
    const id = await startRun(api.url, 1);
    await until(() => isVerified(api.url, id));
    const receipt = await ask(api.url, `/api/executions/${id}/receipt`);
    expect(JSON.stringify(receipt.body)).toContain('"profile":"cluster"');
  });

  it('hand back what they have in hand when they are asked to end, in time, and others go on with it', async () => {
    const api = await role('api-2', 'api,projector,receipt');
    const old = await role('old', 'command,policy,runner');
    const id = await startRun(api.url, 8_000);
    await until(() => isRunning(api.url, id));
    const startedMs = performance.now();
    await stop(old);
    expect(performance.now() - startedMs).toBeLessThan(DRAIN_MAX_MS);
    const next = await role('next', 'command,policy,runner');
    await until(() => isVerified(api.url, id));
    const metrics = await (await fetch(`${next.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/mc_task_duration_ms_count\{uses="pkg:core\/sleep@1.0.0",outcome="succeeded"\} 1/);
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as { readonly port: number };
  await new Promise((resolve) => holder.close(resolve));
  return port;
}
