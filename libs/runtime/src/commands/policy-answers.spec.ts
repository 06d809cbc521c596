import type { AnyEvent } from '@maestro/contracts';
import { manifest, publish, saveDraft, task } from '../../fixtures/commands.ts';
import type { Verdict } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';

type Decided = Extract<AnyEvent, { type: 'execution.policy-decided.v1' }>['data'];

async function decidedOn(verdict: Verdict, setUp: (world: World) => void = () => undefined): Promise<{ readonly world: World; readonly id: string; readonly decision: Decided | undefined }> {
  const world = await World.open();
  await world.published(manifest([task('a')]));
  world.policies.verdictOf = () => verdict;
  setUp(world);
  const id = await world.started();
  await world.ended(id);
  expect(await problemsOf(world, id)).toEqual([]);
  const [decision] = world.of(`execution-${id}`).flatMap(({ event }) => (event.type === 'execution.policy-decided.v1' ? [event.data] : []));
  return { world, id, decision };
}

describe('a decision', () => {
  it('carries every pack with the digests of what evaluated it', async () => {
    const { world, id, decision } = await decidedOn('allow');
    const { set } = world.policies;
    expect(decision).toMatchObject({ checkId: 'start', stage: 'start', taskId: null, allow: true, reason: null, setDigest: set.setDigest, wasmDigest: set.wasmDigest, dataDigest: set.dataDigest, engine: set.engine, entrypoint: 'start', durationUs: 7 });
    expect(decision?.packs).toEqual(set.packs.map(({ name, packDigest }) => ({ pack: name, allow: true, violations: [], obligations: [], packDigest })));
    expect(world.verdictOf(id)).toBe('succeeded');
  });

  it('against a run denies it with the codes of what it violates', async () => {
    const { world, id, decision } = await decidedOn({ deny: 'COST_TOO_HIGH' });
    expect(decision).toMatchObject({ allow: false, reason: null, packs: [{ pack: 'cost', allow: false, violations: ['COST_TOO_HIGH'] }, { pack: 'pii', allow: true }] });
    expect(world.of(`execution-${id}`).at(-1)?.event).toMatchObject({ type: 'execution.denied.v1', data: { reason: 'POLICY_DENIED', violations: ['COST_TOO_HIGH'] } });
    expect(world.packages.attempts).toEqual([]);
  });

  it.each([
    ['the engine faulted', 'fault'],
    ['a pack is missing from the report', 'one-pack-missing'],
  ] as const)('where %s is a deny, EVALUATION_FAILED, with no pack said to allow', async (_, verdict) => {
    const { world, id, decision } = await decidedOn(verdict);
    expect(decision).toMatchObject({ allow: false, reason: 'EVALUATION_FAILED', packs: [], result: null });
    expect(world.of(`execution-${id}`).at(-1)?.event).toMatchObject({ type: 'execution.denied.v1', data: { reason: 'EVALUATION_FAILED' } });
  });

  it('that no pack of the set was asked for is a deny: nobody to ask is no consent', async () => {
    const { decision } = await decidedOn('allow', ({ policies }) => {
      const packs = policies.set.packs.map((pack) => ({ ...pack, stages: ['publish'] as const }));
      policies.sets = () => [{ ...policies.set, packs }];
    });
    expect(decision).toMatchObject({ allow: false, reason: 'EVALUATION_FAILED', packs: [] });
  });

  it('of a set that this process no longer has is a deny', async () => {
    const { decision } = await decidedOn('allow', (world) => {
      world.policies.sets = () => [];
    });
    expect(decision).toMatchObject({ allow: false, reason: 'EVALUATION_FAILED', wasmDigest: null, engine: null });
  });

  it.each([
    ['says allow with violations', { allow: true, ready: true, violations: [{ code: 'COST_TOO_HIGH', path: [], params: {} }] }],
    ['says allow and is not ready', { allow: true, ready: false, violations: [] }],
    ['says neither', { allow: false, ready: true, violations: [] }],
  ])('of a pack that %s is a deny', async (_, result) => {
    const { world, id } = await decidedOn('allow', ({ policies }) => {
      policies.evaluate = async () => ({ allow: true, packs: ['cost', 'pii'].map((pack) => ({ pack, obligations: [], ...result })), durationUs: 1 });
    });
    expect(world.verdictOf(id)).toBe('denied');
  });

  it('says each code once, sorted; what was found stays sealed', async () => {
    const finding = (code: string) => ({ code, path: ['tasks', 0], params: { found: 'a secret value' } });
    const { world, decision } = await decidedOn('allow', ({ policies }) => {
      policies.evaluate = async () => ({ allow: false, packs: ['cost', 'pii'].map((pack) => ({ pack, allow: false, ready: true, obligations: [finding('TELL_OWNER')], violations: ['B2', 'A1', 'B2'].map(finding) })), durationUs: 1 });
    });
    expect(decision?.packs[0]).toMatchObject({ violations: ['A1', 'B2'], obligations: ['TELL_OWNER'] });
    expect(decision?.result?.commitment).toMatch(/^[0-9a-f]{64}$/);
    expect(world.eventLog.events.some(({ bytes }) => Buffer.from(bytes).toString().includes('a secret value'))).toBe(false);
  });

  it('with findings too large to keep beside it is recorded without them', async () => {
    const { world, id } = await decidedOn('allow', ({ policies }) => {
      const large = { code: 'FOUND', path: [], params: { text: 'x'.repeat(200_000) } };
      policies.evaluate = async () => ({ allow: false, packs: ['cost', 'pii'].map((pack) => ({ pack, allow: false, ready: true, obligations: [], violations: [large] })), durationUs: 1 });
    });
    expect(world.verdictOf(id)).toBe('denied');
  });

  it('is the first one: a second answer to the same check changes nothing', async () => {
    const { world, id } = await decidedOn('allow');
    const count = world.of(`execution-${id}`).length;
    const report = { outcome: 'evaluated', packs: [], durationUs: 1, evaluatedAt: '2026-01-05T10:00:00.000Z', inputCommitment: 'a'.repeat(64), failure: null } as const;
    const answer = await world.role.gateway.send({ ...publish(), command: { type: 'execution.record-policy-decision.v1', payload: { executionId: id, checkId: 'start', report: { ...report, packs: [] } } }, commandId: 'e'.repeat(64) });
    expect(answer).toMatchObject({ kind: 'refused' });
    expect(world.of(`execution-${id}`)).toHaveLength(count);
  });

  it('denies a publication, which another draft may follow', async () => {
    const world = await World.open();
    world.policies.verdictOf = () => ({ deny: 'PII_FOUND' });
    await world.send(saveDraft(manifest([task('a')])));
    await world.send(publish());
    await world.settle();
    expect(world.of('workflow-greeting').at(-1)?.event).toMatchObject({ type: 'workflow.publish-denied.v1', data: { reason: 'POLICY_DENIED', violations: ['PII_FOUND'] } });
    world.policies.verdictOf = () => 'allow';
    await world.published(manifest([task('a')], { version: '1.0.1' }));
    expect(world.of('workflow-greeting').at(-1)?.event).toMatchObject({ type: 'workflow.published.v1', data: { version: '1.0.1', channel: 'stable' } });
  });
});
