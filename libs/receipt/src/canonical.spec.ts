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
