import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { parse } from 'yaml';
import { someUser } from '../../fixtures/command-line.ts';

/** milliseconds; the plan loads the conductor's code */
jest.setTimeout(60_000);

let user: ReturnType<typeof someUser>;
beforeEach(() => {
  user = someUser();
});
afterEach(() => user.leave());
const at = (path: string): string => join(user.folder, path);

describe('maestro init', () => {
  it('writes files that can be used at once, and names the next commands', async () => {
    const ran = await user.call('init', 'flows', '--name', 'nightly');
    expect(ran).toMatchObject({ exitCode: 0, notes: '' });
    expect(ran.out).toMatch(/next +\.\/maestro plan -m flows\/workflow\.yaml\n +\.\/maestro run -m flows\/workflow\.yaml/);
    const planned = await user.call('plan', '-m', 'flows/workflow.yaml', '--json');
    expect(JSON.parse(planned.out)).toMatchObject({ ok: true, workflow: { id: 'nightly' }, plan: { levels: [['greet'], ['report']] } });
    expect(readFileSync(at('flows/.gitignore'), 'utf8')).toBe('.maestro/\n');
    const workflow = parse(readFileSync(at('flows/.github/workflows/maestro.yml'), 'utf8')) as { jobs: object };
    expect(JSON.stringify(workflow.jobs)).toContain('maestro plan -m workflow.yaml');
  });

  it('writes a configuration whose every line fits once it is taken in', async () => {
    await user.call('init');
    const text = readFileSync(at('maestro.yaml'), 'utf8');
    writeFileSync(at('maestro.yaml'), text.replaceAll(/^# (?=[a-zA-Z]+:|  - )/gm, ''));
    expect(parse(readFileSync(at('maestro.yaml'), 'utf8'))).toMatchObject({ data: '.maestro', requireRegion: true });
    expect(await user.call('plan', '-m', 'workflow.yaml')).toMatchObject({ exitCode: 0, notes: '' });
  });

  it('overwrites nothing, and then writes nothing at all', async () => {
    writeFileSync(at('maestro.yaml'), 'mine');
    const ran = await user.call('init', '--json');
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringContaining('FILE_EXISTS') });
    expect(JSON.parse(ran.out)).toMatchObject({ ok: false, exitCode: 2, error: { code: 'FILE_EXISTS' } });
    expect(readdirSync(user.folder)).toEqual(['maestro.yaml']);
  });

  it('leaves a .gitignore as it is, and says what it lacks', async () => {
    writeFileSync(at('.gitignore'), 'dist\n');
    const ran = await user.call('init', '--json');
    expect(JSON.parse(ran.out)).toEqual({
      ok: true,
      exitCode: 0,
      folder: user.folder,
      files: ['workflow.yaml', 'maestro.yaml', '.github/workflows/maestro.yml'],
      next: expect.arrayContaining(['./maestro up']),
    });
    expect(ran.notes).toContain('add .maestro/ to .gitignore');
    expect(readFileSync(at('.gitignore'), 'utf8')).toBe('dist\n');
  });

  it('refuses a name that no workflow can have', async () => {
    expect(await user.call('init', '--name', 'a b')).toMatchObject({ exitCode: 2 });
    expect(existsSync(at('workflow.yaml'))).toBe(false);
  });
});
