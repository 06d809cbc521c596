import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ProgramUser, root, until } from '../fixtures/compiled-program.ts';
import { findConductor } from './conductor/presence.ts';

/** milliseconds; each of several commands per test starts a conductor of its own */
jest.setTimeout(60_000);

let user: ProgramUser;
let home: string;
beforeAll(() => {
  user = new ProgramUser();
  home = user.home;
});
afterAll(() => user.leave());

const data = (): string => join(home, 'data');
const start = (args: readonly string[]) => user.start(args);
const maestro = (args: readonly string[]) => user.run(args);

describe('./maestro with a conductor that stays, or dies', () => {
  it('serves in the foreground: others attach, a second one is refused, and it ends on request', async () => {
    const served = start(['up', '--port', '0', '--data', data()]);
    try {
      const welcome = await until(served, 'stdout', /Ctrl-C ends it/);
      const [, url] = /address +(http:\S+)/.exec(welcome) ?? [];
      const ran = await maestro(['run', '-m', join(root, 'examples', 'hello.yaml'), '--data', data(), '--json']);
      expect(ran).toMatchObject({ exitCode: 0, notes: expect.stringMatching(/^conductor {2}attached to pid \d+ at http/) });
      const { executionId } = JSON.parse(ran.out) as { readonly executionId: string };
      expect(await maestro(['status', '-e', executionId, '--url', String(url)])).toMatchObject({ exitCode: 0 });
      expect(await maestro(['verify', executionId, '--data', data()])).toMatchObject({ exitCode: 0 });
      const second = await maestro(['up', '--data', data()]);
      expect(second).toMatchObject({ exitCode: 6, notes: expect.stringContaining(`at ${url}`) });
      const [, port] = /:(\d+)$/.exec(String(url)) ?? [];
      expect(await maestro(['up', '--port', String(port), '--data', join(home, 'other')])).toMatchObject({
        exitCode: 6,
        notes: expect.stringContaining('PORT_IN_USE'),
      });
    } finally {
      served.kill('SIGINT');
    }
    expect(await once(served, 'close')).toEqual([0, null]);
    expect(await findConductor(data())).toBeUndefined();
  });

  it('a run outlives the death of its conductor', async () => {
    const wait = { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: 1_500 } };
    const after = { id: 'after', needs: ['wait'], uses: 'pkg:core/echo@1.0.0', with: { value: 'done' } };
    writeFileSync(join(home, 'slow.json'), JSON.stringify({ name: 'slow', version: '0.1.0', tasks: [wait, after] }));
    const following = start(['run', '-m', 'slow.json', '--data', data()]);
    const ended = once(following, 'close');
    await until(following, 'stderr', /wait +running/);
    const conductor = await findConductor(data());
    if (conductor === undefined) throw new Error('no conductor');
    process.kill(conductor.pid, 'SIGKILL');
    expect(await ended).toEqual([0, null]);
  });
});
