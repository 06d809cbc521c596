import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JsonLinesFile, readJsonLines } from './json-lines.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-lines-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function linesIn(path: string): Promise<readonly unknown[]> {
  const lines: unknown[] = [];
  for await (const line of readJsonLines(path, (each) => each)) lines.push(line);
  return lines;
}

describe('a file of JSON lines', () => {
  it('gives back what was written, however long a line is and whatever stands in it', async () => {
    const written = [{ a: 1 }, { text: 'x'.repeat(300_000) }, { text: 'line\nbreak \u2028 \r\n é 漢' }, ...Array.from({ length: 5_000 }, (_, i) => ({ i }))];
    const path = join(folder, 'lines');
    const file = new JsonLinesFile(path);
    for (const line of written) await file.write(line);
    await file.close();
    expect(await linesIn(path)).toEqual(written);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8').endsWith('\n')).toBe(true);
  });

  it('that is empty has no lines, and a last line needs no end', async () => {
    writeFileSync(join(folder, 'empty'), '');
    expect(await linesIn(join(folder, 'empty'))).toEqual([]);
    writeFileSync(join(folder, 'cut'), '{"a":1}\n{"b":2}');
    expect(await linesIn(join(folder, 'cut'))).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('refuses what is no JSON, a path that is taken, and a folder that is none', async () => {
    writeFileSync(join(folder, 'bad'), '{"a":1}\n{"b":\n');
    await expect(linesIn(join(folder, 'bad'))).rejects.toThrow(expect.objectContaining({ name: 'SyntaxError' }) as Error);
    const taken = new JsonLinesFile(join(folder, 'bad'));
    await expect(taken.close()).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(new JsonLinesFile(join(folder, 'nowhere', 'x')).close()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
