import type { Json } from '@maestro/domain';
import { checkOf } from './schema-check.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', pattern: '^[a-z]+$', 'x-public': true },
    count: { type: 'integer', minimum: 1 },
    at: { type: 'string', format: 'date' },
    kind: { enum: ['a', 'b'] },
    list: {
      type: 'array',
      maxItems: 2,
      items: { type: 'object', additionalProperties: false, properties: { n: { type: 'integer' } } },
    },
    'a/b~c': { type: 'integer' },
  },
} as const;
const check = checkOf(schema);
const pointers = (value: Json, partial: boolean): string[] => check(value, { partial }).map(({ pointer }) => pointer);

describe('a full check', () => {
  it('is empty for what fits', () => {
    expect(check({ name: 'x', count: 1, at: '2026-01-05', kind: 'a', list: [{ n: 1 }] })).toEqual([]);
  });

  it('tells every fault with its pointer, and never a value', () => {
    const problems = check({
      name: 'SECRET',
      count: 'SECRET',
      at: 'SECRET',
      kind: 'SECRET',
      list: [{ n: 'SECRET' }],
      'a/b~c': 'SECRET',
      more: 1,
    });
    expect(problems.map(({ pointer }) => pointer).sort()).toEqual([
      '',
      '/at',
      '/a~1b~0c',
      '/count',
      '/kind',
      '/list/0/n',
      '/name',
    ]);
    expect(problems).toContainEqual({ pointer: '', message: 'must not have the property "more"' });
    expect(JSON.stringify(problems)).not.toContain('SECRET');
  });

  it('takes an expression for the text that it is', () => {
    expect(check({ name: 'x', count: '${{ inputs.n }}' })).toEqual([{ pointer: '/count', message: 'must be integer' }]);
  });

  it('stops at 100 problems', () => {
    expect(checkOf({ type: 'array', items: { type: 'null' } })(Array(500).fill(1))).toHaveLength(100);
  });
});

describe('a partial check', () => {
  it('lets expressions stand for anything, in whole or within a text', () => {
    const open = {
      name: 'x-${{ run.id }}',
      count: '${{ inputs.n }}',
      at: '${{ inputs.at }}',
      kind: '${{ inputs.k }}',
      list: '${{ inputs.l }}',
    };
    expect(check(open, { partial: true })).toEqual([]);
    expect(check({ name: 'x', list: [{ n: '${{ inputs.n }}' }] }, { partial: true })).toEqual([]);
  });

  it('tells a missing key: no expression brings one into a literal object', () => {
    expect(check({ count: '${{ inputs.n }}' }, { partial: true })).toEqual([
      { pointer: '', message: "must have required property 'name'" },
    ]);
  });

  it('does not ask for a key because of a value that is still open', () => {
    const conditional = checkOf({
      type: 'object',
      properties: { kind: { type: 'string' }, size: {} },
      if: { properties: { kind: { const: 'none' } } },
      else: { required: ['size'] },
    });
    expect(conditional({ kind: '${{ inputs.kind }}' }, { partial: true })).toEqual([]);
    expect(conditional({ kind: 'some' }, { partial: true })).not.toEqual([]);
  });

  it('still tells literals that cannot fit, beside expressions too', () => {
    expect(pointers({ count: 0, at: 'x', name: '${{ inputs.n }}', list: [{ n: 'y' }] }, true).sort()).toEqual([
      '/at',
      '/count',
      '/list/0/n',
    ]);
  });

  it('tells an unknown property whatever its value or its neighbours are', () => {
    expect(check({ name: 'x', more: '${{ inputs.n }}' }, { partial: true })).toEqual([
      { pointer: '', message: 'must not have the property "more"' },
    ]);
    expect(check({ name: '${{ inputs.n }}', more: 1 }, { partial: true })).toEqual([
      { pointer: '', message: 'must not have the property "more"' },
    ]);
  });

  it('leaves a choice open when one of its branches is', () => {
    const choice = checkOf({
      type: 'object',
      properties: { a: {}, b: {} },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    });
    expect(choice({ a: '${{ inputs.a }}' }, { partial: true })).toEqual([]);
    expect(choice({}, { partial: true })).toContainEqual(expect.objectContaining({ pointer: '' }));
    expect(choice({ a: 1, b: 1 }, { partial: true })).toMatchObject([{ pointer: '' }]);
    const typed = checkOf({ anyOf: [{ type: 'integer' }, { type: 'boolean' }] });
    expect(typed('${{ inputs.n }}', { partial: true })).toEqual([]);
    expect(typed('text', { partial: true })).not.toEqual([]);
  });
});
