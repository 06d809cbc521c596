import { cancel, manifest, task } from '../../fixtures/commands.ts';
import { untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';

const ONE = manifest([task('a')]);

const timeOf = (world: World, id: string, type: string): number => Date.parse(world.of(`execution-${id}`).find(({ event }) => event.type === `execution.${type}.v1`)?.at ?? '');

describe('a cancel', () => {
  it('signals what runs at once, and the run ends when it has stopped', async () => {
    const world = await World.open();
    await world.published(manifest([task('a'), task('b', ['a'])]));
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.advance(1_000);
    const askedMs = world.clock.nowMs();
    await world.send(cancel(id));
    await world.settle();
    expect([world.verdictOf(id), timeOf(world, id, 'completed')]).toEqual(['cancelled', askedMs]);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('ends what does not stop by itself after ten seconds', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = () => new Promise(() => undefined);
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.advance(9_999);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(1);
    expect(world.verdictOf(id)).toBe('cancelled');
  });

  it('is kept over a crash: nothing of the run is handed out again', async () => {
    const world = await World.open();
    await world.published(ONE);
    world.packages.play = () => new Promise(() => undefined);
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.settle();
    world.crash();
    await world.settle();
    await world.advance(9_000);
    expect(world.packages.attempts).toHaveLength(1);
    await world.advance(1_000);
    expect(world.verdictOf(id)).toBe('cancelled');
    expect(await problemsOf(world, id)).toEqual([]);
  });
});
