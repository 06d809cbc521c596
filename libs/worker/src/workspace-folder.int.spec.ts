import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskError } from './task-error.ts';
import { openWorkspaceFolder } from './workspace-folder.ts';
import type { Refusals } from './workspace-folder.ts';

const on: Refusals = {
  forbidden: () => new TaskError('PATH_FORBIDDEN', 'outside'),
  failed: (error) => {
    throw error;
  },
};

let top: string;
let root: string;
beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'maestro-folder-')));
  root = join(top, 'work');
  await mkdir(join(root, 'a', 'b'), { recursive: true });
  await mkdir(join(top, 'outside', 'b'), { recursive: true });
  await writeFile(join(top, 'outside', 'b', 'secret.txt'), 'secret');
});
afterEach(() => rm(top, { recursive: true, force: true }));

/** What an attacker does between check and use: the folder goes away, and a link out stands in its place. */
const swap = async (...path: string[]): Promise<void> => {
  await rename(join(root, ...path), join(root, 'moved'));
  await symlink(join(top, 'outside', ...path.slice(1)), join(root, ...path));
};

describe('an open workspace folder', () => {
  it.each([[['a']], [['a', 'b']]])('stays the one that was judged when %j is swapped for a link out', async (path) => {
    const folder = await openWorkspaceFolder(root, ['a', 'b'], false, on);
    await swap(...path);
    await writeFile(join(folder.anchor, 'new.txt'), 'mine');
    await expect(readFile(join(folder.anchor, 'secret.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
    await folder.close();
    expect(await readdir(join(top, 'outside', 'b'))).toEqual(['secret.txt']);
    expect(await readFile(join(root, 'moved', ...(path.length === 1 ? ['b'] : []), 'new.txt'), 'utf8')).toBe('mine');
  });

  it.each([[['a']], [['a', 'b']]])('is not one that a link at %j led out to', async (path) => {
    await swap(...path);
    await expect(openWorkspaceFolder(root, ['a', 'b'], false, on)).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
    await expect(openWorkspaceFolder(root, ['a', 'b', 'new'], true, on)).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
    expect(await readdir(join(top, 'outside', 'b'))).toEqual(['secret.txt']);
  });

  it('makes what is missing, and only when it is asked to', async () => {
    await expect(openWorkspaceFolder(root, ['x', 'y'], false, on)).rejects.toMatchObject({ code: 'ENOENT' });
    const folder = await openWorkspaceFolder(root, ['x', 'y'], true, on);
    await folder.close();
    expect(await readdir(join(root, 'x'))).toEqual(['y']);
  });

  it('leaves no descriptor open, whether it was refused or closed', async () => {
    await swap('a');
    const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const before = await open();
    for (let i = 0; i < 20; i += 1) await openWorkspaceFolder(root, ['a', 'b'], false, on).catch(() => undefined);
    for (let i = 0; i < 20; i += 1) await (await openWorkspaceFolder(root, ['moved'], false, on)).close();
    expect(await open()).toBe(before);
  });
});
