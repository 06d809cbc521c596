import { painter } from '../screen.ts';
import { fitLine } from './fit-line.ts';

const bare = painter(false);

describe('a line that has to fit', () => {
  it.each([
    [10, 'ab cdef'],
    [7, 'ab cdef'],
    [6, 'ab cd…'],
    [3, 'ab…'],
    [2, 'a…'],
    [1, '…'],
    [0, '…'],
  ])('of %i characters is cut with an ellipsis', (width, expected) => {
    expect(fitLine([{ text: 'ab ' }, { text: 'cdef', tone: 'bad' }], width, bare)).toBe(expected);
  });

  it('is cut before it is painted', () => {
    expect(fitLine([{ text: 'ab ' }, { text: 'cdef', tone: 'bad' }], 5, painter(true))).toBe('ab \x1b[31mc…\x1b[39m');
    expect(fitLine([{ text: '', tone: 'bad' }, { text: 'a' }], 5, painter(true))).toBe('a');
  });
});
