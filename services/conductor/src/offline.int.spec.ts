import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { decideOffline, planOffline } from './offline.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const deployment = { region: null, requireRegion: false };
const yaml = (text: string) => ({ format: 'yaml' as const, bytes: new TextEncoder().encode(text) });
const example = (name: string) => ({ format: 'yaml' as const, bytes: readFileSync(`${root}examples/${name}.yaml`) });

/** milliseconds; the packs are compiled in each test */
jest.setTimeout(30_000);

describe('a plan without a conductor', () => {
  it('holds levels, critical path, decisions of both stages and the cost', async () => {
    const plan = await planOffline({ manifest: example('release-evidence'), inputs: {}, region: null, deployment });
    expect(plan).toMatchObject({
      workflow: { id: 'release-evidence', version: '0.1.0', source: 'draft' },
      wouldStart: true,
      problems: [],
    });
    expect(plan.workflow.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(plan.plan.levels).toHaveLength(4);
    expect(plan.plan.criticalPath.at(-1)).toBe('report-digest');
    expect(plan.plan.tasks).toHaveLength(9);
    expect([...new Set(plan.decisions.map(({ stage }) => stage))]).toEqual(['publish', 'start']);
    expect(plan.estimate.expectedMicroUsd).toBeGreaterThan(0);
    expect(plan.estimate.highMicroUsd).toBeGreaterThan(plan.estimate.expectedMicroUsd);
  });

  it('names what the packs refuse, and where', async () => {
    const plan = await planOffline({ manifest: example('denied'), inputs: {}, region: null, deployment });
    expect(plan.wouldStart).toBe(false);
    const denied = plan.decisions.filter(({ allow }) => !allow);
    expect(new Set(denied.map(({ pack }) => pack))).toEqual(new Set(['pii', 'residency']));
    expect(denied.flatMap(({ violations }) => violations.map(({ path }) => path))).toContainEqual(['workflow', 'region']);
  });

  it('asks for a region where the deployment does', async () => {
    const asked = { manifest: example('hello'), inputs: {}, region: null, deployment: { region: null, requireRegion: true } };
    expect((await planOffline(asked)).wouldStart).toBe(false);
    expect((await planOffline({ ...asked, region: 'DE' })).wouldStart).toBe(true);
  });

  it('says which input nobody gives', async () => {
    const text = 'name: open\nversion: 1.0.0\ntasks:\n  - id: a\n    uses: pkg:core/echo@1.0.0\n    with: { value: "${{ inputs.who }}" }\n';
    const asked = { manifest: yaml(text), inputs: {}, region: null, deployment };
    expect((await planOffline(asked)).problems).toMatchObject([{ pointer: '/tasks/0/with/value', code: 'EXPRESSION_UNRESOLVED' }]);
    expect((await planOffline({ ...asked, inputs: { who: 'Ada' } })).problems).toEqual([]);
  });

  it('places every problem of a manifest', async () => {
    const text = 'name: bad\nversion: 1.0.0\ntasks:\n  - id: a\n    uses: pkg:core/none@1.0.0\n    needs: [b]\n';
    await expect(planOffline({ manifest: yaml(text), inputs: {}, region: null, deployment })).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      errors: expect.arrayContaining([
        expect.objectContaining({ pointer: '/tasks/0/uses', line: 5, column: 5 }),
        expect.objectContaining({ pointer: '/tasks/0/needs/0', line: 6 }),
      ]),
    });
  });

  it.each([
    ['', 'BODY_REQUIRED'],
    ['a: 1\na: 2\n', 'DUPLICATE_KEY'],
    [`name: ${'x'.repeat(262_144)}`, 'BODY_TOO_LARGE'],
    [`name: ${'x'.repeat(1_048_576)}`, 'BODY_TOO_LARGE'],
  ])('refuses what a conductor would not read', async (text, code) => {
    await expect(planOffline({ manifest: yaml(text), inputs: {}, region: null, deployment })).rejects.toMatchObject({ code });
  });
});

describe('a decision without a conductor', () => {
  it('is that of the active set', async () => {
    const decided = await decideOffline('publish', {});
    expect(decided).toMatchObject({ stage: 'publish', result: { allow: false }, set: { setDigest: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    expect(decided.result.packs.map(({ pack }) => pack)).toEqual(['pii', 'residency']);
  });
});
