import { Cursors, NONE, START, comparePlaces, headOf, versionOf } from './commit-place.ts';

const cursors = new Cursors('2026-11-22T22:27:25.189190664Z');

describe('a cursor', () => {
  it('comes back as the place that it was made of', () => {
    for (const place of [
      { seq: 1, remaining: 0 },
      { seq: 123_456, remaining: 255 },
    ])
      expect(cursors.parse(cursors.at(place))).toEqual(place);
    expect(cursors.parse(null)).toEqual(START);
  });
  it.each([
    '',
    'x',
    '1.0',
    `${cursors.at({ seq: 1, remaining: 0 })}x`,
    cursors.at({ seq: 1, remaining: 0 }).slice(1),
    cursors.at({ seq: 1, remaining: 0 }).replace('.1.', '.01.'),
  ])('is not %j', (text) => expect(() => cursors.parse(text)).toThrow(/CURSOR_INVALID/));
  it('of another life of the stream is refused', () => {
    const other = new Cursors('2026-11-22T22:27:25.189190665Z');
    expect(() => cursors.parse(other.at({ seq: 1, remaining: 0 }))).toThrow(/CURSOR_INVALID/);
  });
});

it('places are in append order: by commit, and in it those with more after them first', () => {
  const places = [START, { seq: 1, remaining: 2 }, { seq: 1, remaining: 1 }, { seq: 1, remaining: 0 }, { seq: 2, remaining: 9 }];
  expect([...places].reverse().sort(comparePlaces)).toEqual(places);
});

describe('a version', () => {
  it('comes back as where the stream stands', () => {
    expect(headOf(versionOf({ seq: 12, revision: 7 }))).toEqual({ seq: 12, revision: 7 });
    expect(headOf('none')).toEqual(NONE);
  });
  it.each(['12', '12:8', ':7', '12:', 'x:7', '0:7', '12:7:1'])('with the token %j is none of this store', (token) => {
    expect(headOf({ revision: 7n, token })).toBeUndefined();
  });
});
