import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ProgramUser, root } from '../fixtures/compiled-program.ts';
import { findConductor } from './conductor/presence.ts';

const examples = join(root, 'examples');

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
const maestro = (args: readonly string[], cwd?: string) => user.run(args, cwd);

type Told = {
  readonly executionId: string;
  readonly folder: string;
  readonly verification: { readonly code: string | null };
  readonly receipt: { readonly steps: readonly { readonly id: string; readonly status: string }[] };
};

describe('./maestro on an empty data folder', () => {
  it('runs hello from its manifest to a verified receipt, and leaves no process behind', async () => {
    const ran = await maestro(['run', '-m', join(examples, 'hello.yaml'), '--data', data(), '--out', 'set']);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.notes).toMatch(/enrolled root key SHA256:[^]+greet +✓ succeeded[^]+run +✓ succeeded/);
    expect(ran.out).toMatch(/✓ SUCCEEDED {2}hello 0\.1\.0[^]+VERIFIED/);
    expect(readdirSync(join(home, 'set')).sort()).toEqual([
      'README',
      'events.jsonl',
      'key.pub',
      'manifest.json',
      'receipt.json',
      'receipt.sigstore.json',
    ]);
    expect(await findConductor(data())).toBeUndefined();
    expect(existsSync(join(data(), 'conductor.json'))).toBe(false);
    expect(await maestro(['verify', 'set'])).toMatchObject({ exitCode: 0 });
    expect(await maestro(['rebuild', 'set'])).toMatchObject({ exitCode: 0 });
    const events = readFileSync(join(home, 'set', 'events.jsonl'), 'utf8');
    writeFileSync(join(home, 'set', 'events.jsonl'), events.replace('"revision":1', '"revision":7'));
    expect(await maestro(['verify', 'set'])).toMatchObject({ exitCode: 6, out: expect.stringContaining('TAMPERED_EVENT') });
  });

  it('refuses the denied example, and a run in a banned region with a receipt', async () => {
    const refused = await maestro(['run', '-m', join(examples, 'denied.yaml'), '--data', data()]);
    expect(refused.exitCode).toBe(3);
    expect(refused.out).toMatch(/pii {2}PII_KEY {2}at \/tasks\/0\/with\/value\/ssn of the manifest/);
    expect(refused.out).toMatch(/residency {2}REGION_BANNED {2}at \/region of the manifest/);
    const denied = await maestro(['run', '-m', join(examples, 'hello.json'), '--region', 'KP', '--data', data()]);
    expect(denied.exitCode).toBe(3);
    expect(denied.out).toMatch(/✗ DENIED[^]+VERIFIED[^]+residency {2}REGION_BANNED {2}at the requested region/);
  });

  it('collects the evidence of a release', async () => {
    const workspace = join(home, 'workspace');
    mkdirSync(workspace);
    for (const file of [
      'package-lock.json',
      'package.json',
      'README.md',
      'LICENSE',
      'maestro',
      'examples',
      'contracts/schemas',
    ]) {
      cpSync(join(root, file), join(workspace, file), { recursive: true });
    }
    const ran = await maestro(['run', '-m', 'examples/release-evidence.yaml', '--data', data(), '--json'], workspace);
    expect(ran).toMatchObject({ exitCode: 0 });
    const { receipt, verification } = JSON.parse(ran.out) as Told;
    expect(verification.code).toBeNull();
    expect(receipt.steps.map(({ id, status }) => `${id} ${status}`)).toHaveLength(9);
    const report = JSON.parse(readFileSync(join(workspace, 'report', 'release-evidence.json'), 'utf8')) as {
      licences: { dependencies: number; byLicence: Record<string, number> };
    };
    expect(report).toMatchObject({
      allPinned: true,
      integrity: { unpinned: [] },
      manifestSchema: { exampleFits: true },
      project: { name: 'maestro' },
    });
    expect(report.licences.byLicence['MIT']).toBeGreaterThan(100);
    expect(Object.values(report.licences.byLicence).reduce((sum, n) => sum + n, 0)).toBe(report.licences.dependencies);
  });
});
