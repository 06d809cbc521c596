import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { someUser } from '../fixtures/command-line.ts';
import { goldenKeyFile, goldenRun, problemAnswer, startFakeConductor } from '../fixtures/fake-conductor.ts';
import type { Answer, Asked, FakeConductor } from '../fixtures/fake-conductor.ts';

const run = goldenRun('OK-fan-out');
const self = `/api/executions/${run.executionId}`;
let user: ReturnType<typeof someUser>;
let server: FakeConductor | undefined;

beforeEach(() => {
  user = someUser();
  writeFileSync(join(user.folder, 'flow.yaml'), 'name: fake\nversion: 1.0.0\ntasks: []\n');
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  user.leave();
});

async function serve(override?: (asked: Asked) => Answer | 'cut' | undefined): Promise<string> {
  server = await startFakeConductor(run, override);
  return server.url;
}
const bodyOf = (path: string): unknown => JSON.parse(server?.asked.find((asked) => asked.path === path)?.body ?? 'null') as unknown;
const posts = (): string[] => (server?.asked ?? []).filter(({ method }) => method === 'POST').map(({ path }) => path);

describe('maestro publish', () => {
  it('publishes and starts nothing', async () => {
    const url = await serve();
    const ran = await user.call('publish', '-m', 'flow.yaml', '--url', url);
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toContain(`./maestro run -w fake --url ${url}`);
    expect(posts()).toEqual(['/api/workflows', '/api/workflows/fake/publish']);
  });

  it('says how to try a candidate, and how to make it stable', async () => {
    const url = await serve(({ path }) =>
      path.endsWith('/publish') ? { json: { id: 'fake', version: '1.0.0', digest: 'sha256:00', channel: 'candidate' } } : undefined,
    );
    expect((await user.call('publish', '-m', 'flow.yaml', '--url', url)).out).toMatch(/run -w fake --canary[^]+promote -w fake/);
    expect(JSON.parse((await user.call('publish', '-m', 'flow.yaml', '--url', url, '--json')).out)).toEqual({
      ok: true,
      exitCode: 0,
      workflow: { id: 'fake', version: '1.0.0', digest: 'sha256:00', channel: 'candidate' },
    });
  });

  it('names pack, code and place where policy refuses', async () => {
    const decisions = [{ pack: 'pii', allow: false, violations: ['PII_KEY'], obligations: [] }];
    const violations = [{ code: 'PII_KEY', path: ['tasks', 0, 'with', 'ssn'], params: {} }];
    const url = await serve(({ path }) => {
      if (path.endsWith('/publish')) return problemAnswer(403, 'POLICY_DENIED', { decisions });
      return path.endsWith('/dry-run') ? { json: { decisions: [{ stage: 'publish', pack: 'pii', allow: false, violations, obligations: [] }] } } : undefined;
    });
    const ran = await user.call('publish', '-m', 'flow.yaml', '--url', url);
    expect(ran).toMatchObject({ exitCode: 3, out: expect.stringContaining('pii  PII_KEY  at /tasks/0/with/ssn of the manifest') });
  });
});

describe('maestro run -w', () => {
  it('starts a published workflow and says how to follow it', async () => {
    const url = await serve();
    const ran = await user.call('run', '-w', 'fake', '--canary', '-i', 'who=Ada', '--url', url, '--json');
    expect(JSON.parse(ran.out)).toEqual({
      ok: true,
      exitCode: 0,
      executionId: run.executionId,
      next: [`./maestro status -e ${run.executionId} --url ${url}`, `./maestro cancel ${run.executionId} --url ${url}`],
    });
    expect(posts()).toEqual(['/api/executions']);
    expect(bodyOf('/api/executions')).toEqual({ workflowId: 'fake', version: null, inputs: { who: 'Ada' }, rollout: 'canary', region: null });
    expect((await user.call('run', '-w', 'fake', '--url', url)).out).toContain(`follow it  ./maestro status -e ${run.executionId}`);
  });

  it('follows it to its verified receipt where asked to', async () => {
    const ran = await user.call('run', '-w', 'fake', '--follow', '--url', await serve(), '--key', goldenKeyFile, '--out', 'set');
    expect(ran).toMatchObject({ exitCode: 0, out: expect.stringContaining('VERIFIED') });
    expect(ran.notes).toMatch(/run +✓ succeeded$/m);
  });

  it.each([
    [['run', '-w', 'fake', '-m', 'flow.yaml'], 'cannot be used with'],
    [['run', '-w', 'fake', '--canary', '--rollout', 'all'], 'cannot be used with'],
    [['cancel', 'x', '--reason', 'wrong input'], 'expected an upper-case code'],
    [['promote'], 'required option'],
    [['policy', 'tets'], 'Did you mean test?'],
  ])('%j is a wrong command line, in words and as JSON', async (args, text) => {
    const ran = await user.call(...args, '--json');
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringContaining(text) });
    expect(JSON.parse(ran.out)).toMatchObject({ ok: false, exitCode: 2, error: { code: 'USAGE_INVALID' } });
  });
});

