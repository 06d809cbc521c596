import { parseInput } from './parse-input.ts';

describe('an input on the command line', () => {
  it.each([
    ['who=Ada', ['who', 'Ada']],
    ['who=', ['who', '']],
    ['sum=a=b', ['sum', 'a=b']],
    ['count=3', ['count', '3']],
    ['url=http://x:1', ['url', 'http://x:1']],
    ['count:=3', ['count', 3]],
    ['list:=[1, "a"]', ['list', [1, 'a']]],
    ['lines=a\nb', ['lines', 'a\nb']],
  ])('%s', (text, expected) => expect(parseInput(text)).toEqual(expected));

  it.each(['who', '=Ada', ':=1', ''])('refuses %p and says what is expected', (text) =>
    expect(parseInput(text)).toContain('expected name=text'),
  );

  it('refuses what is not JSON and shows the way to text', () => expect(parseInput('who:=Ada')).toContain('write who=…'));
});
