import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventHash } from '@maestro/receipt';
import { someUser } from '../fixtures/command-line.ts';
import { goldenKeyFile, goldenRun, problemAnswer, startFakeConductor } from '../fixtures/fake-conductor.ts';
import type { Answer, Asked, FakeConductor } from '../fixtures/fake-conductor.ts';

const run = goldenRun('OK-fan-out');
const golden = dirname(dirname(goldenKeyFile));
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

async function serve(of = run, override?: (asked: Asked) => Answer | 'cut' | undefined): Promise<string> {
  server = await startFakeConductor(of, override);
  return server.url;
}
const bodyOf = (path: string): unknown =>
  JSON.parse(server?.asked.find((asked) => asked.path === path)?.body ?? 'null') as unknown;

describe('maestro run', () => {
  it('publishes, starts exactly this version, follows, exports and verifies', async () => {
    const ran = await user.call(
      'run',
      '-m',
      'flow.yaml',
      '--url',
      await serve(),
      '--key',
      goldenKeyFile,
      '-i',
      'who=Ada',
      '-i',
      'n:=3',
      '--region',
      'DE',
    );
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(server?.asked.find(({ path }) => path === '/api/workflows')).toMatchObject({
      headers: { 'content-type': 'application/yaml' },
      body: expect.stringContaining('name: fake'),
    });
    expect(bodyOf('/api/executions')).toEqual({
      workflowId: 'fake',
      version: '1.0.0',
      inputs: { who: 'Ada', n: 3 },
      rollout: null,
      region: 'DE',
    });
    expect(ran.notes).toMatch(/run +✓ succeeded$/m);
    expect(ran.out).toContain('✓ SUCCEEDED');
    expect(ran.out).toContain('VERIFIED');
    expect(ran.out).toContain('cosign verify-blob-attestation --bundle receipt.sigstore.json --key key.pub');
    const folder = join(user.folder, '.maestro', 'exports', run.executionId);
    expect(readdirSync(folder).sort()).toEqual([
      'README',
      'events.jsonl',
      'key.pub',
      'manifest.json',
      'receipt.json',
      'receipt.sigstore.json',
    ]);
    for (const file of ['events.jsonl', 'manifest.json', 'receipt.json', 'receipt.sigstore.json'])
      expect(readFileSync(join(folder, file)).equals(run.file(file))).toBe(true);
    expect(readFileSync(join(folder, 'README'), 'utf8')).toContain(run.executionId);
  });

  it('leaves the version to the rollout where one is asked for', async () => {
    await user.call('run', '-m', 'flow.yaml', '--url', await serve(), '--rollout', 'canary');
    expect(bodyOf('/api/executions')).toMatchObject({ version: null, rollout: 'canary' });
  });

  it('ends with 7 where nobody vouches for the key, whatever the verdict', async () => {
    const ran = await user.call('run', '-m', 'flow.yaml', '--url', await serve());
    expect(ran.exitCode).toBe(7);
    expect(ran.out).toMatch(/NOT VERIFIED: SELF_ASSERTED[^]+give the signer's key/);
  });

  it.each([
    ['OK-denied', 3],
    ['OK-cancelled', 5],
    ['OK-timed-out', 5],
    ['OK-retries', 4],
  ])('the exit code of %s is %i, and its receipt is exported and verified all the same', async (name, exitCode) => {
    const url = await serve(goldenRun(name), ({ path }) => (path.endsWith('/dry-run') ? { json: { decisions: [] } } : undefined));
    const ran = await user.call('run', '-m', 'flow.yaml', '--url', url, '--key', goldenKeyFile, '--out', 'set');
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.out).toContain('VERIFIED');
    expect(existsSync(join(user.folder, 'set', 'receipt.sigstore.json'))).toBe(true);
    const isResumable = name !== 'OK-denied';
    expect(/next: \.\/maestro resume \S+ --follow --url/.test(ran.out)).toBe(isResumable);
    expect(/next: \.\/maestro logs \S+ \S+ --url/.test(ran.out)).toBe(goldenRun(name).file('receipt.json').includes('"status":"failed"'));
  });

  it('names pack, code and place where policy refuses the publication', async () => {
    const decisions = [{ pack: 'pii', allow: false, violations: ['PII_KEY'], obligations: [] }];
    const findings = [
      {
        stage: 'publish',
        pack: 'pii',
        allow: false,
        violations: [{ code: 'PII_KEY', path: ['tasks', 0, 'with', 'ssn'], params: {} }],
        obligations: [],
      },
    ];
    const url = await serve(run, ({ path }) => {
      if (path.endsWith('/publish')) return problemAnswer(403, 'POLICY_DENIED', { decisions, reason: 'POLICY_DENIED' });
      return path.endsWith('/dry-run') ? { json: { decisions: findings } } : undefined;
    });
    const ran = await user.call('run', '-m', 'flow.yaml', '--url', url);
    expect(ran.exitCode).toBe(3);
    expect(ran.out).toContain('pii  PII_KEY  at /tasks/0/with/ssn of the manifest');
    expect(server?.asked.some(({ path }) => path === '/api/executions')).toBe(false);
    expect(JSON.parse((await user.call('run', '-m', 'flow.yaml', '--url', url, '--json')).out)).toMatchObject({
      ok: false,
      exitCode: 3,
      stage: 'publish',
      decisions,
      findings,
    });
  });

  it('waits for a signature that is under way', async () => {
    let early = 3;
    const url = await serve(run, ({ path }) =>
      path.endsWith('/receipt') && early-- > 0 ? problemAnswer(409, 'RUN_NOT_FINISHED', { ended: true }) : undefined,
    );
    expect(await user.call('run', '-m', 'flow.yaml', '--url', url, '--key', goldenKeyFile)).toMatchObject({ exitCode: 0 });
  });

  it('shows every problem of a manifest with file, line and column', async () => {
    const errors = [{ pointer: '/tasks', code: 'SCHEMA', message: 'must not be empty', line: 3, column: 1 }];
    const url = await serve(run, ({ path }) =>
      path === '/api/workflows' ? problemAnswer(400, 'MANIFEST_INVALID', { errors }) : undefined,
    );
    const ran = await user.call('run', '--manifest', 'flow.yaml', '--url', url, '--json');
    expect(ran.exitCode).toBe(2);
    expect(ran.notes).toContain('flow.yaml:3:1  /tasks  SCHEMA  must not be empty');
    expect(JSON.parse(ran.out)).toEqual({
      ok: false,
      exitCode: 2,
      error: { code: 'MANIFEST_INVALID', detail: 'MANIFEST_INVALID happened', errors },
    });
  });

  it.each([
    [['run'], 'required option'],
    [['run', '-m', 'none.yaml'], 'MANIFEST_UNREADABLE'],
    [['run', '-m', 'flow.txt'], 'MANIFEST_UNKNOWN_FORMAT'],
    [['run', '-m', 'flow.yaml', '-i', 'who'], 'expected name=text'],
    [['run', '-m', 'flow.yaml', '-i', 'a=1', '-i', 'a=2'], 'a is given twice'],
    [['run', '-m', 'flow.yaml', '--rollout', 'some'], 'Allowed choices are canary, all'],
    [['run', '-m', 'flow.yaml', '--url', 'nowhere'], 'URL_INVALID'],
    [['up', '--port', '70000'], 'expected 0 to 65535'],
    [['runn'], 'Did you mean run?'],
    [['verify', 'nothing'], 'NO_SUCH_SET'],
    [['verify', '.', '--registry', 'r.json'], 'needs --root'],
  ])('%j is a wrong command line', async (args, text) => {
    const ran = await user.call(...args);
    expect(ran.notes).toContain(text);
    expect(ran.exitCode).toBe(args.includes('--registry') ? 64 : 2);
  });

  it('tells what to do where no conductor answers', async () => {
    const ran = await user.call('run', '-m', 'flow.yaml', '--url', 'http://127.0.0.1:1');
    expect(ran).toMatchObject({ exitCode: 6, out: '' });
    expect(ran.notes.split('\n')).toEqual([
      'CONDUCTOR_UNREACHABLE: no conductor answers at http://127.0.0.1:1',
      '  next: ./maestro up',
      '  next: leave --url out to use the conductor of the data folder',
      '',
    ]);
  });
});