describe('maestro cancel and resume', () => {
  it('asks a run to end, with reason and comment', async () => {
    const url = await serve(({ path }) => (path === `${self}/cancel` ? { status: 202, json: { id: run.executionId } } : undefined));
    const ran = await user.call('cancel', run.executionId, '--reason', 'WRONG_INPUT', '--comment', 'oops', '--url', url);
    expect(ran).toMatchObject({ exitCode: 0, out: expect.stringContaining('is being cancelled') });
    expect(bodyOf(`${self}/cancel`)).toEqual({ reason: 'WRONG_INPUT', comment: 'oops' });
  });

  it('waits until it has ended where asked to', async () => {
    const url = await serve(({ path }) => {
      if (path === `${self}/cancel`) return { status: 202, json: { id: run.executionId } };
      return path === self ? { json: { verdict: 'cancelled' } } : undefined;
    });
    const ran = await user.call('cancel', run.executionId, '--follow', '--url', url, '--json');
    expect(JSON.parse(ran.out)).toMatchObject({ ok: true, executionId: run.executionId, verdict: 'cancelled' });
    expect(bodyOf(`${self}/cancel`)).toEqual({ comment: '' });
  });

  it('says that an ended run cannot be cancelled, and what can be done with it', async () => {
    const url = await serve(({ path }) => (path === `${self}/cancel` ? problemAnswer(409, 'EXECUTION_ENDED') : undefined));
    const ran = await user.call('cancel', run.executionId, '--url', url);
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringMatching(/EXECUTION_ENDED[^]+next: \.\/maestro status -e <executionId>/) });
  });

  it('starts the run that goes on', async () => {
    const url = await serve(({ path }) => (path === '/api/executions/old/resume' ? { status: 202, json: { id: run.executionId } } : undefined));
    expect(JSON.parse((await user.call('resume', 'old', '--url', url, '--json')).out)).toMatchObject({ executionId: run.executionId });
    const followed = await user.call('resume', 'old', '--follow', '--url', url, '--key', goldenKeyFile);
    expect(followed).toMatchObject({ exitCode: 0, out: expect.stringContaining('✓ SUCCEEDED') });
  });
});

describe('maestro logs', () => {
  it('prints what an attempt wrote, harmless for a terminal', async () => {
    const url = await serve(({ path }) => (path.includes('/tasks/fetch/log') ? { type: 'text/plain', text: 'one\ttwo\x1b[2J\n' } : undefined));
    const ran = await user.call('logs', run.executionId, 'fetch', '--url', url);
    expect(ran).toEqual({ exitCode: 0, out: 'one\ttwo�[2J\n', notes: '' });
    expect(server?.asked.at(-1)).toMatchObject({ path: `${self}/tasks/fetch/log`, headers: { accept: 'text/plain' } });
    const asked = await user.call('logs', run.executionId, 'fetch', '--attempt', '2', '--url', url, '--json');
    expect(JSON.parse(asked.out)).toMatchObject({ taskId: 'fetch', attempt: 2, log: 'one\ttwo\x1b[2J\n' });
    expect(server?.asked.at(-1)?.path).toBe(`${self}/tasks/fetch/log?attempt=2`);
  });

  it('says that a task wrote nothing, or has not ended', async () => {
    const url = await serve(({ path }) => {
      if (path.includes('/tasks/quiet/')) return { type: 'text/plain', text: '' };
      return path.includes('/tasks/early/') ? problemAnswer(404, 'LOG_NOT_FOUND') : undefined;
    });
    expect(await user.call('logs', run.executionId, 'quiet', '--url', url)).toMatchObject({ out: '', notes: 'quiet wrote nothing\n' });
    const early = await user.call('logs', run.executionId, 'early', '--url', url);
    expect(early).toMatchObject({ exitCode: 2, notes: expect.stringContaining(`LOG_NOT_FOUND: LOG_NOT_FOUND happened\n  next: ./maestro status -e ${run.executionId}`) });
    expect(await user.call('logs', run.executionId, 'early', '--attempt', '0', '--url', url)).toMatchObject({ exitCode: 2 });
  });
});

