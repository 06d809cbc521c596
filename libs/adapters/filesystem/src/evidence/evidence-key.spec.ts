import { fileNameOf, formatLocation, isEvidenceKey, parseLocation } from './evidence-key.ts';

describe('evidence locations', () => {
  it.each(['pack:000001:4096:812', 'pack:1234567:0:0', 'file:receipts/r1/bundle.json'])('reads %s as it writes it', (text) => {
    const location = parseLocation(text);
    expect(location && formatLocation(location)).toBe(text);
  });

  it.each([
    '',
    'pack:1:0:0',
    'pack:0000001:0:0',
    'pack:000001:00:1',
    'pack:000001:0',
    'file:',
    'file:../x',
    'file:a//b',
    's3:a',
    ' file:a',
  ])('knows no place called %j', (text) => {
    expect(parseLocation(text)).toBeUndefined();
  });

  it('gives every key a file name of its own', () => {
    const keys = ['a/b', 'a.b', 'a-b', 'a_b', 'a', 'b'];
    expect(new Set(keys.map(fileNameOf)).size).toBe(keys.length);
    expect(keys.every(isEvidenceKey)).toBe(true);
    expect(isEvidenceKey('a+b')).toBe(false);
  });
});
