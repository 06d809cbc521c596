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
  if (path.endsWith('/log')) return { type: 'text/plain', text: 'one\n' };
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

type Row = readonly [name: string, exitCode: number, args: readonly string[]];
const row = (name: string, exitCode: number, ...args: readonly string[]): Row => [name, exitCode, args];
const ROWS: readonly Row[] = [
  row('init', 0, 'init', 'new'),
  row('plan', 0, 'plan', '-m', `${examples}hello.yaml`),
  row('plan', 3, 'plan', '-m', `${examples}denied.yaml`),
  row('failure', 2, 'plan', '-m', 'flow.yaml'),
  row('failure', 2, 'plan', '-m', 'none.yaml'),
  row('failure', 2, 'plan'),
  row('failure', 2, 'status', '-e'),
  row('failure', 6, 'status', '-e', id, '--url', 'http://127.0.0.1:1'),
  row('policyTest', 3, 'policy', 'test', '-m', `${examples}denied.yaml`),
  row('policyTest', 3, 'policy', 'test', '--document', 'input.json'),
  row('examined', 0, 'doctor'),
  row('packTests', 0, 'policy', 'test'),
  row('published', 0, 'publish', '-m', 'flow.yaml'),
  row('started', 0, 'run', '-w', 'fake'),
  row('started', 0, 'resume', 'old'),
  row('finished', 0, 'run', '-m', 'flow.yaml', '--key', goldenKeyFile),
  row('finished', 7, 'run', '-w', 'fake', '--follow'),
  row('finished', 0, 'resume', 'old', '--follow', '--key', goldenKeyFile),
  row('status', 0, 'status', '-e', id),
  row('cancelled', 0, 'cancel', id),
  row('logs', 0, 'logs', id, 'fetch'),
  row('promoted', 0, 'promote', '-w', 'fake'),
  row('rolledBack', 0, 'rollback', '-w', 'fake'),
  row('exported', 0, 'export', id, '--out', 'set'),
  row('verified', 0, 'verify', 'OK-one-task', '--key', goldenKeyFile),
  row('verified', 6, 'verify', 'TAMPERED_EVENT-flipped-byte_fail', '--key', goldenKeyFile),
  row('rebuilt', 0, 'rebuild', 'OK-one-task'),
  row('rebuilt', 8, 'rebuild', 'REBUILD_MISMATCH-cost_fail'),
];
const OFFLINE = ['init', 'plan', 'policy', 'doctor'];

describe('what --json prints fits its schema', () => {
  it.each(ROWS)('%s, exit code %i: %j', async (name, exitCode, args) => {
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

  it('every document of the schema is printed by something here; the others in their own tests', () => {
    const parts = ['exitCode', 'verdict', 'next', 'finding', 'decision', 'acceptedLoss'];
    const elsewhere = ['clusterStatus', 'clusterEnded', 'up', 'publishDenied', 'backedUp', 'restored', 'lossAccepted', 'exportedAll', 'imported'];
    expect(new Set([...ROWS.map(([name]) => name), ...parts, ...elsewhere])).toEqual(new Set(OUTPUT_NAMES));
  });

  it('a document that lacks a member is found', () => {
    expect(faultsOf('started', '{"ok":true,"exitCode":0,"next":[]}')).toEqual([expect.stringContaining('executionId')]);
  });
});
