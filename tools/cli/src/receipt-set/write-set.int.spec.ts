import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSet } from './write-set.ts';

const set = (events = 'a\n'): Map<string, Uint8Array> =>
  new Map([
    ['events.jsonl', Buffer.from(events)],
    ['README', Buffer.from('read me')],
  ]);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maestro-write-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('writing a receipt set', () => {
  it('makes the folder and its parents, and leaves nothing beside it', async () => {
    const folder = join(root, 'a', 'b');
    expect(await writeSet(folder, set())).toBe('written');
    expect(readdirSync(folder).sort()).toEqual(['README', 'events.jsonl']);
    expect(readdirSync(join(root, 'a'))).toEqual(['b']);
  });

  it('takes an empty folder', async () => {
    mkdirSync(join(root, 'empty'));
    expect(await writeSet(join(root, 'empty'), set())).toBe('written');
  });

  it('keeps the same set, whatever its README says', async () => {
    await writeSet(join(root, 'set'), set());
    writeFileSync(join(root, 'set', 'README'), 'of an older release');
    expect(await writeSet(join(root, 'set'), set())).toBe('kept');
    expect(readFileSync(join(root, 'set', 'README'), 'utf8')).toBe('of an older release');
  });

  it('never overwrites another set or other files', async () => {
    await writeSet(join(root, 'set'), set());
    await expect(writeSet(join(root, 'set'), set('b\n'))).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY', exitCode: 2 });
    expect(readFileSync(join(root, 'set', 'events.jsonl'), 'utf8')).toBe('a\n');
    expect(readdirSync(root)).toEqual(['set']);
  });

  it('refuses a file in place of the folder', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(writeSet(join(root, 'file'), set())).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  });
});
