import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadMark } from './head-mark.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-mark-'));
  path = join(folder, 'events.db-mark');
});
afterEach(() => rmSync(folder, { recursive: true }));

const entry = (position: number): { position: number; count: number; hash: Uint8Array } => ({
  position,
  count: position,
  hash: new Uint8Array(32).fill(position),
});

function positionAfter(change: () => void): number {
  change();
  const mark = new HeadMark(path);
  mark.close();
  return mark.latest.position;
}

function spoil(offset: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Uint8Array.of((readFileSync(path)[offset] ?? 0) ^ 1), 0, 1, offset);
  closeSync(fd);
}

describe('HeadMark', () => {
  it('begins at the origin, readable by the user alone', () => {
    expect(positionAfter(() => {})).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
  it('remembers the latest entry', () => {
    const mark = new HeadMark(path);
    for (const p of [3, 4, 9]) mark.write(entry(p));
    mark.close();
    const again = new HeadMark(path);
    expect({ ...again.latest, hash: new Uint8Array(again.latest.hash) }).toEqual(entry(9));
    again.write(entry(10));
    again.close();
    expect(positionAfter(() => {})).toBe(10);
  });
  it('falls back by one entry, whichever byte of the latest slot was spoiled', () => {
    const mark = new HeadMark(path);
    for (const p of [1, 2, 3]) mark.write(entry(p));
    mark.close();
    for (const offset of [0, 4, 11, 12, 19, 27, 28, 59, 60, 91]) {
      expect(positionAfter(() => spoil(4096 + offset))).toBe(2);
      expect(positionAfter(() => spoil(4096 + offset))).toBe(3);
    }
  });
  it('refuses when neither slot can be read, and when the file was cut', () => {
    const mark = new HeadMark(path);
    mark.write(entry(1));
    mark.close();
    spoil(30);
    spoil(4096 + 30);
    expect(() => new HeadMark(path)).toThrow(/STORE_DAMAGED.*head mark/);
    writeFileSync(path, '');
    expect(() => new HeadMark(path)).toThrow(/STORE_DAMAGED.*0 bytes/);
  });
});
