import fc from 'fast-check';
import { findDuplicateKey } from './json-keys.ts';

describe('findDuplicateKey', () => {
  it('finds none in what JSON.stringify wrote', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => findDuplicateKey(JSON.stringify(value, null, space)) === undefined));
  });

  it('finds the one that was put into any object, however it is written', () => {
    const escaped = (key: string): string => `"${[...key].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
    const key = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(key, fc.jsonValue(), fc.boolean(), fc.nat(3), (name, value, isEscaped, depth) => {
        const object = `{${JSON.stringify(name)}:${JSON.stringify(value)} , ${isEscaped ? escaped(name) : JSON.stringify(name)} : 1}`;
        const text = '{"a":['.repeat(depth) + object + ']}'.repeat(depth);
        expect(findDuplicateKey(text)?.key).toBe(name);
      }),
    );
  });

  it('takes neither values nor keys of other objects for keys', () => {
    expect(findDuplicateKey('{"a":"a","b":["a","a"],"c":{"a":1},"d":[{"a":1},{"a":1}]}')).toBeUndefined();
    expect(findDuplicateKey(String.raw`{"a\":1,"a\\":2,"a\"":3}`)).toBeUndefined();
  });
});
