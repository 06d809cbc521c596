import type { PackageContext } from '@maestro/worker';
import { echo } from './echo.ts';
import { fail } from './fail.ts';
import { sleep } from './sleep.ts';

const context = (signal = new AbortController().signal): PackageContext => ({
  executionId: 'e',
  taskId: 't',
  attempt: 1,
  idempotencyKey: 'k',
  conductorUrl: null,
  timeoutMs: 1000,
  signal,
  log: () => undefined,
  settings: {},
});

describe('core packages', () => {
  it('are three, all inline, all 1.0.0', () => {
    expect([echo, fail, sleep].map((p) => [p.name, p.version, p.inline])).toEqual([
      ['pkg:core/echo', '1.0.0', true],
      ['pkg:core/fail', '1.0.0', true],
      ['pkg:core/sleep', '1.0.0', true],
    ]);
  });

  it('echo gives back any value, null included', async () => {
    for (const value of [null, 0, '', [], { a: [1, { b: false }] }]) {
      expect(await echo.run({ value }, context())).toEqual({ value });
    }
  });

  it('fail raises the given code, message and retryable flag', async () => {
    const attempt = async () => fail.run({ code: 'NO_STOCK', message: 'none left', retryable: true }, context());
    await expect(attempt()).rejects.toMatchObject({
      name: 'TaskError',
      code: 'NO_STOCK',
      message: 'none left',
      retryable: true,
    });
    await expect(async () => fail.run({}, context())).rejects.toMatchObject({ code: 'FAILED_ON_PURPOSE', retryable: false });
  });

  it('sleep says how long it slept', async () => {
    expect(await sleep.run({ ms: 1 }, context())).toEqual({ sleptMs: 1 });
  });

  it('sleep ends at once when its signal fires', async () => {
    const controller = new AbortController();
    const sleeping = sleep.run({ ms: 86_400_000 }, context(controller.signal));
    controller.abort();
    await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' });
  });
});
