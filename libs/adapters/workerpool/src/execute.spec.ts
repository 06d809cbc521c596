import type { Json } from '@maestro/domain';
import { TaskError, definePackage } from '@maestro/worker';
import { execute } from './execute.ts';

const closed = { type: 'object', additionalProperties: false } as const;
const lines: string[] = [];
const answer = (run: () => Json | Promise<Json>, maxBytes = 1_000) => {
  lines.length = 0;
  const one = {
    name: 'pkg:test/one',
    version: '1.0.0',
    description: '',
    inputSchema: closed,
    outputSchema: closed,
    expectedDurationMs: 1,
  };
  const context = {
    executionId: 'e',
    taskId: 't',
    attempt: 1,
    idempotencyKey: 'k',
    conductorUrl: null,
    timeoutMs: 1,
    settings: {},
  };
  const { signal } = new AbortController();
  return execute(definePackage({ ...one, run }), {}, { ...context, signal, log: (text) => void lines.push(text) }, { largeBytes: 500, maxBytes });
};
const failing = (error: unknown) =>
  answer(() => {
    throw error;
  });

describe('execute', () => {
  it('answers with the JSON text of the output', async () => {
    expect(await answer(() => ({ a: 1 }))).toEqual({ kind: 'output', text: '{"a":1}' });
  });

  it('lets a TaskError speak, and nothing else: the rest goes to the log', async () => {
    expect(await failing(new TaskError('NO_STOCK', 'none left', { retryable: true }))).toEqual({
      kind: 'failure',
      failure: { code: 'NO_STOCK', message: 'none left', retryable: true },
    });
    for (const error of [
      new Error('secret'),
      new TaskError('no stock', 'secret'),
      'secret',
      { message: 'x', stack: 'secret' },
    ]) {
      const made = await failing(error);
      expect(made).toMatchObject({ failure: { code: 'PACKAGE_FAILED', retryable: true } });
      expect(JSON.stringify(made)).not.toContain('secret');
      expect(lines.join()).toContain('secret');
    }
  });

  it('survives whatever is thrown, and cuts long messages', async () => {
    const sly = {
      get stack(): never {
        throw new Error('in a getter');
      },
    };
    for (const error of [null, undefined, Object.create(null), 5, sly])
      expect(await failing(error)).toMatchObject({ failure: { code: 'PACKAGE_FAILED' } });
    const long = await failing(new TaskError('LONG', 'x'.repeat(5000)));
    expect((long as unknown as { failure: { message: string } }).failure.message).toHaveLength(2000);
  });

  it('refuses an output that is no JSON, or too large by one byte', async () => {
    expect(await answer(() => ({ n: Number.NaN }))).toMatchObject({
      failure: { code: 'INVALID_JSON_VALUE', retryable: false },
    });
    expect(await answer(() => 'x'.repeat(98), 100)).toMatchObject({ kind: 'output' });
    expect(await answer(() => 'x'.repeat(99), 100)).toMatchObject({
      failure: { code: 'OUTPUT_TOO_LARGE', retryable: false },
    });
  });
});
