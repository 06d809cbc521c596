import type { Json } from '../json.ts';
import { resolve, resolveKnown } from './resolve.ts';
import type { Scope } from './resolve.ts';

const inputs = JSON.parse('{"n":1,"none":null,"yes":true,"text":"Ada","list":[{"x":"first"},2],"deep":{"a":{"b":[]}},"__proto__":{"own":"data"},"0":"zero"}') as Json;
const scope: Scope = {
  inputs,
  outputs: new Map<string, Json>([
    ['a', { value: { x: 1.5 } }],
    ['nothing', null],
  ]),
  run: { id: 'run-1', attempt: 2, conductorUrl: null },
  workflow: { version: '1.2.3' },
};
const value = (text: Json) => {
  const resolved = resolve(text, scope, 10_000);
  return resolved.kind === 'resolved' ? resolved.value : resolved;
};

describe('one whole expression keeps the type of its value', () => {
  it.each<[string, Json]>([
    ['inputs.n', 1],
    ['inputs.none', null],
    ['inputs.yes', true],
    ['inputs.text', 'Ada'],
    ['inputs.list', [{ x: 'first' }, 2]],
    ['inputs.list.0.x', 'first'],
    ['inputs.list.1', 2],
    ['inputs.deep', { a: { b: [] } }],
    ['inputs.0', 'zero'],
    ['tasks.a.outputs', { value: { x: 1.5 } }],
    ['tasks.a.outputs.value.x', 1.5],
    ['tasks.nothing.outputs', null],
    ['tasks.a.status', 'succeeded'],
    ['run.id', 'run-1'],
    ['run.attempt', 2],
    ['workflow.version', '1.2.3'],
  ])('%s', (expression, expected) => {
    expect(value(`\${{ ${expression} }}`)).toEqual(expected);
  });
});

describe('within text', () => {
  it('a string is taken as it is, everything else as JSON', () => {
    expect(value('${{ inputs.text }}:${{ inputs.n }}:${{ inputs.none }}:${{ inputs.list }}')).toBe('Ada:1:null:[{"x":"first"},2]');
  });
  it('a value that looks like an expression is not resolved again', () => {
    expect(resolve('${{ inputs.x }}!', { ...scope, inputs: { x: '${{ run.id }}' } }, 100)).toEqual({ kind: 'resolved', value: '${{ run.id }}!' });
  });
});

describe('a value', () => {
  it('is resolved in depth; what is no text stays', () => {
    expect(value({ a: [{ b: '${{ inputs.n }}' }, 1, null, true], c: 'plain' })).toEqual({ a: [{ b: 1 }, 1, null, true], c: 'plain' });
  });
  it('a key __proto__ stays data, in the value and in what is referred to', () => {
    const resolved = value(JSON.parse('{"__proto__":{"x":"${{ inputs.n }}"}}') as Json) as object;
    expect(Object.getPrototypeOf(resolved)).toBe(Object.prototype);
    expect(JSON.stringify(resolved)).toBe('{"__proto__":{"x":1}}');
    expect(value('${{ inputs.__proto__.own }}')).toBe('data');
    expect(value('${{ inputs.deep.__proto__ }}')).toMatchObject({ kind: 'unresolved' });
  });
});

describe('a missing value', () => {
  it.each(['inputs.ghost', 'inputs.n.x', 'inputs.none.x', 'inputs.text.length', 'inputs.list.2', 'inputs.list.length', 'inputs.list.x', 'inputs.deep.constructor', 'tasks.b.outputs', 'tasks.a.outputs.y', 'run.conductorUrl'])(
    '%s is named, with the place that refers to it',
    (expression) => {
      expect(value({ 'a/b': ['', `\${{ ${expression} }}`] })).toEqual({ kind: 'unresolved', expression, pointer: '/a~1b/1' });
    },
  );
  it('is never empty text', () => {
    expect(value('hello ${{ inputs.ghost }}')).toEqual({ kind: 'unresolved', expression: 'inputs.ghost', pointer: '' });
  });
  it('the first one is named', () => {
    expect(value(['${{ inputs.one }}', '${{ inputs.two }}'])).toMatchObject({ expression: 'inputs.one', pointer: '/0' });
  });
  it('a text that is no expression counts as one that cannot be resolved', () => {
    expect(value('${{ nope }}')).toEqual({ kind: 'unresolved', expression: 'nope', pointer: '' });
  });
});

describe('what is known so far', () => {
  it('is put in; the rest stays as it was written', () => {
    const written = { known: '${{ inputs.n }}', late: '${{ tasks.b.outputs.x }}', both: '${{ run.id }} ${{ tasks.b.outputs.x }}', bad: '${{ nope }}' };
    expect(resolveKnown(written, scope, { charactersLeft: 10_000 })).toEqual({ ...written, known: 1 });
  });
});

describe('what expressions put in', () => {
  const large: Scope = { ...scope, inputs: { text: 'x'.repeat(98), list: Array.from({ length: 33 }, () => 'y'.repeat(0)), deep: { key: { a: [true, null, 1.5] } } } };
  const kindOf = (written: Json, charactersMax: number): string => resolve(written, large, charactersMax).kind;

  it.each<[string, string, number]>([
    ['a text', '${{ inputs.text }}', 100],
    ['a text inside another', '<${{ inputs.text }}>', 100],
    ['a list', '${{ inputs.list }}', 99],
    ['what is deep', '${{ inputs.deep }}', 7 + 5 + 3 + 4 + 4 + 3],
  ])('is counted: %s', (_, written, count) => {
    expect([count, count - 1, 5].map((max) => kindOf(written, max))).toEqual(['resolved', 'too-large', 'too-large']);
  });

  it('is bounded together, so that a short text cannot name a large value a thousand times', () => {
    const written = '${{ inputs.text }}'.repeat(1_000);
    expect([kindOf(written, 100_000), kindOf(written, 99_999), kindOf([written, written], 199_999)]).toEqual(['resolved', 'too-large', 'too-large']);
  });

  it('stays as it was written once the bound is passed, for policy and dry-run', () => {
    const budget = { charactersLeft: 150 };
    const written = ['${{ inputs.text }}', '${{ inputs.text }}', '${{ inputs.text }}', 'a ${{ inputs.text }}'];
    expect(resolveKnown(written, large, budget)).toEqual(['x'.repeat(98), 'x'.repeat(98), written[2], written[3]]);
    expect(budget.charactersLeft).toBeLessThan(0);
  });
});
