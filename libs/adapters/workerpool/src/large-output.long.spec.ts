import type { Json } from '@maestro/domain';
import { UnparsedJson, VALUE_LIMITS } from '@maestro/ports';
import type { TaskPackages, TaskResult } from '@maestro/ports';
import * as hostile from '../fixtures/hostile-packages.ts';
import { openTaskPackages } from './task-packages.ts';

const AROUND = '{"value":""}'.length;
const context = { executionId: 'e', taskId: 't', attempt: 1, idempotencyKey: 'k', conductorUrl: null, timeoutMs: 60_000 };

let packages: TaskPackages;
beforeAll(() => void (packages = openTaskPackages({ modules: [hostile], childrenMax: 2 })));
afterAll(() => packages.close());

const run = (name: string, value: Json): Promise<TaskResult> => packages.run(`pkg:test/${name}@1.0.0`, { value }, context, new AbortController().signal);
const bytesOf = (result: TaskResult): Uint8Array => {
  if (result.kind !== 'succeeded' || !(result.output instanceof UnparsedJson)) throw new Error(JSON.stringify(result).slice(0, 200));
  return result.output.bytes;
};

describe('an output of a child', () => {
  it('of 64 KiB comes parsed, one byte more as text', async () => {
    const small = await run('output', VALUE_LIMITS.inlineBytesMax - AROUND);
    expect(small).toEqual({ kind: 'succeeded', output: { value: 'x'.repeat(VALUE_LIMITS.inlineBytesMax - AROUND) }, log: '' });
    expect(bytesOf(await run('output', VALUE_LIMITS.inlineBytesMax - AROUND + 1))).toHaveLength(VALUE_LIMITS.inlineBytesMax + 1);
  });

  it('of the largest size comes whole, while other tasks run; one byte more fails by name', async () => {
    const [fits, over, others] = await Promise.all([
      run('output', VALUE_LIMITS.outputBytesMax - AROUND),
      run('output', VALUE_LIMITS.outputBytesMax - AROUND + 1),
      run('inline-echo', 'neighbour'),
    ]);
    expect(bytesOf(fits)).toHaveLength(VALUE_LIMITS.outputBytesMax);
    expect(over).toMatchObject({ kind: 'failed', failure: { code: 'OUTPUT_TOO_LARGE', retryable: false } });
    expect(others).toMatchObject({ kind: 'succeeded' });
  }, 60_000);

  it('comes as canonical JSON, whatever its parts cut through', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({ i, text: `é ${i}` }));
    expect(Buffer.from(bytesOf(await run('large-rows', 30_000))).toString()).toBe(JSON.stringify({ value: rows }));
  });

  it.each([
    ['large-misfit', 'PACKAGE_OUTPUT_INVALID'],
    ['large-unrepresentable', 'INVALID_JSON_VALUE'],
  ])('is judged as a small one is: %s', async (name, code) => {
    expect(await run(name, null)).toMatchObject({ kind: 'failed', failure: { code, retryable: false } });
  });

  it('of an inline package has the size of arguments at most', async () => {
    const max = VALUE_LIMITS.argumentBytesMax - AROUND;
    expect(bytesOf(await run('inline-large', max))).toHaveLength(VALUE_LIMITS.argumentBytesMax);
    expect(await run('inline-large', max + 1)).toMatchObject({ kind: 'failed', failure: { code: 'OUTPUT_TOO_LARGE' } });
  });
});
