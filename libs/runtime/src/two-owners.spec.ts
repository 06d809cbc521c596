import { Fault } from '@maestro/ports';
import { manifest, publish, saveDraft, start, task } from '../fixtures/commands.ts';
import { problemsOf } from '../fixtures/sound-history.ts';
import { World } from '../fixtures/world.ts';

const DOCUMENT = manifest([task('a', [], { with: { text: '${{ inputs.name }}' } }), task('b', ['a'], { with: { text: '${{ tasks.a.outputs.text }}' } })], { inputs: { name: 'Ada' } });

describe('two owners of the same runs', () => {
  it('hand out what the other appended, whatever they remember of the run', async () => {
    const world = await World.open();
    await world.published(DOCUMENT);
    const other = world.life.another();
    await other.start();
    // the owner that appends hands nothing out: only the other can
    world.hook = ({ call }) => {
      if (call === 'queue.publish') throw new Fault('QUEUE_FULL', 'full', { retryable: true });
    };
    const started = await other.gateway.send(start('run'));
    if (started.kind === 'refused') throw new Error(started.rejection.detail);
    const id = String(started.result['executionId']);
    await world.ended(id, 60_000);
    expect(world.verdictOf(id)).toBe('succeeded');
    expect(await problemsOf(world, id)).toEqual([]);
    await other.stop();
  });

  it('see what the other published, also where they looked before', async () => {
    const world = await World.open();
    const other = world.life.another();
    await other.start();
    expect(await other.gateway.send(start('early'))).toMatchObject({ kind: 'refused', rejection: { code: 'WORKFLOW_NOT_FOUND' } });
    await world.published(DOCUMENT);
    expect(await other.gateway.send(start('run'))).toMatchObject({ kind: 'ok' });
    await world.published({ ...DOCUMENT, version: '1.1.0' });
    expect(await other.gateway.send(start('newer', { version: '1.1.0' }))).toMatchObject({ kind: 'ok' });
    await other.stop();
  });

  it('make one run of a start that both get, and answer the same', async () => {
    const world = await World.open();
    await world.published(DOCUMENT);
    const other = world.life.another();
    await other.start();
    const answers = await Promise.all([world.role, other, world.role, other].map(({ gateway }) => gateway.send(start('run'))));
    const ids = answers.map((answer) => (answer.kind === 'ok' ? answer.result['executionId'] : answer.rejection.code));
    expect(new Set(ids).size).toBe(1);
    const id = String(ids[0]);
    await world.ended(id);
    expect(await problemsOf(world, id)).toEqual([]);
    await other.stop();
  });

  it('publish one version once, though both are asked and both time its check', async () => {
    const world = await World.open();
    const other = world.life.another();
    await other.start();
    world.policies.verdictOf = () => 'silent';
    await world.role.gateway.send(saveDraft(DOCUMENT));
    await Promise.all([world.role.gateway.send(publish()), other.gateway.send(publish())]);
    await world.advance(31_000);
    expect(world.of('workflow-greeting').map(({ event }) => event.type)).toEqual(['workflow.draft-saved.v1', 'workflow.publish-requested.v1', 'workflow.policy-decided.v1', 'workflow.publish-denied.v1']);
    await other.stop();
  });
});
