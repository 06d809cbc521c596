import fc from 'fast-check';
import { findUnrepresentable } from '@maestro/receipt';
import { findPlainJsonFault } from './plain-json.ts';

/** Values as parsers make them, with what JSON text can say and canonical JSON cannot carry. */
const parsed = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1.5, 2 ** 53, -(2 ** 53) - 2, Infinity, 1e300, 'text', '\ud800', '😀'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b/~', '\udc00'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

describe('findPlainJsonFault', () => {
  it('accepts exactly what canonical JSON can carry', () => {
    fc.assert(fc.property(parsed, (value) => expect(findPlainJsonFault(value) === undefined).toBe(findUnrepresentable(value) === undefined)));
  });

  it.each(['__proto__', 'constructor', 'prototype'])('names where the key %s stands', (key) => {
    const value: unknown = JSON.parse(`{"a/b": [0, {"${key}": 1}]}`);

    expect(findPlainJsonFault(value)).toEqual(expect.objectContaining({ pointer: `/a~1b/1/${key}`, code: 'NAME_FORBIDDEN' }));
  });

  it('accepts a hundred levels and refuses one more', () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

    expect(findPlainJsonFault(nested(101))).toBeUndefined();
    expect(findPlainJsonFault(nested(102))).toEqual({ pointer: '/0'.repeat(101), code: 'INVALID_JSON_VALUE', reason: 'nested deeper than 100 levels' });
    expect(findPlainJsonFault(nested(100_000))?.code).toBe('INVALID_JSON_VALUE');
  });
});
