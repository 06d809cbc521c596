import type { BadInput, CommandLine, Sent } from './bad-input.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const WRONG = 2;
const NO_ID = '01920000-0000-7000-8000-00000000dead';

const post = (path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Sent => ({ method: 'POST', path, headers: { ...JSON_TYPE, ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const get = (path: string, headers: Readonly<Record<string, string>> = {}): Sent => ({ path, headers });
const row = (name: string, rest: Sent, status: number, code: string, says: string, cli?: CommandLine): BadInput => ({ name, rest, status, code, says, ...(cli === undefined ? {} : { cli }) });
const line = (exitCode: number, args: string, code?: string): CommandLine => ({ args: args.split(' '), exitCode, ...(code === undefined ? {} : { code }) });
/** A start of a workflow that is in order, with inputs that are not. */
const runWith = (exitCode: number, more: readonly string[], code?: string): CommandLine => ({ args: ['run', '-w', 'known', ...more], exitCode, ...(code === undefined ? {} : { code }) });

/** What comes as HTTP, not as a document. A command line never sends it. */
const EDGE: readonly BadInput[] = [
  row('a body of a form', { ...post('/api/workflows'), headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'UNSUPPORTED_MEDIA_TYPE', 'application/json'),
  row('a body of plain text', { ...post('/api/workflows'), headers: { 'content-type': 'text/plain' } }, 415, 'UNSUPPORTED_MEDIA_TYPE', 'application/json'),
  row('no body', { method: 'POST', path: '/api/executions' }, 400, 'BODY_REQUIRED', 'send a body'),
  row('the Host of another', get('/api/executions', { host: 'rebind.example' }), 421, 'HOST_NOT_ALLOWED', 'Host'),
  row('our Host with another port', get('/api/executions', { host: 'localhost:1' }), 421, 'HOST_NOT_ALLOWED', 'Host'),
  row('the Origin of another', post('/api/workflows', {}, { origin: 'https://evil.example' }), 403, 'ORIGIN_NOT_ALLOWED', 'other origins'),
  row('the opaque Origin', post('/api/workflows', {}, { origin: 'null' }), 403, 'ORIGIN_NOT_ALLOWED', 'other origins'),
  row('a path that cannot be decoded', get('/api/workflows/%ff'), 400, 'REQUEST_MALFORMED', 'decoded'),
  row('a part of a path without end', get(`/api/workflows/${'x'.repeat(500)}`), 400, 'REQUEST_MALFORMED', 'too long'),
  row('a path that climbs', get('/schemas/..%2f..%2fpackage.json'), 404, 'SCHEMA_NOT_FOUND', 'schema'),
  row('a path that there is not', get('/api/nothing'), 404, 'ROUTE_NOT_FOUND', 'nothing is served here'),
  row('a method that there is not', { method: 'DELETE', path: '/api/workflows' }, 405, 'METHOD_NOT_ALLOWED', 'DELETE'),
  row('an unknown parameter', get('/api/executions?x=1'), 400, 'REQUEST_INVALID', 'known are'),
  row('a limit over 200', get('/api/executions?limit=201'), 400, 'REQUEST_INVALID', 'from 1 to 200'),
  row('a cursor of nobody', get('/api/executions?after=abc'), 400, 'CURSOR_INVALID', 'cursor'),
  row('an empty position', get('/api/executions', { 'maestro-position': '' }), 400, 'REQUEST_INVALID', 'Maestro-Position'),
  row('an Idempotency-Key of 129 characters', post('/api/executions', { workflowId: 'known' }, { 'idempotency-key': 'k'.repeat(129) }), 400, 'IDEMPOTENCY_KEY_INVALID', '128'),
  row('an Idempotency-Key that named another command', post('/api/executions', { workflowId: 'known', inputs: { other: 1 } }, { 'idempotency-key': 'seed-known' }), 422, 'COMMAND_ID_REUSED', 'choose another'),
];

/** What is in order by itself and does not fit what is there. */
const STATE: readonly BadInput[] = [
  row('an unknown field of a start', post('/api/executions', { workflowId: 'known', x: 1 }), 400, 'REQUEST_INVALID', 'known are'),
  row('a start of a workflow id that climbs', post('/api/executions', { workflowId: '../../etc' }), 400, 'REQUEST_INVALID', 'workflow id', line(WRONG, 'run -w ../../etc')),
  row('a start of a workflow that there is not', post('/api/executions', { workflowId: 'nobody' }), 404, 'WORKFLOW_NOT_FOUND', 'no such workflow', line(WRONG, 'run -w nobody')),
  row('a start of a workflow that is only a draft', post('/api/executions', { workflowId: 'draft-only' }), 409, 'WORKFLOW_NOT_PUBLISHED', 'published', line(WRONG, 'run -w draft-only')),
  row('a start of a version that there is not', post('/api/executions', { workflowId: 'known', version: '9.9.9' }), 404, 'VERSION_NOT_FOUND', '9.9.9'),
  row('an input of 2^53', post('/api/executions', '{"workflowId":"known","inputs":{"n":9007199254740992}}'), 400, 'INVALID_JSON_VALUE', '/inputs/n', runWith(WRONG, ['--input', 'n:=9007199254740992'])),
  row('an input with the key __proto__', post('/api/executions', '{"workflowId":"known","inputs":{"__proto__":1}}'), 400, 'INVALID_JSON_VALUE', '__proto__', runWith(WRONG, ['--input', '__proto__=1'])),
  row('inputs of more than a body holds', post('/api/executions', { workflowId: 'known', inputs: { s: 'x'.repeat(1_048_576) } }), 413, 'BODY_TOO_LARGE', 'larger'),
  row('a version published again with other content', post('/api/workflows/changed/publish'), 409, 'VERSION_CONFLICT', '1.0.0', { args: ['publish', '-m', '{file}'], file: { name: 'changed.json', content: JSON.stringify(changedManifest(2)) }, exitCode: WRONG }),
  row('a run id that is none', get('/api/executions/1'), 404, 'EXECUTION_NOT_FOUND', 'no run', line(WRONG, 'status -e 1')),
  row('a run that there is not', get(`/api/executions/${NO_ID}`), 404, 'EXECUTION_NOT_FOUND', 'no run', line(WRONG, `status -e ${NO_ID}`)),
  row('a command that never came', get('/api/commands/1'), 404, 'COMMAND_NOT_FOUND', 'command'),
  row('the receipt of a run that goes on', get('/api/executions/{running}/receipt'), 409, 'RUN_NOT_FINISHED', 'run', line(WRONG, 'export {running} --out {none}')),
  row('the cancel of a run that has ended', post('/api/executions/{succeeded}/cancel'), 409, 'EXECUTION_ENDED', 'has ended', line(WRONG, 'cancel {succeeded}')),
  row('the cancel of a run that there is not', post(`/api/executions/${NO_ID}/cancel`), 404, 'EXECUTION_NOT_FOUND', 'no such run', line(WRONG, `cancel ${NO_ID}`)),
  row('the resume of a run that goes on', post('/api/executions/{running}/resume'), 409, 'EXECUTION_RUNNING', 'run', line(WRONG, 'resume {running}')),
  row('the promotion of no candidate', post('/api/workflows/known/promote'), 409, 'NO_CANDIDATE', 'candidate', line(WRONG, 'promote -w known')),
];

/** One version, two contents. */
export function changedManifest(value: number): { readonly name: string; readonly [field: string]: unknown } {
  return { name: 'changed', version: '1.0.0', tasks: [{ id: 'echo', uses: 'pkg:core/echo@1.0.0', with: { value } }] };
}

export const BAD_REQUESTS: readonly BadInput[] = [...EDGE, ...STATE];
