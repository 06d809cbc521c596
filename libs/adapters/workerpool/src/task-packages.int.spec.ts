import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '@maestro/domain';
import type { TaskContext, TaskPackages, TaskResult } from '@maestro/ports';
import type { PackageModule } from '@maestro/worker';
import * as hostile from '../fixtures/hostile-packages.ts';
import { openTaskPackages } from './task-packages.ts';

const context: TaskContext = {
  executionId: 'e',
  taskId: 't',
  attempt: 1,
  idempotencyKey: 'k',
  conductorUrl: null,
  timeoutMs: 20_000,
};
const never = new AbortController().signal;
const opened: TaskPackages[] = [];
const open = (o: Parameters<typeof openTaskPackages>[0]): TaskPackages => {
  const made = openTaskPackages(o);
  opened.push(made);
  return made;
};
afterAll(() => Promise.all(opened.map((each) => each.close())));

describe('an inline package', () => {
  const packages = open({ modules: [hostile], graceMs: 30 });
  const run = (name: string, o: { input?: Json; signal?: AbortSignal; timeoutMs?: number } = {}): Promise<TaskResult> =>
    packages.run(
      `pkg:test/inline-${name}@1.0.0`,
      o.input ?? {},
      { ...context, timeoutMs: o.timeoutMs ?? 20_000 },
      o.signal ?? never,
    );

  it('answers with its output and its log', async () => {
    expect(await run('echo', { input: { value: [1] } })).toEqual({ kind: 'succeeded', output: { value: [1] }, log: '' });
    expect(await run('log')).toEqual({ kind: 'succeeded', output: {}, log: 'one\ntwo\n' });
  });

  it('that throws fails, and its text goes to the log only', async () => {
    const result = await run('throw');
    expect(result).toMatchObject({
      kind: 'failed',
      failure: { code: 'PACKAGE_FAILED', retryable: true },
      log: expect.stringContaining('inline secret'),
    });
    expect(JSON.stringify({ ...result, log: '' })).not.toContain('secret');
  });

  it('gets its signal on cancel; one that does not listen is left behind after the grace time', async () => {
    for (const name of ['wait', 'deaf']) {
      const controller = new AbortController();
      const running = run(name, { signal: controller.signal });
      controller.abort();
      expect(await running).toEqual({ kind: 'cancelled', log: '' });
    }
    expect(await run('deaf', { signal: AbortSignal.abort() })).toEqual({ kind: 'cancelled', log: '' });
  });

  it('times out, listening or not; a cancel that came first stays a cancel', async () => {
    for (const name of ['wait', 'deaf']) expect(await run(name, { timeoutMs: 20 })).toEqual({ kind: 'timed-out', log: '' });
    const controller = new AbortController();
    const running = run('deaf', { timeoutMs: 10, signal: controller.signal });
    controller.abort();
    expect(await running).toEqual({ kind: 'cancelled', log: '' });
  });

  it('is refused an input that does not fit, and an unknown package is told', async () => {
    expect(await run('echo', { input: { valeu: 1 } })).toEqual({
      kind: 'failed',
      failure: { code: 'PACKAGE_INPUT_INVALID', message: expect.stringContaining('"valeu"'), retryable: false },
      log: '',
    });
    expect(await run('none')).toMatchObject({ kind: 'failed', failure: { code: 'PACKAGE_UNKNOWN', retryable: false } });
  });

  it('is rejected when it runs at close', async () => {
    const closing = open({ modules: [hostile], graceMs: 30 });
    const running = closing.run('pkg:test/inline-deaf@1.0.0', {}, context, never);
    const [ended] = await Promise.all([Promise.allSettled([running]), closing.close()]);
    expect(ended).toMatchObject([{ status: 'rejected', reason: { name: 'Fault', code: 'PACKAGES_CLOSED' } }]);
  });
});

describe('openTaskPackages', () => {
  it.each([0, 65, 1.5, Number.NaN])('refuses childrenMax %p', (childrenMax) => {
    expect(() => openTaskPackages({ modules: [], childrenMax })).toThrow(/childrenMax/);
  });
});

