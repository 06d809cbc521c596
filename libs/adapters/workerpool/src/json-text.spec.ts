import type { Json } from '@maestro/domain';
import { jsonText } from './json-text.ts';

describe('jsonText', () => {
  it.each([[null], [true], [0], ['x'], ['\ud800'], [[]], [{ a: [1, { b: 'ü' }], '': null, output: 1 }]])(
    'writes %j as JSON does',
    (value) => {
      expect(jsonText(value as Json)).toBe(JSON.stringify(value));
    },
  );

  it.each([
    [{ n: Number.NaN }, 'a number that is not finite under "n"'],
    [[1, -Infinity], 'a number that is not finite under "1"'],
    [{ at: new Date(0) }, 'a value of type Date under "at"'],
    [{ b: Buffer.from('x') }, 'a value of type Uint8Array under "b"'],
    [{ m: new Map([['secret', 1]]) }, 'a value of type Map under "m"'],
    [{ u: undefined }, 'a value of type undefined under "u"'],
    [{ f: () => 'secret' }, 'a value of type function under "f"'],
    [{ s: Symbol('secret') }, 'a value of type symbol under "s"'],
    [undefined, 'a value of type undefined under "output"'],
    [{ i: 1n }, 'a value of type bigint under "i"'],
  ])('refuses %p, naming the key', (value, message) => {
    expect(() => jsonText(value as unknown as Json)).toThrow(new TypeError(message));
  });

  it('refuses circles and bottomless nesting', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i += 1) deep = [deep];
    for (const value of [circle, deep]) expect(() => jsonText(value as Json)).toThrow('nested without end');
  });
});
