import type { Json } from '@maestro/domain';
import { canonicalBytes, canonicalText, findUnrepresentable } from '@maestro/receipt';
import fc from 'fast-check';
import { CanonicalScan } from './canonical-scan.ts';
import type { Wanted } from './canonical-scan.ts';

const seed = 20_260_106;

function scanned(text: string | Uint8Array, slice = Number.MAX_SAFE_INTEGER, wanted?: Wanted, throughLists = true): CanonicalScan {
  const scan = new CanonicalScan(typeof text === 'string' ? Buffer.from(text) : text, wanted, throughLists);
  for (let rounds = 0; !scan.advance(slice); rounds += 1) if (rounds > 1_000_000) throw new Error('it never ends');
  return scan;
}

const reasonOf = (text: string): string | undefined => scanned(text).problem?.reason;

describe('a scan of canonical JSON', () => {
  it('accepts what canonical JSON writes of any value, in slices of any size', () => {
    const key = fc.oneof(fc.string(), fc.nat(30).map(String), fc.constantFrom('__proto__', 'é', '\u{1f600}', '\uffff', '\u0001', '"', '\\', '\n'));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.string({ unit: 'binary' }), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 6 })),
    }));
    const representable = value.filter((any) => findUnrepresentable(any) === undefined);
    fc.assert(fc.property(representable, fc.integer({ min: 1, max: 9 }), (any, slice) => scanned(canonicalBytes(any as Json), slice).problem === undefined), { seed, numRuns: 1_000 });
  });

  it('accepts no other text: what it accepts is written again byte for byte', () => {
    const source = canonicalText({ a: [1, -1.5e-7, true, null, 'x\n\u0001"é'], b: { '10': {}, '9': [] } });
    const inserted = fc.constantFrom(...' \t\n{}[],:"\\019.-+eEtrufalsn/xé', '\u0000', '\u007f');
    const mutations = fc.array(fc.record({ at: fc.nat(source.length), drop: fc.nat(2), text: fc.oneof(fc.constant(''), inserted) }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(mutations, (edits) => {
        const text = edits.reduce((all, { at, drop, text: put }) => all.slice(0, at) + put + all.slice(at + drop), source);
        let again: string | undefined;
        try {
          const value = JSON.parse(text) as Json;
          again = findUnrepresentable(value) === undefined ? canonicalText(value) : undefined;
        } catch {
          again = undefined;
        }
        return (scanned(text).problem === undefined) === (again === text);
      }),
      { seed, numRuns: 5_000 },
    );
  });

  it.each([
    ['nothing', ''], ['white space', '{ }'], ['a trailing comma', '[1,]'], ['a leading comma', '[,1]'], ['two values', '1 2'], ['rest behind the value', '{}x'],
    ['no end', '{"a":1'], ['no end of a string', '"abc'], ['no value', '{"a":}'], ['no colon', '{"a"1}'], ['no key', '{1:1}'], ['no key after a comma', '{"a":1,}'],
    ['keys out of order', '{"b":1,"a":2}'], ['a key twice', '{"a":1,"a":2}'], ['keys by number', '{"9":1,"10":2}'], ['another bracket', '[1}'], ['a bare word', 'nope'],
    ['a number with a plus', '+1'], ['a leading zero', '01'], ['minus zero', '-0'], ['a fraction of zero', '1.0'], ['an exponent that is none', '1e2'], ['a long number', '0.00000000000000000000000000000000000000001'],
    ['hexadecimal', '0x10'], ['infinity', 'Infinity'], ['no number', 'NaN'], ['an escaped letter', '"\\u0061"'], ['an escape in upper case', '"\\u001F"'], ['a long escape for a short one', '"\\u000a"'],
    ['an escaped slash', '"\\/"'], ['a control character', '"\u0001"'], ['an escape that is cut', '"\\'],
  ])('refuses %s', (_, text) => {
    expect(reasonOf(text)).toContain('not canonical');
  });

  it('names what canonical JSON cannot carry, and where', () => {
    expect(scanned('{"a":[1,9007199254740992]}').problem).toEqual({ pointer: '/a/1', reason: 'an integer of 2^53 or more' });
    expect(scanned('{"x/y":"\\ud800"}').problem).toEqual({ pointer: '/x~1y', reason: 'a string with a lone surrogate' });
    expect(reasonOf(`${'['.repeat(101)}1${']'.repeat(101)}`)).toBe('nested deeper than 100 levels');
    expect(reasonOf(`${'['.repeat(100)}1${']'.repeat(100)}`)).toBeUndefined();
    expect(reasonOf('['.repeat(100_000))).toBe('nested deeper than 100 levels');
  });

  it('finds parts on the way, through lists only where it is told', () => {
    const wanted: Wanted = { name: undefined, below: new Map([['a', { name: 'whole', below: new Map([['1', { name: 'second', below: new Map() }]]) }], ['t', { name: 'text', below: new Map() }], ['z', { name: 'none', below: new Map() }]]) };
    const text = '{"a":[1,{"b":2}],"t":"x\\"y"}';
    const parts = (throughLists: boolean): object => Object.fromEntries([...scanned(text, 3, wanted, throughLists).found].map(([name, { start, end }]) => [name, text.slice(start, end)]));
    expect(parts(true)).toEqual({ whole: '[1,{"b":2}]', second: '{"b":2}', text: '"x\\"y"' });
    expect(parts(false)).toEqual({ whole: '[1,{"b":2}]', text: '"x\\"y"' });
    expect(scanned('{"a":{"1":true}}', 1, wanted, false).found.get('second')).toEqual({ start: 10, end: 14 });
    expect(scanned('7', 1, { name: 'root', below: new Map() }).found.get('root')).toEqual({ start: 0, end: 1 });
  });
});
