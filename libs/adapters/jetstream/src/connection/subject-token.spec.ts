import { idOfToken, subjectToken } from './subject-token.ts';

describe('subjectToken', () => {
  it.each(['execution', 'a-b_c', '0199-7f', 'Abc', 'https'])('leaves %s as it is', (id) => expect(subjectToken(id)).toBe(id));
  it.each([
    ['*', 'Z2a'],
    ['a.b', 'aZ2eb'],
    ['>', 'Z3e'],
    ['a b', 'aZ20b'],
    ['Z', 'Z5a'],
    ['ü', 'Zc3Zbc'],
    ['', 'Z'],
  ])('writes %j as %s', (id, token) => expect(subjectToken(id)).toBe(token));
  it('gives every id back, and different ids different tokens', () => {
    const ids = Array.from({ length: 512 }, (_, i) => `${String.fromCodePoint(i)}x${String.fromCodePoint((i * 7919) % 0xd000)}`);
    const tokens = ids.map(subjectToken);
    expect(tokens.map(idOfToken)).toEqual(ids);
    expect(new Set(tokens).size).toBe(new Set(ids).size);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
  });
  it.each(['a.b', 'Z2', 'ZZ', 'Z61', 'Zff', '*'])('answers undefined for %s, which it never makes', (token) => {
    expect(idOfToken(token)).toBeUndefined();
  });
});
