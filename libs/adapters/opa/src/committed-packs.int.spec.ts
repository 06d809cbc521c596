import { fileURLToPath } from 'node:url';
import type { Json, JsonObject } from '@maestro/domain';
import type { PolicyEngine, PolicyResult, PolicyStage } from '@maestro/ports';
import fc from 'fast-check';
import { openOpaPolicyEngine } from './opa-policy-engine.ts';

// The rules as they run: the committed set, through its threads. policy/packs/*/policy_test.rego holds the fine print.
const BUNDLES = fileURLToPath(new URL('../../../../policy/bundles', import.meta.url));
const SEED = Number(process.env['FAST_CHECK_SEED'] ?? 20260105);

const task = { id: 'fetch', uses: 'pkg:http/get@1.0.0', class: 'small', with: { url: 'https://example.com' }, lateBound: false };
const start = {
  schema: 'policy-input.v1',
  stage: 'start',
  at: '2026-01-05T10:00:00.123Z',
  workflow: { id: 'wf', version: '1.0.0', region: 'US', labels: { team: 'a' } },
  request: { region: 'US', regionSource: 'request' },
  actor: 'user:local',
  config: { requireRegion: false },
  inputs: { limit: 3 },
  tasks: [task],
} satisfies JsonObject;
const inputs: Readonly<Record<PolicyStage, JsonObject>> = {
  publish: { ...start, stage: 'publish', workflow: { ...start.workflow, inputs: {} }, inputs: null },
  start,
  task: { ...start, stage: 'task' },
};
const asked = (['publish', 'start', 'task'] as const).map((stage) => [stage] as const);

let engine: PolicyEngine;
beforeAll(async () => {
  engine = await openOpaPolicyEngine({ bundlesDir: BUNDLES, timeoutMs: 10_000 });
});
afterAll(() => engine.close());

const evaluate = (stage: PolicyStage, input: Json): Promise<PolicyResult> =>
  engine.evaluate(engine.active().setDigest, stage, input);
const violations = (result: PolicyResult, name: string) => result.packs.find(({ pack }) => pack === name)?.violations;
const codes = (result: PolicyResult, name: string) => violations(result, name)?.map(({ code }) => code);

/** The same value with one place replaced; `undefined` removes it. */
function patched(value: Json, path: readonly (string | number)[], by: Json | undefined): Json {
  const [step, ...rest] = path;
  if (step === undefined) return by ?? null;
  if (Array.isArray(value)) return value.map((one: Json, n) => (n === step ? patched(one, rest, by) : one));
  const { [step]: old, ...others } = value as JsonObject;
  return rest.length === 0 && by === undefined ? others : { ...others, [step]: patched(old ?? null, rest, by) };
}

describe('every stage', () => {
  it.each(asked)('%s allows a sound input', async (stage) => {
    const result = await evaluate(stage, inputs[stage]);
    expect(result.allow).toBe(true);
    expect(result.packs.map(({ pack }) => pack)).toEqual(stage === 'task' ? ['pii'] : ['pii', 'residency']);
  });

  const wrong: readonly [string, (string | number)[], readonly (Json | undefined)[]][] = [
    ['the input', [], [null, true, 1, 'x', [], {}]],
    ['schema', ['schema'], [undefined, null, 1, 'policy-input.v2']],
    ['stage', ['stage'], [undefined, null, 1, 'finish']],
    ['at', ['at'], [undefined, null, 1_767_607_200, 'today', '2026-01-05']],
    ['workflow', ['workflow'], [undefined, null, 'wf', [], {}]],
    ['workflow.id', ['workflow', 'id'], [undefined, null, 1, '', {}]],
    ['workflow.version', ['workflow', 'version'], [undefined, null, 1, '']],
    ['workflow.region', ['workflow', 'region'], [undefined, false, 1, '', [], {}]],
    ['workflow.labels', ['workflow', 'labels'], [undefined, null, 'a', ['a'], { a: 1 }]],
    ['request', ['request'], [undefined, null, 'US', ['US'], {}]],
    ['request.region', ['request', 'region'], [undefined, false, 1, '', [], {}]],
    ['request.regionSource', ['request', 'regionSource'], [undefined, null, 1, 'me']],
    ['actor', ['actor'], [undefined, null, 1, '', {}]],
    ['config', ['config'], [undefined, null, false, [], {}]],
    ['config.requireRegion', ['config', 'requireRegion'], [undefined, null, 0, 'false']],
    ['inputs', ['inputs'], [undefined, true, 1, 'x', []]],
    ['tasks', ['tasks'], [undefined, null, {}, 'fetch', []]],
    ['a task', ['tasks', 0], [null, 'fetch', [], {}]],
    ['a task id', ['tasks', 0, 'id'], [undefined, null, 1, '']],
    ['uses', ['tasks', 0, 'uses'], [undefined, null, 1, 'http/get']],
    ['class', ['tasks', 0, 'class'], [undefined, null, 1, 'huge']],
    ['with', ['tasks', 0, 'with'], [undefined, null, 1, 'ssn', []]],
    ['lateBound', ['tasks', 0, 'lateBound'], [undefined, null, 0, 'no']],
    ['an unknown key', ['extra'], [null, {}]],
    ['an unknown key of a task', ['tasks', 0, 'extra'], [null, {}]],
  ];
  const table = asked.flatMap(([stage]) => wrong.map(([name, path, values]) => [stage, name, path, values] as const));

  it.each(table)('%s denies in every pack where %s is wrong', async (stage, _, path, values) => {
    const results = await Promise.all(values.map((value) => evaluate(stage, patched(inputs[stage], path, value))));
    expect(results.length).toBeGreaterThan(1);
    for (const result of results) {
      expect(result.allow).toBe(false);
      for (const pack of result.packs) {
        expect(pack).toEqual(expect.objectContaining({ ready: false, allow: false }));
        expect(codes(result, pack.pack)).toContain('INPUT_INVALID');
      }
    }
  });

  it.each(asked)('%s gives the same result on every thread and every time', async (stage) => {
    const input = patched(
      patched(inputs[stage], ['tasks', 0, 'with'], { ssn: 1, a: { SSN: [{ ssn2: 0 }] }, ssn3: {} }),
      ['workflow', 'region'],
      'KP',
    );
    const results = await Promise.all(Array.from({ length: 50 }, () => evaluate(stage, input)));
    expect(results[0]?.allow).toBe(false);
    for (const result of results) expect(result.packs).toEqual(results[0]?.packs);
  });
});

