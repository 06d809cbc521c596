import canonicalize from 'canonicalize';
import type { Json } from '@maestro/domain';
import fc from 'fast-check';
import { canonicalBytes, canonicalText, findUnrepresentable } from './canonical.ts';

describe('canonical JSON', () => {
  it('orders keys by UTF-16 code unit and drops white space', () => {
    expect(canonicalText({ b: 1, a: [true, null, 'é'], '\u20ac': 2 })).toBe('{"a":[true,null,"é"],"b":1,"€":2}');
  });
  it('writes numbers as RFC 8785 says', () => {
    expect(canonicalText([1e21, 1e-7, 0.1, -0, 100])).toBe('[1e+21,1e-7,0.1,0,100]');
  });
  it('encodes as UTF-8', () => {
    expect([...canonicalBytes('é')]).toEqual([0x22, 0xc3, 0xa9, 0x22]);
  });
  it('orders keys that look like indexes as text, at every depth', () => {
    expect(canonicalText([{ '10': 1, '9': 2, a: { b: 1, '2': 2, '1': 3 } }])).toBe('[{"10":1,"9":2,"a":{"1":3,"2":2,"b":1}}]');
    expect(canonicalText({ '9': 1, '10': 2 })).toBe('{"10":2,"9":1}');
  });
  it('keeps keys that name what objects inherit, and follows `toJSON`', () => {
    expect(canonicalText(JSON.parse('{"z":1,"__proto__":{"b":1,"a":2},"constructor":3}') as Json)).toBe('{"__proto__":{"a":2,"b":1},"constructor":3,"z":1}');
    expect(canonicalText({ z: new Date(0), a: 1 } as unknown as Json)).toBe('{"a":1,"z":"1970-01-01T00:00:00.000Z"}');
    expect(canonicalText({ b: { toJSON: () => 'said so' } } as unknown as Json)).toBe('{"b":"said so"}');
  });
  it('does not change what it was given', () => {
    const value = { b: [{ d: 1, c: 2 }], a: 3 };
    canonicalText(value);
    expect(JSON.stringify(value)).toBe('{"b":[{"d":1,"c":2}],"a":3}');
  });
  it('carries depth without using the stack', () => {
    let deep: Json = { b: 1, a: 2 };
    for (let i = 0; i < 5_000; i += 1) deep = [deep];
    expect(canonicalText(deep)).toBe(`${'['.repeat(5_000)}{"a":2,"b":1}${']'.repeat(5_000)}`);
  });
  it('writes any JSON as the library does', () => {
    const seed = 20_260_105;
    const key = fc.oneof(fc.string(), fc.nat(30).map(String), fc.constantFrom('__proto__', 'toJSON', '-1', '01', 'é', '\u{1f600}', '\uffff'));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 6 })),
    }));
    fc.assert(fc.property(value, (any) => canonicalText(any as Json) === canonicalize(any)), { seed, numRuns: 2_000 });
  });
  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['\ud800'], [{ '\udc00': 1 }], [[{ a: Number.NaN, '0': 1 }]]])('throws for %p', (value) => {
    expect(() => canonicalText(value as Json)).toThrow('not allowed');
    expect(() => canonicalText([{ b: 1, a: value }] as Json)).toThrow('not allowed');
  });
  it('throws for what is no value at all', () => {
    expect(() => canonicalText(undefined as never)).toThrow('not a JSON value');
  });
});

describe('findUnrepresentable', () => {
  it.each([
    [{ a: [1, 2 ** 53] }, '/a/1', 'integer of 2^53'],
    [{ a: -(2 ** 53) }, '/a', 'integer of 2^53'],
    [{ 'x/y': Number.NaN }, '/x~1y', 'not finite'],
    [['\ud800'], '/0', 'lone surrogate'],
    [{ a: { '\udc00': 1 } }, '/a', 'key with a lone surrogate'],
    [{ a: undefined }, '/a', 'undefined'],
    [{ a: new Date(0) }, '/a', 'not plain JSON'],
    [10n, '', 'bigint'],
  ])('refuses %p', (value, pointer, reason) => {
    const found = findUnrepresentable(value);
    expect(found?.pointer).toBe(pointer);
    expect(found?.reason).toContain(reason);
  });
  it('accepts what JSON carries exactly', () => {
    expect(findUnrepresentable({ a: [null, true, 'x', 1.5, 2 ** 53 - 1, {}], __proto__: null })).toBeUndefined();
  });
  it('refuses depth without using the stack', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(findUnrepresentable(deep)?.reason).toContain('nested deeper');
  });
});
