import { Lifeline, MemoryReadModels } from '@maestro/adapter-memory';
import { PROJECTION_VERSION } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { ReadModels } from '@maestro/ports';
import { cancel, manifest, task } from '../../fixtures/commands.ts';
import { freshRows, storedRows } from '../../fixtures/fresh-rows.ts';
import { gated } from '../../fixtures/gated-ports.ts';
import type { Hook } from '../../fixtures/gated-ports.ts';
import { World } from '../../fixtures/world.ts';
import { projectViews } from './project-views.ts';

/** A world whose projector is another one's business, with a workflow and some runs. */
async function worldOfRuns(): Promise<World> {
  const world = await World.open({ roles: ['policy', 'runner', 'receipt'] });
  await world.published(manifest([task('a'), task('b', ['a'])], { labels: { team: 'x' } }));
  for (let i = 0; i < 5; i += 1) await world.started(`run ${i}`);
  await world.settle();
  world.policies.verdictOf = () => ({ deny: 'PII_FOUND' });
  await world.started('denied');
  await world.settle();
  world.policies.verdictOf = () => 'allow';
  return world;
}

class Projector {
  readonly stop = new AbortController();
  readonly line = new Lifeline();
  readonly views: ReadModels;
  readonly gauges = new Map<string, number>();
  readonly run: Promise<void>;

  constructor(world: World, views: ReadModels, hook: Hook = () => undefined) {
    this.views = gated(views, 'views', this.line, ['apply', 'swap'], hook);
    const metrics = { count: () => undefined, observe: () => undefined, gauge: (name: string, value: number, labels = {}) => void this.gauges.set(`${name} ${JSON.stringify(labels)}`, value) };
    this.run = projectViews({ store: world.life.store, views: this.views, clock: world.clock, metrics, log: world.log }, this.stop.signal);
  }
}

const settled = async (world: World): Promise<void> => {
  for (let i = 0; i < 10; i += 1) await world.settle();
};

/** Rows that somebody made by older rules: a run that is called otherwise, and nothing else. */
async function rowsOfOlderRules(world: World): Promise<MemoryReadModels> {
  const views = new MemoryReadModels();
  await views.reset(PROJECTION_VERSION - 1);
  const [row] = freshRows(world).execution;
  const cursor = await world.life.store.head();
  if (row === undefined || cursor === null) throw new Error('a run is needed');
  await views.apply({ cursor, events: world.eventLog.events.length, upserts: { execution: [{ ...row, workflowId: 'as it was' }] } });
  return views;
}

describe('read models of older rules', () => {
  it('are made anew beside, and are then what a fresh fold says, with what came meanwhile', async () => {
    const world = await worldOfRuns();
    const views = await rowsOfOlderRules(world);
    const seen: string[] = [];
    const projector = new Projector(world, views, async ({ call, phase }) => {
      if (call !== 'views.apply' || phase !== 'before') return;
      const { served, filling } = await views.status();
      seen.push(`${served.projection}/${filling?.projection}`);
    });
    const running = world.started('meanwhile');
    await settled(world);
    await running;
    await settled(world);

    expect(await storedRows({ views })).toEqual(freshRows(world));
    expect(seen).toContain(`${PROJECTION_VERSION - 1}/${PROJECTION_VERSION}`);
    expect((await views.status()).filling).toBeNull();
    expect([await views.position(), (await views.status()).served.projection]).toEqual([await world.life.store.head(), PROJECTION_VERSION]);
    projector.stop.abort();
    await projector.run;
  });

  it('are served, whole, until the new ones are; nobody ever sees half of a history', async () => {
    const world = await worldOfRuns();
    const views = await rowsOfOlderRules(world);
    const counts = new Set<number>();
    const projector = new Projector(world, views, async () => void counts.add((await storedRows({ views })).execution.length));
    await settled(world);

    expect([...counts]).toEqual([1, 6]);
    projector.stop.abort();
    await projector.run;
  });

  it('go on where a crash left them, or begin again; the same rows come out', async () => {
    const world = await worldOfRuns();
    const views = await rowsOfOlderRules(world);
    for (let crashAt = 1; crashAt <= 6; crashAt += 1) {
      let calls = 0;
      const dying: Projector = new Projector(world, views, () => {
        calls += 1;
        if (calls === crashAt) dying.line.cut();
      });
      await world.started(`crash ${crashAt}`);
      await settled(world);
      dying.line.cut();
    }
    const last = new Projector(world, views);
    await settled(world);

    expect(await storedRows({ views })).toEqual(freshRows(world));
    expect((await views.status()).filling).toBeNull();
    last.stop.abort();
    await last.run;
  });

  it('are made anew through a full disk, and the old ones go on', async () => {
    const world = await worldOfRuns();
    const views = await rowsOfOlderRules(world);
    let faults = 0;
    const projector = new Projector(world, views, ({ call, phase }) => {
      if (phase === 'before' && faults < 3) throw new Fault('STORE_READ_ONLY', `${call}: the disk is full (${(faults += 1)})`, { retryable: true });
    });
    for (let i = 0; i < 6; i += 1) await world.advance(1_000);
    await settled(world);

    expect(faults).toBe(3);
    expect(await storedRows({ views })).toEqual(freshRows(world));
    projector.stop.abort();
    await projector.run;
  });
});

