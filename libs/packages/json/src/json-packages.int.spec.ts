import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json, JsonObject } from '@maestro/domain';
import type { PackageContext } from '@maestro/worker';
import { query } from './query.ts';
import { validate } from './validate.ts';

let workspaceDir: string;
beforeAll(async () => {
  workspaceDir = await mkdtemp(join(tmpdir(), 'maestro-json-'));
  await writeFile(join(workspaceDir, 'orders.json'), '{"orders":[{"total":3},{"total":4}]}');
  await writeFile(join(workspaceDir, 'broken.json'), '{"secret": ');
});
afterAll(() => rm(workspaceDir, { recursive: true, force: true }));

const context = (timeoutMs = 5000): PackageContext => ({
  executionId: 'e',
  taskId: 't',
  attempt: 1,
  idempotencyKey: 'k',
  conductorUrl: null,
  timeoutMs,
  signal: new AbortController().signal,
  log: () => undefined,
  settings: { workspaceDir },
});
const ask = async (input: JsonObject, timeoutMs?: number): Promise<Json> => query.run(input, context(timeoutMs));
const check = async (input: JsonObject): Promise<Json> => validate.run(input, context());

describe('pkg:json/query', () => {
  it.each([
    ['$sum(orders.total)', 7],
    ['orders[total > 3].total', 4],
    ['orders.total', [3, 4]],
    ['orders.nothing', null],
    ['{"n": $count(orders)}', { n: 2 }],
  ])('answers %s from a value and from a file alike', async (text, result) => {
    const data = { orders: [{ total: 3 }, { total: 4 }] };
    expect(await ask({ query: text, data })).toEqual({ result });
    expect(await ask({ query: text, file: 'orders.json' })).toEqual({ result });
  });

  it('takes null as a document', async () => {
    expect(await ask({ query: '$ = null', data: null })).toEqual({ result: true });
  });

  it('names the place of a mistake in the query', async () => {
    await expect(ask({ query: 'a.(', data: {} })).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringMatching(/character \d/),
    });
  });

  it.each([
    ['endless depth', '($f := function($n) { 1 + $f($n + 1) }; $f(0))', 5000],
    ['endless time', '($f := function($n) { $f($n + 1) }; $f(0))', 100],
  ])('stops %s at a limit', async (_name, text, timeoutMs) => {
    await expect(ask({ query: text, data: {} }, timeoutMs)).rejects.toMatchObject({ code: 'QUERY_LIMIT', retryable: false });
  });

  it('fails without quoting the document', async () => {
    const failing = ask({ query: '$number(secret)', data: { secret: 'hunter2' } });
    await expect(failing).rejects.toMatchObject({ code: 'QUERY_FAILED' });
    await expect(failing).rejects.not.toThrow('hunter2');
    await expect(ask({ query: '$', file: 'broken.json' })).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
      message: expect.not.stringContaining('secret'),
    });
  });

  it('stays in the workspace, and reaches no prototype', async () => {
    await expect(ask({ query: '$', file: '../x.json' })).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
    expect(await ask({ query: 'constructor', data: {} })).toEqual({ result: null });
    await ask({ query: '$ ~> |$|{"__proto__": {"polluted": true}}|', data: {} });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('pkg:json/validate', () => {
  const schema = { type: 'object', required: ['a'], properties: { a: { type: 'integer' }, at: { format: 'date' } } };

  it('succeeds with a document that fits', async () => {
    expect(await check({ schema, data: { a: 1, at: '2026-01-05' } })).toEqual({ valid: true, errorCount: 0, errors: [] });
    expect(await check({ schema: true, file: 'orders.json' })).toMatchObject({ valid: true });
  });

  it('fails by default, naming pointers and never values', async () => {
    const failing = check({ schema, data: { a: 'hunter2', at: 'no date' } });
    await expect(failing).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      retryable: false,
      message: expect.stringContaining('/a must be integer; /at'),
    });
    await expect(failing).rejects.not.toThrow('hunter2');
  });

  it('tells all problems with failOnInvalid: false, at most 100 of them', async () => {
    const items = { type: 'array', items: { type: 'integer' } };
    const many = (await check({ schema: items, data: Array.from({ length: 150 }, () => 'x'), failOnInvalid: false })) as {
      errors: Json[];
    };
    expect(many).toMatchObject({ valid: false, errorCount: 150 });
    expect(many.errors).toHaveLength(100);
    expect(many.errors[0]).toEqual({ pointer: '/0', message: 'must be integer' });
  });

  it('speaks draft 2020-12', async () => {
    const tuple = { prefixItems: [{ type: 'string' }], items: false };
    expect(await check({ schema: tuple, data: ['a', 'b'], failOnInvalid: false })).toMatchObject({ valid: false });
  });

  it.each([[{ type: 'nonsense' }], [{ $ref: 'https://example.com/x.json' }], [{ $ref: 'file:///etc/passwd' }]])(
    'refuses the schema %j, following nothing',
    async (bad) => {
      await expect(check({ schema: bad, data: 1 })).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
    },
  );
});
