import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Parts, openApi } from '../../fixtures/api.ts';
import { MANIFEST } from '../../fixtures/histories.ts';

type Sent = { method?: 'POST' | 'GET' | 'DELETE' | 'QUERY'; url?: string; payload?: string | Buffer; headers?: Record<string, string> };
type Case = readonly [name: string, sent: Sent, status: number, code: string];

const JSON_TYPE = { 'content-type': 'application/json' };
const YAML_TYPE = { 'content-type': 'application/yaml' };
const json = (payload: string): Sent => ({ payload, headers: JSON_TYPE });
const yaml = (payload: string): Sent => ({ payload, headers: YAML_TYPE });
const start = (payload: string): Sent => ({ ...json(payload), url: '/api/executions' });
const DEPTH = 10_000;

const CASES: readonly Case[] = [
  ['text that is not JSON', json('{"name": hello}'), 400, 'BODY_MALFORMED'],
  ['bytes that are not UTF-8', { payload: Buffer.from([0x7b, 0xff, 0x7d]), headers: JSON_TYPE }, 400, 'BODY_MALFORMED'],
  ['text that is not YAML', yaml('a: [1'), 400, 'BODY_MALFORMED'],
  ['a duplicate key in JSON', json('{"name":"a","name":"b"}'), 400, 'DUPLICATE_KEY'],
  ['a duplicate key in JSON that is written otherwise', json('{"name":"a","n\\u0061me":"b"}'), 400, 'DUPLICATE_KEY'],
  ['a duplicate key in YAML', yaml('name: a\nname: b\n'), 400, 'DUPLICATE_KEY'],
  ['nesting in JSON', json('['.repeat(DEPTH) + ']'.repeat(DEPTH)), 400, 'INVALID_JSON_VALUE'],
  ['nesting in YAML', yaml('['.repeat(DEPTH) + ']'.repeat(DEPTH)), 400, 'BODY_MALFORMED'],
  ['an alias bomb', yaml('a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n'), 400, 'BODY_MALFORMED'],
  ['a tag of YAML', yaml('a: !!js/function "x"\n'), 400, 'BODY_MALFORMED'],
  ['a number that is not finite', yaml('a: .inf\n'), 400, 'INVALID_JSON_VALUE'],
  ['one byte over 1 MiB', json(`"${'x'.repeat(1_048_575)}"`), 413, 'BODY_TOO_LARGE'],
  ['one byte over the bound of YAML', yaml(`a: ${'x'.repeat(262_142)}`), 413, 'BODY_TOO_LARGE'],
  ['too many keys in JSON', json(`{${Array.from({ length: 32_769 }, (_, i) => `"${i}":1`).join(',')}}`), 413, 'BODY_TOO_COMPLEX'],
  ['too many objects in JSON', json(`[${'{},'.repeat(65_536)}{}]`), 413, 'BODY_TOO_COMPLEX'],
  ['too many lines of YAML', yaml('a\n'.repeat(16_385)), 413, 'BODY_TOO_COMPLEX'],
  ['an integer of 2^53', json('{"name": 9007199254740992}'), 400, 'INVALID_JSON_VALUE'],
  ['a number over the range', json('{"name": 1e999}'), 400, 'INVALID_JSON_VALUE'],
  ['a lone surrogate', json('{"name": "\\ud800"}'), 400, 'INVALID_JSON_VALUE'],
  ['the key __proto__', json('{"inputs": {"__proto__": {"admin": true}}}'), 400, 'INVALID_JSON_VALUE'],
  ['the key constructor, deep', start('{"workflowId":"abc","inputs":{"a":[{"constructor":1}]}}'), 400, 'INVALID_JSON_VALUE'],
  ['no body', {}, 400, 'BODY_REQUIRED'],
  ['an empty body', json('  '), 400, 'BODY_REQUIRED'],
  ['a body of another type', { payload: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['a body of plain text', { payload: '{}', headers: { 'content-type': 'text/plain' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['a body without a type', { payload: Buffer.from('{}') }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['another Host', { ...json('{}'), headers: { ...JSON_TYPE, host: 'rebind.example' } }, 421, 'HOST_NOT_ALLOWED'],
  ['our Host with another port', { ...json('{}'), headers: { ...JSON_TYPE, host: 'localhost:81' } }, 421, 'HOST_NOT_ALLOWED'],
  ['a foreign Origin', { ...json('{}'), headers: { ...JSON_TYPE, origin: 'https://evil.example' } }, 403, 'ORIGIN_NOT_ALLOWED'],
  ['the opaque Origin', { ...json('{}'), headers: { ...JSON_TYPE, origin: 'null' } }, 403, 'ORIGIN_NOT_ALLOWED'],
  ['a path that is no text', { method: 'GET', url: '/api/workflows/%ff' }, 400, 'REQUEST_MALFORMED'],
  ['a parameter without end', { method: 'GET', url: `/api/workflows/${'x'.repeat(500)}` }, 400, 'REQUEST_MALFORMED'],
  ['an unknown route', { method: 'GET', url: '/api/nothing' }, 404, 'ROUTE_NOT_FOUND'],
  ['an unknown route with a body', { ...json('{}'), url: '/api/nothing' }, 404, 'ROUTE_NOT_FOUND'],
  ['another method', { method: 'DELETE', url: '/api/workflows' }, 405, 'METHOD_NOT_ALLOWED'],
  ['another method with a body of another type', { method: 'DELETE', url: '/api/keys', payload: 'a=1', headers: { 'content-type': 'text/plain' } }, 405, 'METHOD_NOT_ALLOWED'],
  ['a method that wants a type and has none', { method: 'QUERY', url: '/api/keys' }, 405, 'METHOD_NOT_ALLOWED'],
  ['a path that climbs', { method: 'GET', url: '/schemas/..%2f..%2fpackage.json' }, 404, 'SCHEMA_NOT_FOUND'],
  ['a folder of schemas', { method: 'GET', url: '/schemas/events/..%2f..%2fpackage.json' }, 404, 'SCHEMA_NOT_FOUND'],
  ['an unknown field of the manifest', json(JSON.stringify({ ...MANIFEST, secret: 1 })), 400, 'MANIFEST_INVALID'],
  ['an unknown field of a start', start('{"workflowId":"abc","x":1}'), 400, 'REQUEST_INVALID'],
  ['a start that is a list', start('[]'), 400, 'REQUEST_INVALID'],
  ['a start without a workflow', start('{}'), 400, 'REQUEST_INVALID'],
  ['a Last-Event-ID that is no revision, without a tail', { method: 'GET', url: '/api/executions/01920000-0000-7000-8000-000000000001/events', headers: { 'last-event-id': '#H' } }, 400, 'REQUEST_INVALID'],
  ['an unknown query parameter', { method: 'GET', url: '/api/executions?x=1' }, 400, 'REQUEST_INVALID'],
  ['a limit of zero', { method: 'GET', url: '/api/executions?limit=0' }, 400, 'REQUEST_INVALID'],
  ['a limit over 200', { method: 'GET', url: '/api/executions?limit=201' }, 400, 'REQUEST_INVALID'],
  ['a status that there is not', { method: 'GET', url: '/api/executions?status=happy' }, 400, 'REQUEST_INVALID'],
  ['a cursor of somebody else', { method: 'GET', url: '/api/executions?after=abc' }, 400, 'CURSOR_INVALID'],
  ['a position of another store', { method: 'GET', url: '/api/executions?position=abc' }, 400, 'CURSOR_INVALID'],
  ['an empty Maestro-Position', { method: 'GET', url: '/api/executions', headers: { 'maestro-position': '' } }, 400, 'REQUEST_INVALID'],
  ['an Idempotency-Key with a blank', { ...json(JSON.stringify(MANIFEST)), headers: { ...JSON_TYPE, 'idempotency-key': 'a b' } }, 400, 'IDEMPOTENCY_KEY_INVALID'],
  ['an Idempotency-Key of 129 characters', { ...json(JSON.stringify(MANIFEST)), headers: { ...JSON_TYPE, 'idempotency-key': 'a'.repeat(129) } }, 400, 'IDEMPOTENCY_KEY_INVALID'],
  ['a run id that is none', { method: 'GET', url: '/api/executions/1' }, 404, 'EXECUTION_NOT_FOUND'],
  ['a command id that is none', { method: 'GET', url: '/api/commands/1' }, 404, 'COMMAND_NOT_FOUND'],
];

describe('hostile input is refused with a code', () => {
  let app: NestFastifyApplication;
  let parts: Parts;

  beforeAll(async () => {
    parts = new Parts();
    app = await openApi(parts);
  });

  afterAll(() => app.close());

  it.each(CASES)('%s', async (_name, sent, status, code) => {
    const answer = await app.inject({ method: 'POST', url: '/api/workflows', ...sent });
    const problem = answer.json<Record<string, unknown>>();

    expect({ status: answer.statusCode, code: problem['code'], type: answer.headers['content-type'] }).toEqual({ status, code, type: 'application/problem+json; charset=utf-8' });
    expect(problem).toEqual(expect.objectContaining({ status, title: expect.any(String), detail: expect.any(String), instance: expect.stringMatching(/^urn:uuid:/) }));
    expect(Object.keys(problem)).not.toContain('statusCode');
    expect(answer.body).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/);
    expect(parts.gateway.sent).toEqual([]);
  });

  it('names the methods that a path has', async () => {
    const answer = await app.inject({ method: 'DELETE', url: '/api/workflows' });

    expect(answer.headers['allow']).toBe('GET, HEAD, POST');
  });

  it('names the methods of the resource that a path names, not of one whose id reads like it', async () => {
    const answer = await app.inject({ method: 'OPTIONS', url: '/api/receipts/verify' });

    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'POST']);
  });

  it('says where a duplicate key stands', async () => {
    const answer = await app.inject({ method: 'POST', url: '/api/workflows', ...json('{\n  "name": "a",\n  "name": "b"\n}') });

    expect(answer.json()).toEqual(expect.objectContaining({ errors: [expect.objectContaining({ line: 3, column: 3 })] }));
  });

  it('leaves the health probe open to every Host, and to no other path', async () => {
    const probe = await app.inject({ method: 'GET', url: '/healthz', headers: { host: '10.0.0.7' } });

    expect([probe.statusCode, probe.body]).toEqual([200, 'ok']);
  });

  it('accepts an Origin of its own', async () => {
    const answer = await app.inject({ method: 'GET', url: '/api/keys', headers: { origin: 'http://localhost' } });

    expect(answer.statusCode).toBe(200);
  });

  it('lists at most a hundred problems and counts the rest', async () => {
    const tasks = Array.from({ length: 150 }, (_, i) => ({ id: `t${i}`, uses: 'pkg:core/none@1.0.0' }));
    const answer = await app.inject({ method: 'POST', url: '/api/workflows', ...json(JSON.stringify({ ...MANIFEST, tasks })) });
    const { errors, errorsOmitted } = answer.json<{ errors: unknown[]; errorsOmitted: number }>();

    expect([errors.length, errorsOmitted]).toEqual([100, 50]);
  });
});