describe('maestro export', () => {
  it('writes the set once, keeps it, and overwrites nothing else', async () => {
    const url = await serve();
    const call = () => user.call('export', run.executionId, '--out', 'set', '--url', url, '--json');
    expect(JSON.parse((await call()).out)).toMatchObject({
      outcome: 'written',
      verdict: 'succeeded',
      folder: join(user.folder, 'set'),
    });
    expect(JSON.parse((await call()).out)).toMatchObject({ outcome: 'kept' });
    writeFileSync(join(user.folder, 'set', 'events.jsonl'), '');
    expect(await call()).toMatchObject({ exitCode: 2, notes: expect.stringContaining('FOLDER_NOT_EMPTY') });
  });

  it.each([
    ['an event', '/events', () => ({ json: { items: [{ hash: '00', event: { a: 1 } }], next: null } })],
    ['the manifest', '/versions/', () => ({ text: '{}' })],
    ['the bundle', '/receipt', () => ({ text: '{}' })],
    ['the key', '/api/keys', () => ({ json: { keys: [] } })],
  ])('writes nothing where %s is not what it should be', async (_, part, answer) => {
    const url = await serve(run, ({ path }) => (path.includes(part) ? answer() : undefined));
    const ran = await user.call('export', run.executionId, '--out', 'set', '--url', url);
    expect(ran).toMatchObject({ exitCode: 1, notes: expect.stringContaining('SET_DAMAGED') });
    expect(existsSync(join(user.folder, 'set'))).toBe(false);
  });

  it('does not wait for a run that goes on', async () => {
    const url = await serve(run, ({ path }) =>
      path.endsWith('/receipt') ? problemAnswer(409, 'RUN_NOT_FINISHED', { ended: false }) : undefined,
    );
    const ran = await user.call('export', run.executionId, '--out', 'set', '--url', url);
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringContaining('status -e') });
  });
});

