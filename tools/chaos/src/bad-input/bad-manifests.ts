import type { BadInput, CommandLine } from './bad-input.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const YAML_TYPE = { 'content-type': 'application/yaml' };
const DEPTH = 100_000;
const YAML_BYTES_MAX = 262_144;
const BODY_BYTES_MAX = 1_048_576;
const WRONG_COMMAND = 2;

type Refusal = Pick<BadInput, 'status' | 'code' | 'says'> & { readonly problem?: string; readonly cli?: Partial<CommandLine> | null };

/** A manifest that is refused when it is saved: by POST, and by `publish` with a file of the same bytes. */
function refused(name: string, format: 'json' | 'yaml', content: string | Uint8Array, { cli, ...refusal }: Refusal): BadInput {
  const line = { args: ['publish', '-m', '{file}'], file: { name: `manifest.${format}`, content }, exitCode: WRONG_COMMAND, ...cli };
  const rest = { method: 'POST', path: '/api/workflows', headers: format === 'json' ? JSON_TYPE : YAML_TYPE, body: content };
  return { name, rest, ...refusal, ...(cli === null ? {} : { cli: line }) };
}

const json = (name: string, content: string | Uint8Array, refusal: Refusal): BadInput => refused(name, 'json', content, refusal);
const yaml = (name: string, content: string, refusal: Refusal): BadInput => refused(name, 'yaml', content, refusal);
const malformed = (says: string): Refusal => ({ status: 400, code: 'BODY_MALFORMED', says });
const noJson = (says: string): Refusal => ({ status: 400, code: 'INVALID_JSON_VALUE', says });
const tooComplex: Refusal = { status: 413, code: 'BODY_TOO_COMPLEX', says: '' };
const invalid = (problem: string, says: string): Refusal => ({ status: 400, code: 'MANIFEST_INVALID', problem, says });

const task = (id: string, more: object = {}): object => ({ id, uses: 'pkg:core/echo@1.0.0', with: { value: 1 }, ...more });
const manifest = (...tasks: readonly object[]): string => JSON.stringify({ name: 'bad-input', version: '1.0.0', tasks });
const saying = (value: string): string => manifest(task('first'), task('second', { with: { value }, needs: ['first'] }), task('third'));
const withInputs = (text: string): string => `{"name":"bad-input","version":"1.0.0","inputs":${text},"tasks":[]}`;

