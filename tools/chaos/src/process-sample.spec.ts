import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderBytes, sampleProcess } from './process-sample.ts';

describe('what /proc says', () => {
  const dir = mkdtempSync(join(tmpdir(), 'maestro-sample-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('counts an open file of a process, and its memory', () => {
    const before = sampleProcess(process.pid);
    const fds = Array.from({ length: 20 }, (_, i) => openSync(join(dir, `f${i}`), 'w'));
    const after = sampleProcess(process.pid);
    for (const fd of fds) closeSync(fd);
    expect(after.files - before.files).toBeGreaterThan(10);
    expect(after.anonymousBytes).toBeGreaterThan(1_000_000);
    expect(after.rssBytes).toBeGreaterThan(after.anonymousBytes);
  });

  it('adds up the files of a folder and of those in it', () => {
    mkdirSync(join(dir, 'sized', 'deep'), { recursive: true });
    writeFileSync(join(dir, 'sized', 'a'), 'abc');
    writeFileSync(join(dir, 'sized', 'deep', 'b'), 'defg');
    expect(folderBytes(join(dir, 'sized'))).toBe(7);
    expect(folderBytes(join(dir, 'sized'), 'b')).toBe(4);
  });

  it('fails for a process that is none', () => {
    expect(() => sampleProcess(2 ** 22 + 1)).toThrow('ENOENT');
  });
});
