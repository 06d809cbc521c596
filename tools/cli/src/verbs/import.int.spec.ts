import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { someUser } from '../../fixtures/command-line.ts';

/** milliseconds; the verbs load the conductor's code, and one starts a conductor */
jest.setTimeout(60_000);

let user: ReturnType<typeof someUser>;
beforeEach(() => {
  user = someUser();
});
afterEach(() => user.leave());

describe('export --all and import', () => {
  it.each([
    [['export', '--out', 'x']],
    [['export', '0192f0c1-2b3c-7d4e-8f50-617283940a1b', '--all', '--out', 'x']],
    [['import', '--from', 'x']],
  ])('%j is a wrong command line', async (args) => {
    expect(await user.call(...args)).toMatchObject({ exitCode: 2, notes: expect.stringContaining('USAGE_INVALID') });
  });

  it('name what is no deployment, no export and no place for one', async () => {
    mkdirSync(join(user.folder, 'full'));
    writeFileSync(join(user.folder, 'full', 'mine'), '');
    expect(await user.call('export', '--all', '--data', 'full', '--out', 'full')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('FOLDER_NOT_EMPTY') });
    expect(await user.call('export', '--all', '--data', 'nowhere', '--out', 'x')).toMatchObject({ exitCode: 1, notes: expect.stringContaining('DATA_FOLDER_INVALID') });
    expect(await user.call('import', '--from', 'full', '--data', 'new')).toMatchObject({ exitCode: 1, notes: expect.stringContaining('EXPORT_INVALID') });
    writeFileSync(join(user.folder, 'maestro.yaml'), 'profile: cluster\nprefix: WRONG\n');
    expect(await user.call('import', '--from', 'full', '--data', 'new')).toMatchObject({ exitCode: 1, notes: expect.stringContaining('EXPORT_INVALID') });
    writeFileSync(join(user.folder, 'bad.yaml'), 'profile: cluster\nprefix: WRONG\n');
    expect(await user.call('import', '--from', 'full', '--config', 'bad.yaml')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('CONFIG_INVALID') });
  });
});
