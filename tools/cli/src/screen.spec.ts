import { labelled, openScreen, painter, printable } from './screen.ts';

describe('the screen', () => {
  it('keeps results and notices apart, a line each', () => {
    const written = { out: '', err: '' };
    const screen = openScreen(
      { write: (text) => (written.out += text) },
      { write: (text) => (written.err += text) },
      { isOutColored: false, isNoteColored: true },
    );
    screen.out('result');
    screen.note(screen.paintNote('bad', 'notice'));
    expect(written).toEqual({ out: 'result\n', err: '\u001b[31mnotice\u001b[39m\n' });
  });

  it('paints nothing where colours are off', () => expect(painter(false)('good', 'x')).toBe('x'));

  it('lets no control character of others reach a terminal', () => {
    expect(printable('a\u001b[2Jb\rc\u0007\nd\u202e')).toBe('a�[2Jb�c�\nd�');
  });

  it('lines up labels and the further lines of a text', () => {
    expect(
      labelled(
        [
          ['a', 'one\ntwo'],
          ['long', 'x'],
        ],
        painter(false),
      ),
    ).toBe('  a     one\n        two\n  long  x');
  });
});