describe('the built-in groups', () => {
  const groups = ['core', 'file', 'http', 'json'] as const;
  let workspaceDir: string;
  let packages: TaskPackages;
  const server = createServer((_request, response) => void response.end('{"a":1}'));
  let origin: string;

  beforeAll(async () => {
    workspaceDir = await mkdtemp(join(tmpdir(), 'maestro-groups-'));
    await writeFile(join(workspaceDir, 'a.json'), '{"a":[1,2]}');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const modules = await Promise.all(
      groups.map(
        (group) => import(new URL(`../../../packages/${group}/src/index.ts`, import.meta.url).href) as Promise<PackageModule>,
      ),
    );
    packages = open({ modules, settings: { workspaceDir, http: { allowOrigins: [{ origin }] } } });
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(workspaceDir, { recursive: true });
  });
  const output = async (uses: string, input: Json): Promise<unknown> => {
    const result = await packages.run(uses, input, context, never);
    return result.kind === 'succeeded' ? result.output : result;
  };

  it('are ten packages, each with schemas that compile and a digest of its own', () => {
    const all = packages.all();
    expect(all.map(({ uses }) => uses)).toEqual([
      'pkg:core/echo@1.0.0',
      'pkg:core/fail@1.0.0',
      'pkg:core/sleep@1.0.0',
      'pkg:file/digest@1.0.0',
      'pkg:file/read@1.0.0',
      'pkg:file/write@1.0.0',
      'pkg:http/get@1.0.0',
      'pkg:http/request@1.0.0',
      'pkg:json/query@1.0.0',
      'pkg:json/validate@1.0.0',
    ]);
    for (const each of all) expect([each.checkInput({ no: 1 }).length, each.checkOutput({ no: 1 }).length]).not.toContain(0);
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(10);
  });

  it('let through what a manifest may say before its expressions are known', () => {
    const partly = (uses: string, value: Json) => {
      const found = packages.resolve(uses);
      return found.kind === 'resolved'
        ? found.checkInput(value, { partial: true }).map(({ pointer }) => pointer)
        : ['unknown'];
    };
    expect(partly('pkg:file/digest@1.0.0', { paths: '${{ inputs.paths }}' })).toEqual([]);
    expect(
      partly('pkg:http/get@1.0.0', {
        url: '${{ run.conductorUrl }}/schemas/manifest.v1.json',
        as: 'json',
        maxBytes: '${{ inputs.n }}',
      }),
    ).toEqual([]);
    expect(partly('pkg:json/validate@1.0.0', { schema: '${{ tasks.get.outputs.body }}', file: 'a.json' })).toEqual([]);
    expect(partly('pkg:core/sleep@1.0.0', { ms: -1 })).toEqual(['/ms']);
    expect(partly('pkg:file/read@1.0.0', {})).toEqual(['']);
  });

  it('run in children, with their libraries, in an empty environment', async () => {
    expect(await output('pkg:core/echo@1.0.0', { value: 1 })).toEqual({ value: 1 });
    expect(await output('pkg:file/write@1.0.0', { path: 'b/c.txt', text: 'x' })).toMatchObject({ sizeBytes: 1 });
    expect(await output('pkg:file/digest@1.0.0', { paths: ['a.json', 'b/c.txt'] })).toMatchObject({ count: 2 });
    expect(await output('pkg:json/query@1.0.0', { query: '$sum(a)', file: 'a.json' })).toEqual({ result: 3 });
    expect(await output('pkg:json/validate@1.0.0', { schema: { required: ['a'] }, file: 'a.json' })).toMatchObject({
      valid: true,
    });
    expect(await output('pkg:http/get@1.0.0', { url: origin, as: 'json' })).toMatchObject({ status: 200, body: { a: 1 } });
    expect(await output('pkg:http/request@1.0.0', { url: origin, method: 'POST', json: [1], as: 'json' })).toMatchObject({ status: 200, body: { a: 1 } });
    expect(await output('pkg:http/get@1.0.0', { url: 'http://[::ffff:127.0.0.1]/' })).toMatchObject({
      failure: { code: 'HTTP_TARGET_FORBIDDEN' },
    });
  });

  it('end a query whose pattern backtracks without end, from outside', async () => {
    const input = { query: '$match(data, /^(a+)+$/)', data: { data: `${'a'.repeat(60)}!` } };
    expect(await packages.run('pkg:json/query@1.0.0', input, { ...context, timeoutMs: 300 }, never)).toMatchObject({
      kind: 'timed-out',
    });
  });
});
