import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ProgramUser, ended, until } from '../fixtures/compiled-program.ts';
import { faultsOf } from '../fixtures/output-schema.ts';

/** milliseconds; a conductor is started, and asked many things */
jest.setTimeout(90_000);

const SLEEPER = { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: '${{ inputs.ms }}' } };
const FAILURE = { id: 'fail', needs: ['wait'], uses: 'pkg:core/fail@1.0.0', with: { code: 'NOT_TODAY' } };

let user: ProgramUser;
let server: ChildProcessWithoutNullStreams;
let url: string;
beforeAll(async () => {
  user = new ProgramUser();
  server = user.start(['up', '--port', '0', '--data', 'data', '--auth', 'token', '--json']);
  const line = await until(server, 'stdout', /\n/);
  expect(faultsOf('up', line)).toEqual([]);
  ({ url } = JSON.parse(line) as { url: string });
});
afterAll(async () => {
  server.kill('SIGINT');
  await once(server, 'close');
  user.leave();
});

function manifest(version: string, tasks: readonly object[]): void {
  writeFileSync(join(user.home, 'flow.json'), JSON.stringify({ name: 'flow', version, inputs: { ms: 1 }, tasks }));
}

async function json(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly document: { readonly [name: string]: unknown } }> {
  const { exitCode, out, notes } = await user.run([...args, '--data', 'data', '--json']);
  if (out === '') throw new Error(notes);
  return { exitCode, document: JSON.parse(out) as { readonly [name: string]: unknown } };
}

describe('the verbs against one conductor that asks for its token', () => {
  it('refuses whoever has none, and says where it is', async () => {
    const ran = await user.run(['promote', '-w', 'flow', '--url', url]);
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringMatching(/UNAUTHENTICATED[^]+MAESTRO_TOKEN/) });
  });

  it('publishes, runs by name, cancels, and goes on from where a run was cancelled', async () => {
    manifest('1.0.0', [SLEEPER]);
    expect((await json('publish', '-m', 'flow.json')).document).toMatchObject({ workflow: { id: 'flow', version: '1.0.0', channel: 'stable' } });
    const started = await json('run', '-w', 'flow', '-i', 'ms:=20000');
    const executionId = String(started.document['executionId']);
    const cancelled = await json('cancel', executionId, '--reason', 'WRONG_INPUT', '--follow');
    expect(cancelled).toMatchObject({ exitCode: 0, document: { executionId, verdict: 'cancelled' } });
    expect(await json('status', '-e', executionId)).toMatchObject({ exitCode: 5, document: { verdict: 'cancelled' } });
    const again = await json('cancel', executionId);
    expect(again).toMatchObject({ exitCode: 2, document: { error: { code: 'EXECUTION_ENDED' } } });
  });

  it('resumes a run that failed, with what succeeded taken over', async () => {
    manifest('1.1.0', [SLEEPER, FAILURE]);
    await json('publish', '-m', 'flow.json');
    const failed = await json('run', '-w', 'flow', '--canary', '--follow');
    expect(failed).toMatchObject({ exitCode: 4, document: { verdict: 'failed', verification: { ok: true } } });
    const resumed = await json('resume', String(failed.document['executionId']), '--follow');
    expect(resumed).toMatchObject({ exitCode: 4, document: { receipt: { counts: { reused: 1, failed: 1 } } } });
    expect(faultsOf('finished', JSON.stringify(resumed.document))).toEqual([]);
  });

  it('makes a candidate stable, and goes back', async () => {
    expect(await json('promote', '-w', 'flow')).toMatchObject({ exitCode: 0, document: { workflow: { version: '1.1.0' } } });
    expect(await json('rollback', '-w', 'flow')).toMatchObject({ exitCode: 0, document: { workflow: { version: '1.1.0', to: '1.0.0' } } });
    expect(await json('promote', '-w', 'flow')).toMatchObject({ exitCode: 2, document: { error: { code: 'NO_CANDIDATE' } } });
  });

  it('leaves a run open on Ctrl-C, says how to go on, and ends with 130', async () => {
    const child = user.start(['run', '-w', 'flow', '-i', 'ms:=20000', '--follow', '--data', 'data']);
    const notes = await until(child, 'stderr', /wait +running/);
    const rest = ended(child);
    child.kill('SIGINT');
    const { exitCode, notes: last } = await rest;
    const [, executionId = ''] = /^run +(\S+)$/m.exec(notes) ?? [];
    expect(exitCode).toBe(130);
    expect(last).toMatch(new RegExp(`status -e ${executionId} --data data[^]+cancel ${executionId} --data data[^]+INTERRUPTED`));
    expect(await json('cancel', executionId, '--follow')).toMatchObject({ exitCode: 0, document: { verdict: 'cancelled' } });
  });

  it('ends in order where its reader leaves', async () => {
    const child = user.start(['run', '-w', 'flow', '-i', 'ms:=20000', '--follow', '--data', 'data']);
    const notes = await until(child, 'stderr', /→ scheduled/);
    child.stderr.destroy();
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect([exitCode, signal]).toEqual([130, null]);
    const [, executionId = ''] = /^run +(\S+)$/m.exec(notes) ?? [];
    expect(await json('cancel', executionId, '--follow')).toMatchObject({ exitCode: 0 });
  });
});
