import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { jest } from '@jest/globals';
import { ProgramUser, until } from '../fixtures/compiled-program.ts';
import { endToEnd, prepareWorkspace } from '../fixtures/end-to-end.ts';

/** milliseconds; a bound for what hangs */
jest.setTimeout(120_000);

let user: ProgramUser;
let server: ChildProcessWithoutNullStreams;
let url = '';
beforeAll(async () => {
  user = new ProgramUser();
  prepareWorkspace(user.home);
  server = user.start(['up', '--port', '0', '--data', 'data', '--json']);
  ({ url } = JSON.parse(await until(server, 'stdout', /\n/)) as { url: string });
});
afterAll(async () => {
  server.kill('SIGINT');
  await once(server, 'close');
  user.leave();
});

endToEnd('embedded', () => ({ home: user.home, urls: [url], run: (args) => user.run(args) }));
