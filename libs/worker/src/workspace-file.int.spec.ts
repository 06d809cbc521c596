import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorkspaceFile, readWorkspaceFile, writeWorkspaceFile } from './workspace-file.ts';

let top: string;
let context: { settings: { workspaceDir: string } };

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'maestro-workspace-')));
  const workspaceDir = join(top, 'work');
  await mkdir(join(workspaceDir, 'sub'), { recursive: true });
  await mkdir(join(top, 'work-beside'));
  await writeFile(join(top, 'secret.txt'), 'secret');
  await writeFile(join(workspaceDir, 'a.txt'), 'inside');
  context = { settings: { workspaceDir } };
});
afterEach(() => rm(top, { recursive: true, force: true }));

const inWorkspace = (...path: string[]): string => join(context.settings.workspaceDir, ...path);
const read = async (path: string): Promise<string> => (await readWorkspaceFile(context, path, 100)).toString();

describe('reading a workspace file', () => {
  it('gives its bytes, through needless dots and slashes too', async () => {
    for (const path of ['a.txt', './a.txt', './/a.txt']) expect(await read(path)).toBe('inside');
  });

  it.each([
    '/etc/passwd',
    '../secret.txt',
    'sub/../../secret.txt',
    'sub/..',
    '..\\secret.txt',
    'C:\\x',
    'c:x',
    '\\\\host\\x',
    'a\0b',
    '.',
    '/',
    'a.txt/',
  ])('refuses %j', async (path) => {
    await expect(read(path)).rejects.toMatchObject({ code: 'PATH_FORBIDDEN', retryable: false });
    await expect(writeWorkspaceFile(context, path, Buffer.from('x'))).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
    expect(await readdir(top)).toEqual(['secret.txt', 'work', 'work-beside']);
  });

  it('refuses a link in the place of the file, wherever it leads', async () => {
    await symlink(join(top, 'secret.txt'), inWorkspace('out.txt'));
    await symlink(inWorkspace('a.txt'), inWorkspace('in.txt'));
    for (const path of ['out.txt', 'in.txt']) await expect(read(path)).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
  });

  it('refuses a parent that is a link out, also to a folder whose name only begins alike', async () => {
    await symlink(top, inWorkspace('up'));
    await symlink(join(top, 'work-beside'), inWorkspace('beside'));
    await writeFile(join(top, 'work-beside', 'b.txt'), 'beside');
    for (const path of ['up/secret.txt', 'beside/b.txt', 'up/work/a.txt'])
      await expect(read(path)).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
  });

  it('follows a parent link that stays inside', async () => {
    await writeFile(inWorkspace('sub', 'b.txt'), 'below');
    await symlink(inWorkspace('sub'), inWorkspace('alias'));
    expect(await read('alias/b.txt')).toBe('below');
  });

  it('tells what is missing, what is no file, and what is too large', async () => {
    execFileSync('mkfifo', [inWorkspace('pipe')]);
    await expect(read('none.txt')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(read('a.txt/b')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(read('sub')).rejects.toMatchObject({ code: 'FILE_NOT_REGULAR' });
    await expect(read('pipe')).rejects.toMatchObject({ code: 'FILE_NOT_REGULAR' });
    await expect(readWorkspaceFile(context, 'a.txt', 5)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    expect((await readWorkspaceFile(context, 'a.txt', 6)).byteLength).toBe(6);
  });

  it('keeps the folders of the host out of its messages', async () => {
    for (const path of ['none.txt', '../x', 'sub']) await expect(read(path)).rejects.not.toThrow(top);
  });

  it('needs a workspace: an absolute folder that exists', async () => {
    for (const settings of [{}, { workspaceDir: 'relative' }, { workspaceDir: 5 }, { workspaceDir: join(top, 'none') }]) {
      await expect(openWorkspaceFile({ settings }, 'a.txt')).rejects.toMatchObject({ code: 'WORKSPACE_MISSING' });
    }
  });

  it('closes the file when it refuses it', async () => {
    const file = await openWorkspaceFile(context, 'a.txt');
    await file.close();
    await expect(openWorkspaceFile(context, 'sub')).rejects.toMatchObject({ code: 'FILE_NOT_REGULAR' });
  });
});

describe('writing a workspace file', () => {
  it('makes parents, replaces what was there and leaves nothing else behind', async () => {
    await writeWorkspaceFile(context, 'x/y/z.txt', Buffer.from('one'));
    await writeWorkspaceFile(context, 'x/y/z.txt', Buffer.from('two'));
    expect(await readFile(inWorkspace('x', 'y', 'z.txt'), 'utf8')).toBe('two');
    expect(await readdir(inWorkspace('x', 'y'))).toEqual(['z.txt']);
    expect((await stat(inWorkspace('x', 'y', 'z.txt'))).mode & 0o077).toBe(0);
  });

  it('replaces a link and does not write through it', async () => {
    await symlink(join(top, 'secret.txt'), inWorkspace('out.txt'));
    await writeWorkspaceFile(context, 'out.txt', Buffer.from('mine'));
    expect(await readFile(join(top, 'secret.txt'), 'utf8')).toBe('secret');
    expect(await readFile(inWorkspace('out.txt'), 'utf8')).toBe('mine');
  });

  it('makes no folder behind a link out', async () => {
    await symlink(top, inWorkspace('up'));
    await expect(writeWorkspaceFile(context, 'up/new/f.txt', Buffer.from('x'))).rejects.toMatchObject({
      code: 'PATH_FORBIDDEN',
    });
    expect(await readdir(top)).toEqual(['secret.txt', 'work', 'work-beside']);
  });

  it('refuses the place of a folder, and a file in the place of a parent', async () => {
    await expect(writeWorkspaceFile(context, 'sub', Buffer.from('x'))).rejects.toMatchObject({ code: 'FILE_NOT_REGULAR' });
    await expect(writeWorkspaceFile(context, 'a.txt/b', Buffer.from('x'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(await readdir(context.settings.workspaceDir)).toEqual(['a.txt', 'sub']);
  });
});