describe('residency', () => {
  const decide = (workflow: string | null, requested: string | null, regionSource: string, requireRegion = false) =>
    evaluate('start', {
      ...start,
      workflow: { ...start.workflow, region: workflow },
      request: { region: requested, regionSource },
      config: { requireRegion },
    });

  it.each([
    ['US', 'US', 'request'],
    ['us', 'US', 'config'],
    ['eu_west_1', ' EU-WEST-1', 'request'],
    ['US', 'US', 'workflow'],
    [null, 'US', 'request'],
  ])('allows a workflow of %s where %s is requested (by %s)', async (workflow, requested, source) => {
    expect((await decide(workflow, requested, source)).allow).toBe(true);
  });

  it.each([
    ['US', 'EU', ['REGION_MISMATCH']],
    ['KP', 'KP', ['REGION_BANNED', 'REGION_BANNED']],
    ['kp', 'KP-01', ['REGION_BANNED', 'REGION_BANNED', 'REGION_MISMATCH']],
    ['RU', 'RU', ['REGION_BANNED', 'REGION_BANNED']],
    [null, 'kp', ['REGION_BANNED']],
    ['US', 'RU', ['REGION_BANNED', 'REGION_MISMATCH']],
  ])('denies a workflow of %s where %s is requested', async (workflow, requested, expected) => {
    const result = await decide(workflow, requested, 'request');
    expect(result.allow).toBe(false);
    expect(codes(result, 'residency')).toEqual(expected);
  });

  it('says where the request came from and what differs', async () => {
    expect(violations(await decide('US', 'EU', 'config'), 'residency')).toEqual([
      { code: 'REGION_MISMATCH', path: ['request', 'region'], params: { requested: 'EU', source: 'config', workflow: 'US' } },
    ]);
  });

  it('allows a run without any region, and says so', async () => {
    const result = await decide(null, null, 'none');
    expect(result.allow).toBe(true);
    expect(result.packs[1]?.obligations).toEqual([{ code: 'REGION_UNSTATED', path: ['request', 'region'], params: {} }]);
  });

  it('denies a run without any region where one is required', async () => {
    expect(codes(await decide(null, null, 'none', true), 'residency')).toEqual(['REGION_REQUIRED']);
    expect((await decide(null, 'US', 'config', true)).allow).toBe(true);
  });

  it('is not asked again for a late-bound task', async () => {
    expect((await evaluate('task', { ...inputs.task, request: { region: 'KP', regionSource: 'request' } })).allow).toBe(true);
  });
});

