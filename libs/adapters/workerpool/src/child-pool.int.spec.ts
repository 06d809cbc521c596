import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Json } from '@maestro/domain';
import type { TaskContext, TaskPackages, TaskResult } from '@maestro/ports';
import * as hostile from '../fixtures/hostile-packages.ts';
import { LOG_MAX_BYTES } from './bounded-log.ts';
import { openTaskPackages } from './task-packages.ts';

const context: TaskContext = {
  executionId: 'e-1',
  taskId: 'build',
  attempt: 2,
  idempotencyKey: 'k-1',
  conductorUrl: null,
  timeoutMs: 20_000,
};
const open = (o: { childrenMax?: number; graceMs?: number } = {}): TaskPackages =>
  openTaskPackages({
    modules: [hostile],
    settings: { workspaceDir: '/w' },
    childrenMax: 1,
    oldSpaceMb: 64,
    rssMaxMb: 240,
    graceMs: 2000,
    ...o,
  });

let folder: string;
let one: TaskPackages;
let two: TaskPackages;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maestro-pool-'));
  one = open();
  two = open({ childrenMax: 2 });
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await rm(folder, { recursive: true });
});

const run = (
  packages: TaskPackages,
  name: string,
  o: { value?: Json; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<TaskResult> =>
  packages.run(
    `pkg:test/${name}@1.0.0`,
    o.value === undefined ? {} : { value: o.value },
    { ...context, timeoutMs: o.timeoutMs ?? context.timeoutMs },
    o.signal ?? new AbortController().signal,
  );
const works = async (packages: TaskPackages): Promise<void> => {
  expect(await run(packages, 'echo', { value: 'still here' })).toMatchObject({
    kind: 'succeeded',
    output: { value: 'still here' },
  });
};
const pidOf = async (result: Promise<TaskResult>): Promise<number> =>
  ((await result) as unknown as { output: { value: number } }).output.value;
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** Until a package has written its process id. */
const pidIn = async (file: string): Promise<number> => {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text !== '') return Number(text);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe('a package in a child process', () => {
  it('is given its input, its context and the settings, an empty environment and a neutral folder', async () => {
    const result = await run(one, 'about', { value: { __proto__x: 1, ü: [null] } });
    expect(result).toMatchObject({
      kind: 'succeeded',
      output: {
        value: {
          value: { __proto__x: 1, ü: [null] },
          context: { ...context, settings: { workspaceDir: '/w' } },
          cwd: parse(tmpdir()).root,
        },
      },
    });
    const { env, execArgv } = (result as unknown as { output: { value: { env: string[]; execArgv: string[] } } }).output
      .value;
    expect(env.filter((name) => name !== 'NODE_CHANNEL_FD')).toEqual([]);
    expect(execArgv).toContain('--max-old-space-size=64');
  });

  it('shares its child with the next task', async () => {
    expect(await pidOf(run(one, 'pid'))).toBe(await pidOf(run(one, 'pid')));
  });

  it('never finds in its log what went past the streams: it may be of another task', async () => {
    await run(one, 'print-some');
    expect(await run(one, 'echo')).toMatchObject({ log: '' });
  });

  it('has stdout, stderr and ctx.log in one log, in order', async () => {
    expect(await run(one, 'print-some')).toEqual({
      kind: 'succeeded',
      output: {},
      log: 'to stdout\nto stderr\nto log\nbytes\n',
    });
  });
});

describe('a package that misbehaves', () => {
  it.each([
    ['task-error', 'NO_STOCK', true, /^$/],
    ['bad-code', 'PACKAGE_FAILED', true, /secret text/],
    ['throw', 'PACKAGE_FAILED', true, /RangeError: secret text/],
    ['throw-null', 'PACKAGE_FAILED', true, /null/],
    ['unfit', 'PACKAGE_OUTPUT_INVALID', false, /^$/],
    ['not-json', 'INVALID_JSON_VALUE', false, /^$/],
    ['huge-integer', 'INVALID_JSON_VALUE', false, /^$/],
    ['deep', 'INVALID_JSON_VALUE', false, /^$/],
    ['nothing', 'INVALID_JSON_VALUE', false, /^$/],
    ['cycle', 'INVALID_JSON_VALUE', false, /^$/],
    ['exit', 'PACKAGE_CRASHED', true, /^$/],
    ['suicide', 'PACKAGE_CRASHED', true, /^$/],
    ['print-then-exit', 'PACKAGE_CRASHED', true, /^last words\n$/],
    ['reject-now', 'PACKAGE_CRASHED', true, /floating/],
    ['throw-in-timer', 'PACKAGE_CRASHED', true, /in a timer/],
    ['heap', 'PACKAGE_MEMORY', false, /^$/],
    ['heap-by-objects', 'PACKAGE_MEMORY', false, /^$/],
    ['buffers', 'PACKAGE_MEMORY', false, /^$/],
    ['buffers-slowly', 'PACKAGE_MEMORY', false, /^$/],
  ])('%s: fails with %s, retryable: %s, and the pool goes on', async (name, code, retryable, log) => {
    const result = await run(one, name);
    expect(result).toMatchObject({ kind: 'failed', failure: { code, retryable } });
    expect(result.log).toMatch(log);
    const { message } = (result as { failure: { message: string } }).failure;
    expect(message).not.toMatch(/secret|node_modules|\/work/);
    await works(one);
  });

  it('loop: times out, counted from its start, and its child is killed', async () => {
    const mark = join(folder, 'loop');
    expect(await run(one, 'spin-with-mark', { value: mark, timeoutMs: 200 })).toEqual({ kind: 'timed-out', log: '' });
    expect(isAlive(await pidIn(mark))).toBe(false);
    await works(one);
  });

  it('prints 100 MB: succeeds with a log cut at 1 MiB', async () => {
    const result = await run(one, 'print');
    expect(result).toMatchObject({ kind: 'succeeded' });
    expect(Buffer.byteLength(result.log)).toBe(LOG_MAX_BYTES);
    expect(result.log.endsWith('[log cut at 1 MiB]\n')).toBe(true);
  });

  it('returns more than its heap holds: a coded failure, and the next task runs', async () => {
    expect(await run(one, 'output', { value: 60_000_000 })).toMatchObject({
      kind: 'failed',
      failure: { code: 'PACKAGE_MEMORY', retryable: false },
    });
    await works(one);
  });

  it('takes nobody down with it: other running tasks and waiting ones succeed', async () => {
    const napping = [run(two, 'nap', { value: 400 })];
    const broken = await Promise.all(['exit', 'reject-now', 'exit'].map((name) => run(two, name)));
    napping.push(...Array.from({ length: 4 }, () => run(two, 'nap', { value: 1 })));
    expect(broken.every(({ kind }) => kind === 'failed')).toBe(true);
    expect((await Promise.all(napping)).map(({ kind }) => kind)).toEqual(Array(5).fill('succeeded'));
  });
});

describe('a module that ends every child that imports it', () => {
  it('fails the task, retryable, after a bounded number of tries', async () => {
    const url = new URL('../fixtures/exits-at-import.ts', import.meta.url).href;
    const broken = openTaskPackages({ modules: [{ url, packages: hostile.packages }], childrenMax: 1 });
    expect(await run(broken, 'echo')).toMatchObject({
      kind: 'failed',
      failure: { code: 'PACKAGE_CRASHED', retryable: true },
    });
    await broken.close();
  });
});

describe('an error that comes late', () => {
  it('does not fail the next task in the same child, and that child is not used after it', async () => {
    const first = await pidOf(run(one, 'reject-with-next'));
    const second = await pidOf(run(one, 'next'));
    const third = await pidOf(run(one, 'pid'));
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('while the child is idle costs the next task nothing', async () => {
    const first = await pidOf(run(one, 'reject-late', { value: 0 }));
    await pidOf(run(two, 'nap', { value: 100 }));
    expect(await pidOf(run(one, 'pid'))).not.toBe(first);
  });

  it('a child that died while idle is replaced without a trace', async () => {
    const first = await pidOf(run(one, 'pid'));
    process.kill(first, 'SIGKILL');
    expect(await pidOf(run(one, 'pid'))).not.toBe(first);
  });

  it('memory that a task leaves behind is not counted against the next one', async () => {
    const first = await pidOf(run(one, 'keep'));
    expect(await pidOf(run(one, 'pid'))).not.toBe(first);
  });
});

describe('a cancelled task', () => {
  it('gets its signal and may end in good order; its answer is no success', async () => {
    const controller = new AbortController();
    const mark = join(folder, 'wait');
    const running = run(one, 'wait', { value: mark, signal: controller.signal });
    const pid = await pidIn(mark);
    controller.abort();
    expect(await running).toEqual({ kind: 'cancelled', log: 'waiting\naborted\n' });
    expect(isAlive(pid)).toBe(false);
    await works(one);
  });

  it('is killed after the grace time when it does not listen', async () => {
    const impatient = open({ graceMs: 50 });
    const controller = new AbortController();
    const mark = join(folder, 'deaf');
    const running = run(impatient, 'spin-with-mark', { value: mark, signal: controller.signal });
    const pid = await pidIn(mark);
    controller.abort();
    expect(await running).toEqual({ kind: 'cancelled', log: '' });
    expect(isAlive(pid)).toBe(false);
    await works(impatient);
    await impatient.close();
  });

  it('never starts when it was cancelled before, or while it waited for a child', async () => {
    expect(await run(one, 'exit', { signal: AbortSignal.abort() })).toEqual({ kind: 'cancelled', log: '' });
    const controller = new AbortController();
    const busy = run(one, 'nap', { value: 50 });
    const waiting = run(one, 'exit', { signal: controller.signal });
    controller.abort();
    expect(await waiting).toEqual({ kind: 'cancelled', log: '' });
    expect(await busy).toMatchObject({ kind: 'succeeded' });
  });
});

describe('a parent that is killed', () => {
  it('takes its children along, the idle one and the one that never listens', async () => {
    const [stuckMark, idleMark] = [join(folder, 'orphan-stuck'), join(folder, 'orphan-idle')];
    const script = fileURLToPath(new URL('../fixtures/doomed-parent.ts', import.meta.url));
    const parent = spawn(process.execPath, ['--conditions=source', script, stuckMark, idleMark], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const children = [await pidIn(stuckMark), await pidIn(idleMark)];
    expect(children.map(isAlive)).toEqual([true, true]);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    while (children.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

describe('closing the pool', () => {
  it('kills what runs, idle or stuck, and refuses what comes after', async () => {
    const closing = open({ childrenMax: 2 });
    const idle = await pidOf(run(closing, 'pid'));
    const mark = join(folder, 'closing');
    const running = run(closing, 'spin-with-mark', { value: mark });
    const waiting = [run(closing, 'nap', { value: 60_000 }), run(closing, 'pid')];
    const stuck = await pidIn(mark);
    const ended = Promise.allSettled([running, ...waiting]);
    await closing.close();
    for (const each of await ended)
      expect(each).toMatchObject({ status: 'rejected', reason: { name: 'Fault', code: 'PACKAGES_CLOSED', retryable: true } });
    expect([idle, stuck].filter(isAlive)).toEqual([]);
    await expect(run(closing, 'echo')).rejects.toMatchObject({ code: 'PACKAGES_CLOSED' });
    await closing.close();
  });
});