describe('maestro verify and rebuild', () => {
  const set = (name: string): string => {
    cpSync(join(golden, name), join(user.folder, name), { recursive: true });
    return name;
  };

  it.each([
    ['OK-one-task', 0, 'VERIFIED'],
    ['TAMPERED_EVENT-flipped-byte_fail', 6, 'NOT VERIFIED: TAMPERED_EVENT'],
    ['TAMPERED_RECEIPT-signature_fail', 3, 'NOT VERIFIED: TAMPERED_RECEIPT'],
  ])('judge the folder %s offline with %i', async (name, exitCode, text) => {
    expect(await user.call('verify', set(name), '--key', goldenKeyFile)).toMatchObject({
      exitCode,
      out: expect.stringContaining(text),
      notes: '',
    });
  });

  it('take no key from the set itself', async () => {
    const url = await serve();
    await user.call('export', run.executionId, '--out', 'set', '--url', url);
    expect(await user.call('verify', 'set', '--key', 'set/key.pub')).toMatchObject({
      exitCode: 2,
      out: expect.stringContaining('SELF_ASSERTED'),
    });
  });

  it('judge a run by its exported set, and that it is this run', async () => {
    const url = await serve();
    const ran = await user.call('verify', run.executionId, '--url', url, '--key', goldenKeyFile, '--json');
    expect(JSON.parse(ran.out)).toMatchObject({ ok: true, exitCode: 0, run: { executionId: run.executionId } });
    const other = run.executionId.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    await server?.stop();
    const confused = await serve(run, ({ path }) => {
      if (path.endsWith('/receipt')) return { text: run.file('receipt.sigstore.json') };
      return path.includes('/events') ? { json: { items: itemsOf(run.events), next: null } } : undefined;
    });
    expect(await user.call('verify', other, '--url', confused, '--key', goldenKeyFile)).toMatchObject({
      exitCode: 5,
      out: expect.stringContaining('REPLAYED_RECEIPT'),
    });
  });

  it('compare bytes and show digests', async () => {
    expect(await user.call('rebuild', set('OK-one-task'))).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/signed statement +sha256:[0-9a-f]{64}[^]+IDENTICAL/),
    });
    const ran = await user.call('rebuild', set('REBUILD_MISMATCH-cost_fail'), '--json');
    expect(ran.exitCode).toBe(8);
    expect(JSON.parse(ran.out)).toMatchObject({ identical: false, code: 'REBUILD_MISMATCH' });
    expect(await user.call('rebuild', run.executionId, '--url', await serve())).toMatchObject({ exitCode: 0 });
  });
});

describe('maestro status', () => {
  it('follows a run that goes on, then shows its receipt', async () => {
    const url = await serve(run, ({ path }) =>
      path === `/api/executions/${run.executionId}` ? { json: { verdict: null } } : undefined,
    );
    const ran = await user.call('status', '-e', run.executionId, '--url', url);
    expect(ran.exitCode).toBe(0);
    expect(ran.notes).toMatch(/run +✓ succeeded$/m);
    expect(ran.out).toContain(`next: ./maestro verify ${run.executionId} --url ${url}`);
  });

  it('shows an ended run without following it', async () => {
    const ran = await user.call('status', '-e', run.executionId, '--url', await serve(), '--json');
    expect(ran).toMatchObject({ exitCode: 0, notes: '' });
    expect(JSON.parse(ran.out)).toMatchObject({ ok: true, verdict: 'succeeded', executionId: run.executionId });
  });
});

describe('help', () => {
  it.each([[['--help']], [['help']], [['run', '--help']], [['help', 'verify']]])(
    '%j says what there is, with exit codes',
    async (args) => {
      const ran = await user.call(...args);
      expect(ran.exitCode).toBe(0);
      expect(ran.out).toMatch(/Examples:\n {2}\.\/maestro [^]+Exit codes:\n/);
    },
  );

  it('the version is that of the release', async () => {
    expect(await user.call('--version')).toEqual({ exitCode: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), notes: '' });
  });
});

function itemsOf(events: readonly string[]): object[] {
  return events.map((text) => ({ hash: eventHash(Buffer.from(text)), event: JSON.parse(text) as unknown }));
}