/** Text that is no document, or one that no honest client sends. */
const DOCUMENTS: readonly BadInput[] = [
  json('text that is not JSON', '{"name": hello}', malformed('not JSON')),
  yaml('text that is not YAML', 'name: [1', malformed('not usable YAML')),
  json('bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), malformed('not UTF-8')),
  json('an empty file', '', { status: 400, code: 'BODY_REQUIRED', says: 'send' }),
  json('a duplicate key in JSON', '{"name":"a","name":"b"}', { status: 400, code: 'DUPLICATE_KEY', says: 'twice' }),
  json('a duplicate key that is written otherwise', '{"name":"a","n\\u0061me":"b"}', { status: 400, code: 'DUPLICATE_KEY', says: 'twice' }),
  yaml('a duplicate key in YAML', 'name: a\nname: b\n', { status: 400, code: 'DUPLICATE_KEY', says: 'duplicated' }),
  yaml('an alias bomb', `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\n`, malformed('alias')),
  yaml('merges that grow with their square', `a: &a {${Array.from({ length: 500 }, (_, i) => `k${i}: 1`).join(', ')}}\nb:\n${'  <<: *a\n'.repeat(1)}`, malformed('not usable YAML')),
  yaml('20,000 keys that nobody knows', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'), tooComplex),
  yaml('a tag that makes code', 'name: !!js/function "x"\n', malformed('not usable YAML')),
  json('100,000 levels of JSON', '['.repeat(DEPTH) + ']'.repeat(DEPTH), tooComplex),
  yaml('100,000 levels of YAML', '['.repeat(DEPTH) + ']'.repeat(DEPTH), tooComplex),
  json('an integer of 2^53', withInputs('{"n":9007199254740992}'), noJson('/inputs/n')),
  json('a number that is not finite', withInputs('{"n":1e999}'), noJson('/inputs/n')),
  yaml('an infinite number', 'name: .inf\n', noJson('/name')),
  json('half of a character', withInputs('{"s":"\\ud800"}'), noJson('/inputs/s')),
  json('the key __proto__', withInputs('{"__proto__":{"admin":true}}'), noJson('__proto__')),
  json('the key constructor, deep', withInputs('{"a":[{"constructor":1}]}'), noJson('constructor')),
  yaml('one byte over 256 KiB of YAML', `a: ${'x'.repeat(YAML_BYTES_MAX - 2)}`, { status: 413, code: 'BODY_TOO_LARGE', says: String(YAML_BYTES_MAX) }),
  json('one byte over 1 MiB', `"${'x'.repeat(BODY_BYTES_MAX - 1)}"`, { status: 413, code: 'BODY_TOO_LARGE', says: 'larger' }),
];

/** Documents that are read and make no manifest. */
const MANIFESTS: readonly BadInput[] = [
  json('a manifest that is a list', '[]', invalid('SCHEMA', 'object')),
  json('an unknown field', JSON.stringify({ name: 'bad-input', version: '1.0.0', tasks: [task('a')], secret: 1 }), invalid('SCHEMA', 'unknown field')),
  yaml('several violations of the schema, with line and column', 'name: "../etc"\nversion: one\ntasks:\n  - uses: 1\n', invalid('SCHEMA', '"line":2')),
  json('a name that objects have', JSON.stringify({ name: 'constructor', version: '1.0.0', tasks: [task('a')] }), invalid('NAME_FORBIDDEN', 'constructor')),
  json('one byte over 256 KiB of manifest', manifest(...Array.from({ length: 5 }, (_, i) => task(`t${i}`, { with: { value: 'x'.repeat(53_000) } }))), invalid('MANIFEST_TOO_LARGE', '262144')),
  json('1,001 tasks', manifest(...Array.from({ length: 1_001 }, (_, i) => task(`t${i}`))), invalid('TOO_MANY_TASKS', '1000')),
  json('a task that waits for itself', manifest(task('a', { needs: ['a'] })), invalid('TASK_NEEDS_ITSELF', 'itself')),
  json('tasks that wait for each other', manifest(task('a', { needs: ['b'] }), task('b', { needs: ['a'] })), invalid('CYCLE', 'a → b → a')),
  json('a cycle of 1,000 tasks', manifest(...Array.from({ length: 1_000 }, (_, i) => task(`t${i}`, { needs: [`t${(i + 1) % 1_000}`] }))), invalid('CYCLE', 'wait for each other')),
  json('a task that waits for none', manifest(task('a', { needs: ['b'] })), invalid('TASK_UNKNOWN', 'b')),
  json('two tasks of one name', manifest(task('a'), task('a')), invalid('TASK_ID_NOT_UNIQUE', 'a')),
  json('a package that there is not', manifest(task('a', { uses: 'pkg:core/none@1.0.0' })), invalid('PACKAGE_UNKNOWN', 'pkg:core/none@1.0.0')),
  json('a version of a package that there is not', manifest(task('a', { uses: 'pkg:core/echo@9.9.9' })), invalid('PACKAGE_UNKNOWN', 'pkg:core/echo@9.9.9')),
  json('a range of versions of a package', manifest(task('a', { uses: 'pkg:core/echo@^1.0.0' })), invalid('PACKAGE_UNKNOWN', 'versions are exact')),
  json('an argument that the package does not know', manifest(task('a', { with: { valeu: 1 } })), invalid('INPUT_MISMATCH', 'valeu')),
  json('an argument of the wrong type', manifest(task('a', { uses: 'pkg:core/sleep@1.0.0', with: { ms: 'long' } })), invalid('INPUT_MISMATCH', '/tasks/0/with')),
  json('an expression that speaks of no task', saying('${{ tasks.none.outputs.value }}'), invalid('TASK_UNKNOWN', 'none')),
  json('an expression that speaks of a later task', saying('${{ tasks.third.outputs.value }}'), invalid('TASK_NOT_UPSTREAM', 'third')),
  json('an expression that speaks of its own task', saying('${{ tasks.second.outputs.value }}'), invalid('TASK_NOT_UPSTREAM', 'second')),
  json('an expression that calls', saying("${{ constructor.constructor('return process')() }}"), invalid('EXPRESSION_INVALID', '/tasks/1/with')),
  json('a literal of 64 KiB and a byte', manifest(task('a', { with: { value: 'x'.repeat(65_536) } })), invalid('LITERAL_TOO_LARGE', '65536')),
];

/** What `POST /api/workflows` and `publish -m` refuse alike. */
export const BAD_MANIFESTS: readonly BadInput[] = [...DOCUMENTS, ...MANIFESTS];