describe('maestro promote and rollback', () => {
  it('move the stable version, and say where it stands', async () => {
    const url = await serve(({ path }) => {
      if (path.endsWith('/promote')) return { json: { id: 'fake', version: '1.1.0', position: '9' } };
      return path.endsWith('/rollback') ? { json: { id: 'fake', version: '1.1.0', to: '1.0.0', position: '9' } } : undefined;
    });
    expect((await user.call('promote', '-w', 'fake', '--comment', 'fine', '--url', url)).out).toContain('fake 1.1.0 is the stable version now');
    expect(bodyOf('/api/workflows/fake/promote')).toEqual({ comment: 'fine' });
    expect((await user.call('rollback', '-w', 'fake', '--to', '1.0.0', '--url', url)).out).toContain('1.1.0 stepped back; 1.0.0 is the stable');
    expect(bodyOf('/api/workflows/fake/rollback')).toEqual({ to: '1.0.0', comment: '' });
    expect(JSON.parse((await user.call('rollback', '-w', 'fake', '--url', url, '--json')).out)).toMatchObject({
      ok: true,
      workflow: { id: 'fake', version: '1.1.0', to: '1.0.0' },
    });
    expect(JSON.parse((await user.call('promote', '-w', 'fake', '--url', url, '--json')).out)).toMatchObject({ workflow: { version: '1.1.0' } });
  });

  it('say that a candidate was withdrawn', async () => {
    const url = await serve(({ path }) => (path.endsWith('/rollback') ? { json: { id: 'fake', version: '1.1.0', to: null } } : undefined));
    expect((await user.call('rollback', '-w', 'fake', '--url', url)).out).toContain('the candidate 1.1.0 is withdrawn; the stable version stays');
  });

  it('name what to do where there is no candidate', async () => {
    const url = await serve(({ path }) => (path.endsWith('/promote') ? problemAnswer(409, 'NO_CANDIDATE') : undefined));
    const ran = await user.call('promote', '-w', 'fake', '--url', url);
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringMatching(/NO_CANDIDATE[^]+next: \.\/maestro publish/) });
  });
});

describe('a token', () => {
  it('goes with every request to a conductor at an address', async () => {
    Object.assign(user.settings, { token: 'secret' });
    await user.call('promote', '-w', 'fake', '--url', await serve(() => ({ text: 'ok' })));
    expect(server?.asked.find(({ path }) => path.endsWith('/promote'))?.headers.authorization).toBe('Bearer secret');
  });

  it('is that of the data folder for its own conductor', async () => {
    const url = await serve(({ path }) => (path.endsWith('/promote') ? { json: { id: 'fake', version: '1.1.0' } } : undefined));
    const data = join(user.folder, '.maestro');
    mkdirSync(data);
    writeFileSync(join(data, 'conductor.json'), JSON.stringify({ pid: process.pid, url, startedAt: '', version: '' }));
    writeFileSync(join(data, 'token'), 'of the folder\n');
    Object.assign(user.settings, { token: 'of another' });
    expect(await user.call('promote', '-w', 'fake')).toMatchObject({ exitCode: 0 });
    expect(server?.asked.at(-1)?.headers.authorization).toBe('Bearer of the folder');
  });

  it('is asked for where it is missing', async () => {
    const url = await serve(({ path }) => (path.endsWith('/promote') ? problemAnswer(401, 'UNAUTHENTICATED') : undefined));
    const ran = await user.call('promote', '-w', 'fake', '--url', url);
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringMatching(/UNAUTHENTICATED[^]+next: .*MAESTRO_TOKEN/) });
  });
});
