import { FakeTerminal } from '../../fixtures/fake-terminal.ts';
import { painter } from '../screen.ts';
import { LiveRegion } from './live-region.ts';

describe('a region of a terminal', () => {
  it('is redrawn in place, grows and shrinks', () => {
    const terminal = new FakeTerminal(40, 10);
    terminal.write('before\n');
    const region = new LiveRegion(terminal);
    region.draw(['one', 'two']);
    region.draw(['one', 'deux', 'three']);
    expect(terminal.shown()).toEqual(['before', 'one', 'deux', 'three']);
    region.draw(['1']);
    expect(terminal.shown()).toEqual(['before', '1']);
  });

  it('changes with one write each, and with none where nothing changes', () => {
    const terminal = new FakeTerminal(40, 10);
    const region = new LiveRegion(terminal);
    region.draw(['one']);
    region.draw(['one']);
    region.draw(['two']);
    expect(terminal.writes).toHaveLength(2);
    // nothing is erased before it is overwritten
    expect(terminal.writes[1]).toBe('\r\x1b[1Atwo\x1b[K\n\x1b[J');
  });

  it('lets what is noted meanwhile stay above', () => {
    const terminal = new FakeTerminal(40, 10);
    const region = new LiveRegion(terminal);
    region.draw(['a', 'b']);
    region.above('noted\ntwice');
    region.draw(['a', 'c']);
    expect(terminal.shown()).toEqual(['noted', 'twice', 'a', 'c']);
  });

  it('leaves its last lines, and what follows comes below', () => {
    const terminal = new FakeTerminal(40, 10);
    const region = new LiveRegion(terminal);
    region.draw(['a', 'b']);
    region.end(['final', 'lines', 'more']);
    terminal.write('after\n');
    expect(terminal.shown()).toEqual(['final', 'lines', 'more', 'after']);
  });

  it('takes back what a narrower terminal has wrapped, colours not counted', () => {
    const paint = painter(true);
    for (const colored of [true, false]) {
      const terminal = new FakeTerminal(40, 10);
      terminal.write('before\n');
      const region = new LiveRegion(terminal);
      const text = 'x'.repeat(30);
      region.draw([colored ? paint('good', text) : text, 'short']);
      terminal.resize(12);
      region.draw(['y'.repeat(11), 'short']);
      expect(terminal.shown()).toEqual(['before', 'y'.repeat(11), 'short']);
    }
  });
});
