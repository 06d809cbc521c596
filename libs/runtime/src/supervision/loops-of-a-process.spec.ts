import { Fault } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { World } from '../../fixtures/world.ts';

const statesOf = (world: World): { readonly [name: string]: string } => Object.fromEntries(world.life.supervision.loops.rows().map(({ name, state }) => [name, state]));

/** A world with a published workflow, whose event store refuses appends while told so. */
async function withFullDisk(): Promise<{ readonly world: World; readonly disk: { isFull: boolean } }> {
  const world = await World.open();
  await world.published(manifest([task('a')]));
  const disk = { isFull: false };
  world.hook = ({ call, phase }) => {
    if (disk.isFull && call === 'store.append' && phase === 'before') throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
  };
  return { world, disk };
}

describe('the loops of a process', () => {
  it('all run once there was something to do for each', async () => {
    const { world } = await withFullDisk();
    await world.ended(await world.started());
    await world.settle();
    expect(statesOf(world)).toEqual({ dispatcher: 'running', policy: 'running', projector: 'running', receipts: 'running', 'receipts-sealing': 'running', runner: 'running' });
  });

  it('say that they wait while decisions cannot be reported, and run again when they can', async () => {
    const { world, disk } = await withFullDisk();
    world.policies.verdictOf = () => {
      disk.isFull = true;
      return 'allow';
    };
    const id = await world.started();
    await world.settle();
    expect(world.life.supervision.loops.rows().find(({ name }) => name === 'policy')).toMatchObject({ state: 'failing', detail: 'STORE_READ_ONLY: the disk is full' });
    world.policies.verdictOf = () => 'allow';
    disk.isFull = false;
    await world.ended(id);
    expect(statesOf(world)).toMatchObject({ policy: 'running' });
  });

  it('say that they wait while results cannot be reported, and run again when they can', async () => {
    const { world, disk } = await withFullDisk();
    world.packages.play = async () => {
      disk.isFull = true;
      return { kind: 'succeeded', output: {}, log: '' };
    };
    const id = await world.started();
    await world.settle();
    expect(statesOf(world)).toMatchObject({ runner: 'failing', policy: 'running' });
    disk.isFull = false;
    await world.ended(id);
    expect(statesOf(world)).toMatchObject({ runner: 'running' });
  });

  it('are stopped when they were asked to', async () => {
    const { world } = await withFullDisk();
    await world.life.policy?.stop(0);
    await world.life.runner?.stop(0);
    await world.role.stop();
    await world.life.sealer.stop();
    expect(statesOf(world)).toMatchObject({ dispatcher: 'stopped', policy: 'stopped', receipts: 'stopped', runner: 'stopped', projector: 'running' });
  });
});
