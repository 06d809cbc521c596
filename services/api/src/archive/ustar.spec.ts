import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { readTar, writeTar } from './ustar.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const FILES = new Map([
  ['run/events.jsonl', bytes('{"a":1}\n'.repeat(100))],
  ['run/README', bytes('x'.repeat(512))],
  ['run/empty', bytes('')],
]);
const AT = Date.parse('2026-01-05T10:00:00.000Z');

function changed(archive: Buffer, at: number, text: string): Buffer {
  const copy = Buffer.from(archive);
  copy.write(text, at, 'latin1');
  return copy;
}

describe('a tar archive', () => {
  it('comes back as it was written, by the last part of the names', () => {
    expect(readTar(writeTar(FILES, AT))).toEqual(new Map([...FILES].map(([name, content]) => [name.slice('run/'.length), Buffer.from(content)])));
  });

  it('is the same for the same files and time', () => {
    expect(writeTar(FILES, AT).equals(writeTar(new Map(FILES), AT + 999))).toBe(true);
  });

  it('is read by the tar of the system', () => {
    const listed = execFileSync('tar', ['-tvf', '-'], { input: writeTar(FILES, AT), encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC' } });

    expect(listed.trim().split('\n').map((line) => line.split(/\s+/).filter((_, i) => i === 0 || i === 2 || i === 5).join(' '))).toEqual([
      '-rw-r--r-- 800 run/events.jsonl',
      '-rw-r--r-- 512 run/README',
      '-rw-r--r-- 0 run/empty',
    ]);
  });

  it('that the system made is read', () => {
    const made = execFileSync('tar', ['-cf', '-', '-C', new URL('.', import.meta.url).pathname, './ustar.ts']);
    const read = readTar(made);

    expect(typeof read === 'string' ? read : [...read.keys()]).toEqual(['ustar.ts']);
  });

  const archive = writeTar(FILES, AT);
  it.each([
    ['nothing', new Uint8Array(), 'the archive has no end'],
    ['text', Buffer.from('x'.repeat(600)), 'no tar header at byte 0'],
    ['a header with another checksum', changed(archive, 0, 'R'), 'no tar header at byte 0'],
    ['a cut entry', archive.subarray(0, 700), 'the entry at byte 0 is cut off'],
    ['no end', archive.subarray(0, archive.length - 1_024), 'the archive has no end'],
    ['two files of one name', writeTar(new Map([['a/x', bytes('1')], ['b/x', bytes('2')]]), AT), 'two entries are called x'],
    ['too many entries', writeTar(new Map(Array.from({ length: 65 }, (_, i) => [`f${i}`, bytes('')])), AT), 'more than 64 entries'],
  ])('with %s is refused in words', (_name, given, what) => {
    expect(readTar(given)).toBe(what);
  });

  it('of any bytes never throws', () => {
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.uint8Array({ minLength: 1, maxLength: 20 }), (at, noise) => {
        const damaged = Buffer.from(archive);
        damaged.set(noise.subarray(0, archive.length - at), at);
        expect(['string', 'object']).toContain(typeof readTar(damaged));
      }),
    );
  });

  it('takes no name that a header cannot hold', () => {
    expect(() => writeTar(new Map([['a b', bytes('')]]), AT)).toThrow('cannot be the name');
  });
});
