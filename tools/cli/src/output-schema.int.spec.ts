import { chmodSync, cpSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { someUser } from '../fixtures/command-line.ts';
import { goldenKeyFile, goldenRun, problemAnswer, startFakeConductor } from '../fixtures/fake-conductor.ts';
import type { Answer, Asked, FakeConductor } from '../fixtures/fake-conductor.ts';
import { OUTPUT_NAMES, faultsOf } from '../fixtures/output-schema.ts';

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url));
const golden = dirname(dirname(goldenKeyFile));
const run = goldenRun('OK-fan-out');
const id = run.executionId;

/** milliseconds; the plan loads the conductor's code */
jest.setTimeout(60_000);

let user: ReturnType<typeof someUser>;
let server: FakeConductor;
beforeEach(async () => {
  user = someUser();
  writeFileSync(join(user.folder, 'flow.yaml'), 'name: fake\nversion: 1.0.0\ntasks: []\n');
  for (const name of ['OK-one-task', 'REBUILD_MISMATCH-cost_fail', 'TAMPERED_EVENT-flipped-byte_fail'])
    cpSync(join(golden, name), join(user.folder, name), { recursive: true });
  writeFileSync(join(user.folder, 'input.json'), '{}');
  const opa = join(user.folder, 'opa');
  writeFileSync(opa, '#!/bin/sh\necho "[]"\n');
  chmodSync(opa, 0o755);
  user.environment['OPA'] = opa;
  server = await startFakeConductor(run, answer);
});
afterEach(async () => {
  await server.stop();
  user.leave();
});

/** What the golden run has no part in. */
function answer({ method, path }: Asked): Answer | undefined {
  if (path === '/api/workflows/refused/publish') return problemAnswer(403, 'POLICY_DENIED', { decisions: [DENIED_CODES] });
  if (path.endsWith('/dry-run')) return { json: { decisions: [DENIED] } };
  if (method !== 'POST') return undefined;
  if (path.endsWith('/cancel')) return { status: 202, json: { id } };
  if (path.endsWith('/resume')) return { status: 202, json: { id } };
  if (path.endsWith('/promote')) return { json: { id: 'fake', version: '1.1.0', position: '1' } };
  return path.endsWith('/rollback') ? { json: { id: 'fake', version: '1.1.0', to: null, position: '1' } } : undefined;
}
const DENIED_CODES = { pack: 'pii', allow: false, violations: ['PII_KEY'], obligations: [] };
const DENIED = { stage: 'publish', pack: 'pii', allow: false, violations: [{ code: 'PII_KEY', path: ['tasks', 0], params: {} }], obligations: [] };

const ROWS: readonly (readonly [name: string, exitCode: number, ...args: string[]])[] = [
  ['init', 0, 'init', 'new'],
  ['plan', 0, 'plan', '-m', `${examples}hello.yaml`],
  ['plan', 3, 'plan', '-m', `${examples}denied.yaml`],
  ['failure', 2, 'plan', '-m', 'flow.yaml'],
  ['failure', 2, 'plan', '-m', 'none.yaml'],
  ['failure', 2, 'plan'],
  ['failure', 2, 'status', '-e'],
  ['failure', 6, 'status', '-e', id, '--url', 'http://127.0.0.1:1'],
  ['policyTest', 3, 'policy', 'test', '-m', `${examples}denied.yaml`],
  ['policyTest', 3, 'policy', 'test', '--document', 'input.json'],
  ['packTests', 0, 'policy', 'test'],
  ['published', 0, 'publish', '-m', 'flow.yaml'],
  ['started', 0, 'run', '-w', 'fake'],
  ['started', 0, 'resume', 'old'],
  ['finished', 0, 'run', '-m', 'flow.yaml', '--key', goldenKeyFile],
  ['finished', 7, 'run', '-w', 'fake', '--follow'],
  ['finished', 0, 'resume', 'old', '--follow', '--key', goldenKeyFile],
  ['status', 0, 'status', '-e', id],
  ['cancelled', 0, 'cancel', id],
  ['promoted', 0, 'promote', '-w', 'fake'],
  ['rolledBack', 0, 'rollback', '-w', 'fake'],
  ['exported', 0, 'export', id, '--out', 'set'],
  ['verified', 0, 'verify', 'OK-one-task', '--key', goldenKeyFile],
  ['verified', 6, 'verify', 'TAMPERED_EVENT-flipped-byte_fail', '--key', goldenKeyFile],
  ['rebuilt', 0, 'rebuild', 'OK-one-task'],
  ['rebuilt', 8, 'rebuild', 'REBUILD_MISMATCH-cost_fail'],
];
const OFFLINE = ['init', 'plan', 'policy'];

describe('what --json prints fits its schema', () => {
  it.each(ROWS)('%s, exit code %i: %s', async (name, exitCode, ...args) => {
    const isOffline = OFFLINE.includes(args[0] ?? '') || args.includes('--url');
    const ran = await user.call(...args, '--json', ...(isOffline ? [] : ['--url', server.url]));
    expect(ran.exitCode).toBe(exitCode);
    expect(faultsOf(name, ran.out)).toEqual([]);
    expect(JSON.parse(ran.out)).toMatchObject({ ok: exitCode === 0, exitCode });
  });

  it('publishDenied, exit code 3: a publication that policy refuses', async () => {
    await server.stop();
    server = await startFakeConductor(run, (asked) =>
      asked.path === '/api/workflows' ? { status: 201, json: { id: 'refused', version: '1.0.0', digest: 'sha256:00' } } : answer(asked),
    );
    const ran = await user.call('run', '-m', 'flow.yaml', '--json', '--url', server.url);
    expect(ran.exitCode).toBe(3);
    expect(faultsOf('publishDenied', ran.out)).toEqual([]);
  });

  it('every document of the schema is printed by something here; up and logs in their own tests', () => {
    const parts = ['exitCode', 'verdict', 'next', 'finding', 'decision'];
    const elsewhere = ['up', 'publishDenied'];
    expect(new Set([...ROWS.map(([name]) => name), ...parts, ...elsewhere])).toEqual(new Set(OUTPUT_NAMES));
  });

  it('a document that lacks a member is found', () => {
    expect(faultsOf('started', '{"ok":true,"exitCode":0,"next":[]}')).toEqual([expect.stringContaining('executionId')]);
  });
});
