import type { ManifestV1 } from '@maestro/contracts';
import { validateManifestV1 } from '@maestro/contracts';
import { findPackage, manifestOf, taskWith } from '../fixtures/packages.ts';
import { checkManifest } from './check-manifest.ts';
import { MANIFEST_LIMITS } from './manifest.ts';

/** `code pointer` of every problem. */
const problems = (manifest: ManifestV1) => checkManifest(manifest, findPackage).map(({ code, pointer }) => `${code} ${pointer}`);
const messages = (manifest: ManifestV1) => checkManifest(manifest, findPackage).map(({ message }) => message);
const withText = (text: unknown, more = {}) => manifestOf([taskWith('before'), taskWith('a', { with: { text }, ...more })]);

describe('a manifest that can run', () => {
  it('has no problem', () => {
    const manifest = manifestOf(
      [taskWith('a', { with: { text: '${{ inputs.name }}' } }), taskWith('b', { needs: ['a'] }), taskWith('c', { needs: ['b'], with: { deep: [{ x: '${{ tasks.a.outputs.text }} ${{ tasks.b.status }}' }] } })],
      { inputs: { name: 'Ada' } },
    );
    expect(validateManifestV1(manifest)).toBe(true);
    expect(checkManifest(manifest, findPackage)).toEqual([]);
  });
});

describe('names', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('%s is neither a workflow, a task nor a key, however deep', (name) => {
    const deep = JSON.parse(`{"list":[{"${name}":1}]}`) as { [key: string]: unknown };
    expect(problems(manifestOf([taskWith(name, { with: deep })], { name, inputs: deep, labels: JSON.parse(`{"${name}":"x"}`) as {} }))).toEqual([
      'NAME_FORBIDDEN /name',
      `NAME_FORBIDDEN /tasks/0/with/list/0/${name}`,
      `NAME_FORBIDDEN /inputs/list/0/${name}`,
      `NAME_FORBIDDEN /labels/${name}`,
      'NAME_FORBIDDEN /tasks/0/id',
    ]);
  });
  it('pointers to keys are escaped as RFC 6901 wants it', () => {
    const odd = JSON.parse('{"a/b~c":{"__proto__":1}}') as { [key: string]: unknown };
    expect(problems(manifestOf([taskWith('a', { with: odd })]))).toEqual(['NAME_FORBIDDEN /tasks/0/with/a~1b~0c/__proto__']);
  });
  it.each(['01.2.3', '1.02.3', '1.2.3-01', '1.2.3-a..b'])('%s is no semantic version, though the schema lets it through', (version) => {
    const manifest = manifestOf([taskWith('a')], { version });
    expect(validateManifestV1(manifest)).toBe(true);
    expect(problems(manifest)).toEqual(['VERSION_INVALID /version']);
  });
  it('a version and a region fit into the events that carry them', () => {
    const version = `1.2.3-${'a'.repeat(58)}`;
    expect(problems(manifestOf([taskWith('a')], { version, region: 'r'.repeat(64) }))).toEqual([]);
    expect(problems(manifestOf([taskWith('a')], { version: `${version}a`, region: 'r'.repeat(65) }))).toEqual(['VERSION_INVALID /version', 'REGION_INVALID /region']);
    expect(problems(manifestOf([taskWith('a')], { region: '' }))).toEqual(['REGION_INVALID /region']);
  });
  it('a task id is used once; the problem names the first place', () => {
    const manifest = manifestOf([taskWith('a'), taskWith('b'), taskWith('a'), taskWith('a')]);
    expect(problems(manifest)).toEqual(['TASK_ID_NOT_UNIQUE /tasks/2/id', 'TASK_ID_NOT_UNIQUE /tasks/3/id']);
    expect(messages(manifest)[1]).toContain('/tasks/0');
  });
});

describe('needs', () => {
  it('exist and are not the task itself', () => {
    expect(problems(manifestOf([taskWith('a', { needs: ['a', 'ghost'] })]))).toEqual(['TASK_NEEDS_ITSELF /tasks/0/needs/0', 'TASK_UNKNOWN /tasks/0/needs/1']);
  });
  it('never go round in a circle: the circle is named, in order, without the tasks behind it', () => {
    const manifest = manifestOf([taskWith('behind', { needs: ['a'] }), taskWith('free'), taskWith('a', { needs: ['c', 'free'] }), taskWith('b', { needs: ['a'] }), taskWith('c', { needs: ['b'] })]);
    expect(problems(manifest)).toEqual(['CYCLE /tasks/2/needs']);
    expect(messages(manifest)).toEqual(['the tasks wait for each other: a → c → b → a']);
  });
  it('a task that needs itself is not also called a cycle', () => {
    expect(problems(manifestOf([taskWith('a', { needs: ['a'] })]))).toEqual(['TASK_NEEDS_ITSELF /tasks/0/needs/0']);
  });
});