describe('read models', () => {
  it('are made anew, and again when somebody asks, though the answer to a swap was lost', async () => {
    const world = await worldOfRuns();
    const views = await rowsOfOlderRules(world);
    const [swaps, lost] = [new Array<string>(), 'the connection broke'];
    const projector = new Projector(world, views, ({ call, phase }) => {
      if (call !== 'views.swap' || phase !== 'after') return;
      swaps.push(call);
      if (swaps.length % 2 === 1) throw new Fault('STORE_OUTCOME_UNKNOWN', lost, { retryable: true });
    });
    await settled(world);
    for (const wanted of [1, 2, 3]) {
      await world.advance(2_000);
      await settled(world);
      expect([swaps.length, (await views.status()).filling]).toEqual([wanted, null]);
      expect(await storedRows({ views })).toEqual(freshRows(world));
      await views.requestRebuild();
      await settled(world);
    }
    expect(world.lines.filter(({ level }) => level === 'error')).toEqual([]);
    projector.stop.abort();
    await projector.run;
  });

  it('are made anew when somebody asks, again and again, and equal the live ones', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    const projector = new Projector(world, views);
    await settled(world);
    const live = await storedRows({ views });
    for (const key of ['first', 'second']) {
      await views.requestRebuild();
      await settled(world);
      expect([key, (await views.status()).rebuildRequested]).toEqual([key, false]);
      expect(await storedRows({ views })).toEqual(live);
      await world.send(cancel(await world.started(key)));
      await settled(world);
      expect(await storedRows({ views })).toEqual(freshRows(world));
      Object.assign(live, await storedRows({ views }));
    }
    expect(world.lines.filter(({ message }) => message === 'new read models are served')).toHaveLength(3);
    projector.stop.abort();
    await projector.run;
  });

  it('tell how far new ones are', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    const first = new Projector(world, views);
    await settled(world);
    first.stop.abort();
    await first.run;
    await views.requestRebuild();
    let atSwap: readonly (number | undefined)[] = [];
    const second: Projector = new Projector(world, views, ({ call, phase }) => {
      if (call === 'views.swap' && phase === 'before') atSwap = ['done', 'target'].map((state) => second.gauges.get(`mc_projection_rebuild_events {"state":"${state}"}`));
    });
    await settled(world);
    const events = world.eventLog.events.length;

    expect(atSwap).toEqual([events, events]);
    expect(second.gauges.get('mc_projection_rebuild_events {"state":"done"}')).toBe(0);
    second.stop.abort();
    await second.run;
  });

  it('of another history than the store are thrown away', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    await views.reset(PROJECTION_VERSION);
    const [row] = freshRows(world).execution;
    if (row === undefined) throw new Error('a run is needed');
    await views.apply({ cursor: 'another.1', events: 1, upserts: { execution: [{ ...row, id: 'of another history' }] } });
    const projector = new Projector(world, views);
    await settled(world);

    expect(await storedRows({ views })).toEqual(freshRows(world));
    expect(world.lines.map(({ message }) => message)).toContain('the read models are of another history than the store: they are folded anew');
    projector.stop.abort();
    await projector.run;
  });

  it('stay as they are where new ones cannot be made, and go on being brought up to date', async () => {
    const world = await worldOfRuns();
    const views = new MemoryReadModels();
    const first = new Projector(world, views);
    await settled(world);
    first.stop.abort();
    await first.run;
    await views.requestRebuild();
    const broken = new Projector(world, views, ({ call, phase }) => {
      if (call === 'views.swap' && phase === 'before') throw new Error('a bug');
    });
    await settled(world);
    await world.started('later');
    await settled(world);

    expect(await storedRows({ views })).toEqual(freshRows(world));
    expect((await views.status()).rebuildRequested).toBe(true);
    expect(world.lines.map(({ message }) => message)).toContain('read models are not made anew before the next start; the old ones are still served');
    broken.stop.abort();
    await broken.run;
  });
});
