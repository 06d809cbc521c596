import { JSON_CONTAINERS_MAX, JSON_MEMBERS_MAX, YAML_PARTS_MAX, isJsonTooComplex, isYamlTooComplex } from './body-budget.ts';

const times = (count: number, part: (i: number) => string): string => Array.from({ length: count }, (_, i) => part(i)).join(',');
const members = (count: number): string => `{${times(count, (i) => `"${i.toString(36)}":1`)}}`;

describe('the budget of a JSON body', () => {
  it.each([
    ['members of one object', members, JSON_MEMBERS_MAX],
    ['members of many objects', (count: number) => `[${times(count, () => '{"a":1}')}]`, JSON_MEMBERS_MAX],
    ['arrays', (count: number) => `[${times(count - 1, () => '[]')}]`, JSON_CONTAINERS_MAX],
    ['objects', (count: number) => `[${times(count - 1, () => '{}')}]`, JSON_CONTAINERS_MAX],
  ])('bounds the number of %s', (_name, textOf, most) => {
    expect([isJsonTooComplex(textOf(most)), isJsonTooComplex(textOf(most + 1))]).toEqual([false, true]);
  });

  it('does not count what stands in strings, whatever is escaped there', () => {
    const text = ':[{'.repeat(100_000);

    for (const value of [text, `${text}\\`, `\\"${text}`, `${text}"`]) expect(isJsonTooComplex(JSON.stringify([value, value]))).toBe(false);
  });

  it('leaves values of a flat list alone: they cost no more than their bytes', () => {
    expect(isJsonTooComplex(`[${times(500_000, () => '1')}]`)).toBe(false);
  });

  it('reads a text without end to its end', () => {
    expect([isJsonTooComplex('"'), isJsonTooComplex('"\\'), isJsonTooComplex('')]).toEqual([false, false, false]);
  });
});

describe('the budget of a YAML body', () => {
  it.each([
    ['lines', '\n'],
    ['old lines', '\r'],
    ['separators', ','],
    ['lists', '['],
    ['maps', '{'],
  ])('bounds the number of %s', (_name, part) => {
    expect([isYamlTooComplex(part.repeat(YAML_PARTS_MAX)), isYamlTooComplex(part.repeat(YAML_PARTS_MAX + 1))]).toEqual([false, true]);
  });

  it('has room for 1,000 tasks of 16 lines', () => {
    expect(isYamlTooComplex('  key: value\n'.repeat(16_000))).toBe(false);
  });
});
