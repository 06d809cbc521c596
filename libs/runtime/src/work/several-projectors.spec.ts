import { Lifeline, MemoryReadModels } from '@maestro/adapter-memory';
import { PROJECTION_VERSION } from '@maestro/domain';
import type { ReadModels } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { freshRows, storedRows } from '../../fixtures/fresh-rows.ts';
import { gated } from '../../fixtures/gated-ports.ts';
import type { Hook } from '../../fixtures/gated-ports.ts';
import { World } from '../../fixtures/world.ts';
import { projectViews } from './project-views.ts';

const METRICS = { count: () => undefined, gauge: () => undefined, observe: () => undefined };

/** A projector of another process on the same tables. */
class Projector {
  readonly stop = new AbortController();
  readonly line = new Lifeline();
  readonly run: Promise<void>;

  constructor(world: World, views: ReadModels, hook: Hook = () => undefined) {
    const own = gated(views, 'views', this.line, ['apply', 'swap'], hook);
    this.run = projectViews({ store: world.life.store, views: own, clock: this.line.clock(world.clock), metrics: METRICS, log: world.log }, this.stop.signal);
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.run;
  }
}

async function worldOfRuns(): Promise<World> {
  const world = await World.open({ roles: ['policy', 'runner', 'receipt'] });
  await world.published(manifest([task('a'), task('b', ['a'])]));
  for (let i = 0; i < 3; i += 1) await world.started(`run ${i}`);
  await settled(world);
  return world;
}

/** Long enough for everybody who waits out a fault to try again. */
async function settled(world: World): Promise<void> {
  for (let i = 0; i < 8; i += 1) await world.advance(1_000);
}

describe('several projectors on the same tables', () => {
  it('say together what one of them would have said, and go on when one dies', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    const projectors = [new Projector(world, views), new Projector(world, views), new Projector(world, views)];
    for (const each of projectors) {
      await world.started(`while ${projectors.indexOf(each)} lives`);
      await settled(world);
      each.line.cut();
      await world.started(`after ${projectors.indexOf(each)}`);
      await settled(world);
    }
    const last = new Projector(world, views);
    await settled(world);
    expect(await storedRows({ views })).toEqual(freshRows(world));
    await last.end();
  });

  it('do not take back what one of them folded while another was about to swap new tables in', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    const positions: number[] = [];
    let isFirst = true;
    const one = new Projector(world, views);
    await settled(world);
    const other = new Projector(world, views, async ({ call, phase }) => {
      if (call !== 'views.swap' || phase !== 'before' || !isFirst) return;
      isFirst = false;
      // another process folds between the look at both tables and the swap
      await world.started('meanwhile');
      await settled(world);
      positions.push(world.eventLog.positionOf(await views.position()));
    });
    await views.requestRebuild();
    one.line.cut();
    const third = new Projector(world, views);
    await settled(world);
    positions.push(world.eventLog.positionOf(await views.position()));
    expect(isFirst).toBe(false);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(await storedRows({ views })).toEqual(freshRows(world));
    await Promise.all([other.end(), third.end()]);
  });
});

describe('tables that were lost while a projector runs', () => {
  it('are filled from the start, with the next event at the latest', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    const projector = new Projector(world, views);
    await settled(world);
    expect(await storedRows({ views })).toEqual(freshRows(world));
    await views.reset(PROJECTION_VERSION);
    await world.started('after the loss');
    await settled(world);
    expect(await storedRows({ views })).toEqual(freshRows(world));
    await projector.end();
  });

  it('are filled from where they stand, where a backup brought them back', async () => {
    const world = await worldOfRuns();
    const [views, backup] = [new MemoryReadModels(), new MemoryReadModels()];
    await new Projector(world, backup).end();
    const early = new Projector(world, backup);
    await settled(world);
    await early.end();
    let current = backup;
    const either = new Proxy(views, { get: (_, key) => { const value: unknown = Reflect.get(current, key, current); return typeof value === 'function' ? (value.bind(current) as unknown) : value; } });
    current = views;
    const projector = new Projector(world, either);
    await settled(world);
    await world.started('what the backup does not know');
    await settled(world);
    current = backup;
    await world.started('after the restore');
    await settled(world);
    expect(await storedRows({ views: backup })).toEqual(freshRows(world));
    await projector.end();
  });

  it('are begun anew where they were being filled beside', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    let dropped = 0;
    const projector = new Projector(world, views, async ({ call, phase, args }) => {
      if (call !== 'views.apply' || phase !== 'after' || args[1] !== 'filling' || dropped > 0) return;
      dropped += 1;
      await views.reset(PROJECTION_VERSION);
    });
    await settled(world);
    await world.started('later');
    await settled(world);
    expect(dropped).toBe(1);
    expect(await storedRows({ views })).toEqual(freshRows(world));
    await projector.end();
  });
});