describe('pii', () => {
  const folded = (key: string): string => key.toLowerCase().replaceAll('ſ', 's').replaceAll('ß', 'ss');
  const prefixes = ['creditcardn', 'nationalinsurancen', 'passportn', 'socialinsurancen', 'socialsecurityn'];
  const sensitive = (key: string): boolean => {
    const joined = folded(key).replaceAll(/[_\-. ]/g, '');
    return folded(key).startsWith('ssn') || prefixes.some((prefix) => joined.startsWith(prefix));
  };
  const letter = (lower: string, ...others: string[]) => fc.constantFrom(lower, lower.toUpperCase(), ...others);
  const ssnKey = fc
    .tuple(letter('s', 'ſ'), letter('s', 'ſ'), letter('n'), fc.string({ unit: 'grapheme' }))
    .map((parts) => parts.join(''));
  const otherKey = fc
    .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('s', 'ss', 'assn', '_ssn', ' ssn', '"ssn', 'passport'))
    .filter((key) => !sensitive(key));
  const { harmless } = fc.letrec<{ harmless: Json; object: JsonObject }>((tie) => ({
    harmless: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom<Json>(null, 1, true, 'ssn', 'SSN:'),
      fc.array(tie('harmless'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(otherKey, tie('harmless'), { maxKeys: 4, noNullPrototype: true }),
  }));
  const harmlessObject = fc.dictionary(otherKey, harmless, { maxKeys: 4, noNullPrototype: true });
  const path = fc.array(fc.oneof(otherKey, fc.nat({ max: 2 })), { maxLength: 12 });

  /** `value` at the end of a path of keys and list positions; other list positions are filled with `filler`. */
  const nest = (steps: readonly (string | number)[], value: Json, filler: Json): Json =>
    steps.reduceRight<Json>(
      (inner, step) => (typeof step === 'number' ? [...Array.from({ length: step }, () => filler), inner] : { [step]: inner }),
      value,
    );
  const placed = (place: 'with' | 'inputs', value: JsonObject): Json =>
    place === 'with' ? { ...start, tasks: [task, { ...task, with: value }] } : { ...start, inputs: value };

  it('always finds a key that starts with ssn, wherever it is, and says where', async () => {
    const where = fc.constantFrom('with' as const, 'inputs' as const);
    await fc.assert(
      fc.asyncProperty(where, otherKey, path, ssnKey, harmless, async (place, first, steps, key, filler) => {
        const found = violations(await evaluate('start', placed(place, { [first]: nest(steps, { [key]: 1 }, filler) })), 'pii');
        const root = place === 'with' ? ['tasks', 1, 'with'] : ['inputs'];
        expect(found).toEqual([{ code: 'PII_KEY', path: [...root, first, ...steps, key], params: { pattern: 'ssn' } }]);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('allows whatever holds no such key', async () => {
    await fc.assert(
      fc.asyncProperty(harmlessObject, harmlessObject, async (argumentsOfTask, inputsOfRun) => {
        const result = await evaluate('start', { ...start, inputs: inputsOfRun, tasks: [{ ...task, with: argumentsOfTask }] });
        expect(result).toEqual(expect.objectContaining({ allow: true }));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it.each(['passport_number', 'PassportNo', 'Credit-Card-Number', 'social.security.number', 'nationalInsuranceNo'])(
    'denies %s',
    async (key) => {
      expect(codes(await evaluate('task', { ...inputs.task, tasks: [{ ...task, with: { [key]: 1 } }] }), 'pii')).toEqual([
        'PII_KEY',
      ]);
    },
  );

  it('looks through labels and through the inputs that a manifest declares', async () => {
    const workflow = { ...start.workflow, labels: { 'ssn-owner': 'a' }, inputs: { person: { Ssn: {} } } };
    const result = await evaluate('publish', { ...inputs.publish, workflow });
    expect(violations(result, 'pii')?.map((violation) => violation.path)).toEqual([
      ['workflow', 'inputs', 'person', 'Ssn'],
      ['workflow', 'labels', 'ssn-owner'],
    ]);
  });

  it('warns of names, which are public for ever', async () => {
    const result = await evaluate('start', {
      ...start,
      workflow: { ...start.workflow, id: 'ssn-export' },
      tasks: [{ ...task, id: 'SSN' }],
    });
    expect(result.allow).toBe(true);
    expect(result.packs[0]?.obligations.map((obligation) => obligation.path)).toEqual([
      ['tasks', 0, 'id'],
      ['workflow', 'id'],
    ]);
  });

  it('judges the largest run: 1,000 tasks', async () => {
    const tasks = Array.from({ length: 1000 }, (_, n) => ({ ...task, id: `t${n}`, with: { text: 'x'.repeat(200), list: [n] } }));
    expect((await evaluate('start', { ...start, tasks })).allow).toBe(true);
    const last = { ...task, with: { a: [{ ssn: 1 }] } };
    expect(codes(await evaluate('start', { ...start, tasks: [...tasks.slice(1), last] }), 'pii')).toEqual(['PII_KEY']);
  });
});
