import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { someUser } from '../fixtures/command-line.ts';

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url));

/** milliseconds; the conductor's code is loaded by the first */
jest.setTimeout(60_000);

let user: ReturnType<typeof someUser>;
beforeEach(() => {
  user = someUser();
});
afterEach(() => user.leave());

describe('maestro plan', () => {
  it('says what would run, what policy says and what it may cost, and writes nothing', async () => {
    const ran = await user.call('plan', '-m', `${examples}release-evidence.yaml`);
    expect(ran).toMatchObject({ exitCode: 0, notes: '' });
    expect(ran.out).toMatch(/✓ it would start {2}release-evidence 0\.1\.0/);
    expect(ran.out).toContain('schema → example-fits → report → report-digest');
    expect(ran.out).toMatch(/cost +0\.0\d+ USD expected, 0\.0\d+ at most/);
    expect(ran.out).toMatch(/│ 4 +│ report-digest \*/);
    expect(ran.out).toContain('needs');
    expect(readdirSync(user.folder)).toEqual([]);
  });

  it('names pack, code and place of a denial, with exit code 3', async () => {
    const ran = await user.call('plan', '-m', `${examples}denied.yaml`);
    expect(ran.exitCode).toBe(3);
    expect(ran.out).toContain('pii  PII_KEY  at /tasks/0/with/value/ssn of the manifest');
    const told = JSON.parse((await user.call('plan', '-m', `${examples}denied.yaml`, '--json')).out) as object;
    expect(told).toMatchObject({ ok: false, exitCode: 3, wouldStart: false, workflow: { id: 'denied' } });
  });

  it('places every problem of a manifest by line and column, with exit code 2', async () => {
    writeFileSync(join(user.folder, 'bad.yaml'), 'name: bad\nversion: 1.0.0\ntasks:\n  - id: a\n    uses: pkg:core/echo@1.0.0\n    need: []\n    needs: [a]\n');
    const ran = await user.call('plan', '-m', 'bad.yaml');
    expect(ran).toMatchObject({ exitCode: 2, out: '' });
    expect(ran.notes).toContain('MANIFEST_INVALID');
    expect(ran.notes).toContain('bad.yaml:6:5  /tasks/0/need  SCHEMA  unknown field; remove it');
  });

  it('counts an input that nobody gives as a problem', async () => {
    writeFileSync(
      join(user.folder, 'open.json'),
      JSON.stringify({ name: 'open', version: '1.0.0', tasks: [{ id: 'a', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ inputs.who }}' } }] }),
    );
    const ran = await user.call('plan', '-m', 'open.json');
    expect(ran.exitCode).toBe(2);
    expect(ran.out).toMatch(/✗ it would not start: 1 problem[^]+EXPRESSION_UNRESOLVED/);
    expect(await user.call('plan', '-m', 'open.json', '-i', 'who=Ada')).toMatchObject({ exitCode: 0 });
  });

  it('follows the configuration that a conductor started here would have', async () => {
    writeFileSync(join(user.folder, 'maestro.yaml'), 'requireRegion: true\n');
    expect((await user.call('plan', '-m', `${examples}hello.yaml`)).exitCode).toBe(3);
    expect((await user.call('plan', '-m', `${examples}hello.yaml`, '--region', 'DE')).exitCode).toBe(0);
    writeFileSync(join(user.folder, 'maestro.yaml'), 'port: nowhere\n');
    expect(await user.call('plan', '-m', `${examples}hello.yaml`)).toMatchObject({
      exitCode: 2,
      notes: expect.stringContaining('CONFIG_INVALID'),
    });
  });
});

describe('maestro policy test', () => {
  it('asks the compiled packs about a manifest', async () => {
    expect(await user.call('policy', 'test', '-m', `${examples}hello.yaml`)).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('✓ allowed'),
    });
    const denied = await user.call('policy', 'test', '-m', `${examples}denied.yaml`);
    expect(denied.exitCode).toBe(3);
    expect(denied.out).toContain('residency  REGION_BANNED  at /region of the manifest (region KP)');
  });

  it('asks them about one policy input, at the stage that is named', async () => {
    writeFileSync(join(user.folder, 'input.json'), '{}');
    const ran = await user.call('policy', 'test', '--document', 'input.json', '--stage', 'task', '--json');
    expect(JSON.parse(ran.out)).toMatchObject({
      ok: false,
      exitCode: 3,
      decisions: [{ stage: 'task', pack: 'pii', allow: false, violations: [{ code: 'INPUT_INVALID' }] }],
    });
  });

  it('says why an input cannot be used', async () => {
    writeFileSync(join(user.folder, 'input.json'), '{');
    for (const file of ['input.json', 'none.json']) {
      const ran = await user.call('policy', 'test', '--document', file);
      expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringContaining(`POLICY_INPUT_UNREADABLE: ${file}`) });
    }
  });

  it("runs the packs' own tests with opa, and tells what to do where there is none", async () => {
    const opa = join(user.folder, 'opa');
    user.environment['OPA'] = opa;
    expect(await user.call('policy', 'test')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('OPA_MISSING') });
    const script = (code: number): void => {
      writeFileSync(opa, `#!/bin/sh\nprintf '["%s","%s"]' "$1" "$2"\nexit ${code}\n`);
      chmodSync(opa, 0o755);
    };
    script(0);
    const passed = await user.call('policy', 'test', '--packs', 'packs', '--json');
    expect(JSON.parse(passed.out)).toMatchObject({ ok: true, exitCode: 0, report: ['test', join(user.folder, 'packs')] });
    script(2);
    expect(await user.call('policy', 'test', '--packs', 'packs')).toMatchObject({ exitCode: 9 });
  });
});
