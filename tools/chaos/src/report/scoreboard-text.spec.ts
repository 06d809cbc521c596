import { markdownTable, plainTable, withSection } from './scoreboard-text.ts';

const sections = [
  { harness: 'kill', seed: '7', seconds: 3, rows: [{ fault: 'kill -9', count: 1_200, lost: 0, doubled: 0, undetected: null, stallMs: 1_234.5 }] },
  { harness: 'tamper', seed: '', seconds: 1, rows: [{ fault: 'byte changed', count: 7, lost: null, doubled: null, undetected: 0, stallMs: null }] },
];

describe('a scoreboard as text', () => {
  it('stands in columns on a terminal', () => {
    expect(plainTable(sections).split('\n')).toEqual([
      'fault         count  lost  doubled  undetected  longest stall',
      'kill -9       1,200     0        0           –       1,235 ms',
      'byte changed      7     –        –           0              –',
    ]);
  });

  it('is a table in a document, with the harness of each row', () => {
    expect(markdownTable(sections).split('\n').slice(2)).toEqual(['| kill | kill -9 | 1,200 | 0 | 0 | – | 1,235 ms |', '| tamper | byte changed | 7 | – | – | 0 | – |']);
  });

  it('replaces the one before between its marks, and nothing else', () => {
    expect(withSection('a\n<!-- scoreboard -->\nold\n<!-- /scoreboard -->\nb', 'scoreboard', 'new')).toBe('a\n<!-- scoreboard -->\nnew\n<!-- /scoreboard -->\nb');
    expect(() => withSection('a', 'scoreboard', 'new')).toThrow('the document has no <!-- scoreboard -->');
  });
});