describe('packages', () => {
  it('are known in exactly this version', () => {
    expect(problems(manifestOf([taskWith('a', { uses: 'pkg:core/echo@1' }), taskWith('b', { uses: 'pkg:core/ghost@1.0.0' })]))).toEqual(['PACKAGE_UNKNOWN /tasks/0/uses', 'PACKAGE_UNKNOWN /tasks/1/uses']);
  });
  it('judge their own input; their pointers stand below `with`', () => {
    expect(problems(withText(7))).toEqual(['INPUT_MISMATCH /tasks/1/with/text']);
  });
});

describe('expressions', () => {
  it.each(['${{ process.env.HOME }}', '${{ inputs }}', '${{ 1 + 1 }}', '${{', '${{ tasks.before }}', '${{}}'])('%s is none', (text) => {
    expect(problems(withText(text))).toEqual(['EXPRESSION_INVALID /tasks/1/with/text']);
  });
  it.each([
    ['a task that does not exist', '${{ tasks.ghost.outputs.x }}', 'TASK_UNKNOWN'],
    ['the task itself', '${{ tasks.a.outputs.x }}', 'TASK_NOT_UPSTREAM'],
    ['a task that is not needed', '${{ tasks.before.outputs.x }}', 'TASK_NOT_UPSTREAM'],
    ['the status of a task that is not needed', '${{ tasks.before.status }}', 'TASK_NOT_UPSTREAM'],
  ])('cannot refer to %s', (_, text, code) => {
    expect(problems(withText(text))).toEqual([`${code} /tasks/1/with/text`]);
  });
  it('may refer to inputs, run and workflow, and to what is needed directly or not', () => {
    const text = '${{ inputs.x }} ${{ run.id }} ${{ run.attempt }} ${{ run.conductorUrl }} ${{ workflow.version }} ${{ tasks.before.outputs }}';
    expect(problems(withText(text, { needs: ['before'] }))).toEqual([]);
  });
  it('each one of a text is judged', () => {
    expect(problems(withText('${{ tasks.ghost.status }}${{ tasks.a.status }}'))).toEqual(['TASK_UNKNOWN /tasks/1/with/text', 'TASK_NOT_UPSTREAM /tasks/1/with/text']);
  });
  it('inputs are values', () => {
    expect(problems(manifestOf([taskWith('a')], { inputs: { deep: ['${{ inputs.x }}', '${{ no'] } }))).toEqual(['EXPRESSION_NOT_ALLOWED /inputs/deep/0', 'EXPRESSION_NOT_ALLOWED /inputs/deep/1']);
  });
});

describe('limits', () => {
  it('1,000 tasks', () => {
    const many = (count: number) => manifestOf(Array.from({ length: count }, (_, i) => taskWith(`t${i}`)));
    expect(problems(many(MANIFEST_LIMITS.tasksMax))).toEqual([]);
    expect(problems(many(MANIFEST_LIMITS.tasksMax + 1))).toEqual(['TOO_MANY_TASKS /tasks']);
  });
  it('64 KiB per literal, in bytes of its JSON and not in characters', () => {
    const bytes = MANIFEST_LIMITS.literalBytesMax - 2;
    expect(problems(withText('x'.repeat(bytes)))).toEqual([]);
    expect(problems(withText('x'.repeat(bytes + 1)))).toEqual(['LITERAL_TOO_LARGE /tasks/1/with/text']);
    expect(problems(withText('é'.repeat(bytes / 2)))).toEqual([]);
    expect(problems(withText('é'.repeat(bytes / 2 + 1)))).toEqual(['LITERAL_TOO_LARGE /tasks/1/with/text']);
    expect(problems(manifestOf([taskWith('a', { with: { 'a/b': 'x'.repeat(bytes + 1) } })]))).toEqual(['LITERAL_TOO_LARGE /tasks/0/with/a~1b']);
  });
});

describe('a manifest with many faults', () => {
  it('gets all of them at once', () => {
    const manifest = manifestOf(
      [taskWith('a', { needs: ['b'], uses: 'pkg:core/none@1.0.0' }), taskWith('b', { needs: ['a', 'b'], with: { text: '${{ x }}' } }), taskWith('b', { with: { text: 1 } })],
      { version: '01.0.0', name: 'constructor', inputs: { a: '${{ inputs.b }}' } },
    );
    expect(new Set(checkManifest(manifest, findPackage).map(({ code }) => code))).toEqual(
      new Set(['NAME_FORBIDDEN', 'VERSION_INVALID', 'TASK_ID_NOT_UNIQUE', 'PACKAGE_UNKNOWN', 'INPUT_MISMATCH', 'EXPRESSION_INVALID', 'TASK_NEEDS_ITSELF', 'EXPRESSION_NOT_ALLOWED']),
    );
  });
});
