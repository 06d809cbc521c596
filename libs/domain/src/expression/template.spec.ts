import fc from 'fast-check';
import { findReferences } from './references.ts';
import { parseTemplate } from './template.ts';

const reference = (text: string) => {
  const template = parseTemplate(`\${{ ${text} }}`);
  return template.kind === 'whole' ? template.expression.reference : template.kind;
};

describe('a template', () => {
  it.each(['', 'plain', '$', '{{ x }}', '$ {{ x }}', '}}'])('%p has no expression', (text) => {
    expect(parseTemplate(text)).toEqual({ kind: 'literal' });
  });
  it.each(['${{inputs.a}}', '${{ inputs.a }}', '${{\n inputs.a\t}}'])('%p is one whole expression', (text) => {
    expect(parseTemplate(text)).toEqual({ kind: 'whole', expression: { text: 'inputs.a', reference: { root: 'inputs', path: ['a'] } } });
  });
  it('text around an expression, or a second one, makes it a mixture, in order', () => {
    const run = (field: string) => ({ text: `run.${field}`, reference: { root: 'run', field } });
    expect(parseTemplate('a ${{ run.id }}${{ run.attempt }} b')).toEqual({ kind: 'mixed', parts: ['a ', run('id'), run('attempt'), ' b'] });
    expect(parseTemplate(' ${{ run.id }}')).toEqual({ kind: 'mixed', parts: [' ', run('id')] });
    expect(parseTemplate('${{ run.id }} ')).toEqual({ kind: 'mixed', parts: [run('id'), ' '] });
  });
  it('one that is not closed is named from where it opens', () => {
    expect(parseTemplate('a ${{ run.id }} ${{ inputs.x }')).toEqual({ kind: 'invalid', text: '${{ inputs.x }', reason: 'the expression is not closed by }}' });
  });
  it('any text splits into parts that give it back', () => {
    const piece = fc.constantFrom('a', '${{ run.id }}', '}}', '$', '{', ' ');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const template = parseTemplate(pieces.join(''));
        if (template.kind !== 'mixed') return;
        expect(template.parts.map((part) => (typeof part === 'string' ? part : '${{ run.id }}')).join('')).toBe(pieces.join(''));
      }),
    );
  });
});

describe('a reference', () => {
  it.each([
    ['inputs.a.0.b-c_d', { root: 'inputs', path: ['a', '0', 'b-c_d'] }],
    ['tasks.a-1.outputs', { root: 'output', taskId: 'a-1', path: [] }],
    ['tasks.a.outputs.x.y', { root: 'output', taskId: 'a', path: ['x', 'y'] }],
    ['tasks.a.status', { root: 'status', taskId: 'a' }],
    ['run.id', { root: 'run', field: 'id' }],
    ['run.attempt', { root: 'run', field: 'attempt' }],
    ['run.conductorUrl', { root: 'run', field: 'conductorUrl' }],
    ['workflow.version', { root: 'workflow', field: 'version' }],
  ])('%s', (text, expected) => {
    expect(reference(text)).toEqual(expected);
  });
  it.each([
    '',
    'inputs',
    'inputs.',
    'inputs..a',
    'inputs.a b',
    'inputs[0]',
    'tasks',
    'tasks.a',
    'tasks.a.status.x',
    'tasks.a.input',
    'run',
    'run.secret',
    'run.id.x',
    'workflow',
    'workflow.name',
    'workflow.version.x',
    'env.HOME',
    'constructor.constructor',
    'a()',
    '1+1',
  ])('%p is none, and nothing of it is evaluated', (text) => {
    expect(reference(text)).toBe('invalid');
  });
});

describe('references of a value', () => {
  it('are found in document order with RFC 6901 pointers; keys are never expressions', () => {
    const found = findReferences({ 'a/b': ['x', '${{ run.id }} and ${{ inputs.y }}'], '${{ run.id }}': null, n: 1, bad: '${{ nope }}' }, '/with');
    expect(found.map((one) => [one.kind, one.pointer, one.text])).toEqual([
      ['reference', '/with/a~1b/1', 'run.id'],
      ['reference', '/with/a~1b/1', 'inputs.y'],
      ['invalid', '/with/bad', 'nope'],
    ]);
  });
  it('a whole expression has the pointer of its text', () => {
    expect(findReferences('${{ run.id }}')).toEqual([{ kind: 'reference', pointer: '', text: 'run.id', reference: { root: 'run', field: 'id' } }]);
  });
});
