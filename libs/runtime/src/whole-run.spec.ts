import { manifest, task } from '../fixtures/commands.ts';
import { problemsOf } from '../fixtures/sound-history.ts';
import { World } from '../fixtures/world.ts';

describe('a run', () => {
  it('goes from a manifest to a signed receipt without any timer', async () => {
    const world = await World.open();
    await world.published(manifest([task('a', [], { with: { text: '${{ inputs.name }}' } }), task('b', ['a'], { with: { text: '${{ tasks.a.outputs.text }}!' } })], { inputs: { name: 'Ada' } }));
    const before = world.clock.nowMs();
    const id = await world.started();
    await world.settle();
    expect(world.types(id)).toEqual([
      'requested', 'policy-check-requested', 'policy-decided', 'started', 'task-scheduled', 'task-succeeded',
      'task-policy-check-requested', 'policy-decided', 'task-scheduled', 'task-succeeded', 'completed',
    ]);
    expect(world.clock.nowMs()).toBe(before);
    expect(world.packages.attempts.map(({ input }) => input)).toEqual([{ text: 'Ada' }, { text: 'Ada!' }]);
    expect(await problemsOf(world, id)).toEqual([]);
  });
});
