import { Fault } from '@maestro/ports';
import { manifest, task } from '../fixtures/commands.ts';
import type { Point } from '../fixtures/gated-ports.ts';
import { failedWith, succeededWith } from '../fixtures/scripted-ports.ts';
import { problemsOf } from '../fixtures/sound-history.ts';
import { World } from '../fixtures/world.ts';

/** A task that is retried, one that is long enough to say that it started, one that policy sees late, one under a lease. */
const DOCUMENT = manifest([
  task('retried', [], { retries: 1, with: { text: '${{ inputs.name }}' } }),
  task('long'),
  task('late', ['retried', 'long'], { with: { text: '${{ tasks.retried.outputs.text }}' } }),
  task('leased', ['late'], { uses: 'pkg:test/fenced@1.0.0' }),
], { inputs: { name: 'Ada' } });

type Disturb = (world: World, point: Point) => void;

/** Runs the document and disturbs the call at one place in the row of all calls; answers how many there were. */
async function runDisturbed(at: number, disturb: Disturb): Promise<{ readonly world: World; readonly id: string; readonly points: readonly string[] }> {
  const world = await World.open({ seed: at });
  const points: string[] = [];
  world.hook = (point) => {
    points.push(`${point.call} ${point.phase}`);
    if (points.length - 1 === at) disturb(world, point);
  };
  world.packages.play = async ({ context: { taskId, attempt }, input }) => {
    if (taskId === 'long') await new Promise<void>((resolve) => world.clock.after(900, resolve));
    return taskId === 'retried' && attempt === 1 ? failedWith('FLAKY', true) : succeededWith(input);
  };
  await world.published(DOCUMENT);
  const id = await world.started();
  await world.ended(id, 120_000);
  await world.until(() => world.role.openCount() === 0 && world.life.sealer.dueCount === 0, 10_000);
  return { world, id, points };
}

async function expectSoundEverywhere(disturb: Disturb, ofPoint: (name: string) => boolean): Promise<void> {
  const { points } = await runDisturbed(-1, () => undefined);
  const wrong: string[] = [];
  let disturbed = 0;
  for (const [at, point] of points.entries()) {
    if (!ofPoint(point)) continue;
    disturbed += 1;
    try {
      const { world, id } = await runDisturbed(at, disturb);
      const problems = await problemsOf(world, id);
      if (world.verdictOf(id) !== 'succeeded') problems.push(`the verdict is ${world.verdictOf(id)}`);
      wrong.push(...problems.map((problem) => `${at} ${point}: ${problem}`));
    } catch (error) {
      wrong.push(`${at} ${point}: ${(error as Error).message}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(disturbed).toBeGreaterThan(20);
}

describe('a process that dies', () => {
  it('before or after any write or hand-out leaves a run that its successor ends once, with one receipt', async () => {
    await expectSoundEverywhere((world) => world.crash(), () => true);
  }, 30_000);
});

describe('a call that faults once', () => {
  it('before it took effect delays the run, and neither loses nor doubles anything', async () => {
    await expectSoundEverywhere((_, { call }) => {
      throw new Fault(call === 'queue.publish' ? 'QUEUE_FULL' : 'STORE_READ_ONLY', 'the disk is full', { retryable: true });
    }, (point) => point.endsWith('before'));
  }, 30_000);

  it('after it took effect is sent again, and neither loses nor doubles anything', async () => {
    await expectSoundEverywhere(() => {
      throw new Fault('STORE_OUTCOME_UNKNOWN', 'the connection broke', { retryable: true });
    }, (point) => point.endsWith('after'));
  }, 30_000);
});
