import { MemoryProcessState } from '@maestro/adapter-memory';
import { Fault } from '@maestro/ports';
import type { ReadModels } from '@maestro/ports';
import { cancel, manifest, task } from '../../fixtures/commands.ts';
import { freshRows, storedRows } from '../../fixtures/fresh-rows.ts';
import type { Hook } from '../../fixtures/gated-ports.ts';
import { untilAborted } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';
import type { WorldOptions } from '../../fixtures/world.ts';
import { openSupervision } from '../supervision/supervision.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { projectViews } from './project-views.ts';

const METRICS = { count: () => undefined, gauge: () => undefined, observe: () => undefined };

/** Two versions of a workflow, another one, a denied publication, and runs that ended in four ways. */
async function busyWorld(options: WorldOptions = {}, hookOf?: (world: World) => Hook): Promise<World> {
  const world = await World.open(options);
  if (hookOf !== undefined) world.hook = hookOf(world);
  await world.published(manifest([task('a'), task('b', ['a'])]));
  await world.published(manifest([task('a')], { version: '1.1.0' }));
  await world.published(manifest([task('a')], { name: 'Other', labels: { team: 'x' }, region: 'eu-1' }));
  await world.started('good');
  await world.advance(1_000);
  await world.started('canary', { rollout: 'canary' });
  await world.advance(1_000);
  await world.started('other', { workflowId: 'other' });
  await world.advance(1_000);
  world.packages.play = untilAborted;
  const id = await world.started('cancelled');
  await world.settle();
  await world.send(cancel(id));
  world.policies.verdictOf = () => ({ deny: 'PII_FOUND' });
  await world.started('denied');
  await world.settle();
  return world;
}

describe('the query models', () => {
  it('say what one fold over the whole history says', async () => {
    const world = await busyWorld();
    const rows = await storedRows(world);
    expect(rows).toEqual(freshRows(world));
    expect(rows.execution.map(({ status }) => status).sort()).toEqual(['cancelled', 'denied', 'succeeded', 'succeeded', 'succeeded']);
    expect(rows.execution.every(({ receipt }) => receipt !== null)).toBe(true);
    expect(rows.workflow.map(({ name, stable, candidate }) => [name, stable, candidate])).toEqual([['greeting', '1.0.0', '1.1.0'], ['Other', '1.0.0', null]]);
    expect(await world.views.position()).toBe(await world.life.store.head());
  });

  it('say the same after crashes and faults at any of their writes', async () => {
    let calls = 0;
    const world = await busyWorld({}, (one) => ({ call }) => {
      if (call !== 'views.apply') return;
      calls += 1;
      if (calls % 5 === 2) throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
      if (calls % 7 === 4) one.crash();
    });
    world.hook = () => undefined;
    await world.advance(2_000);
    expect(calls).toBeGreaterThan(6);
    expect(await storedRows(world)).toEqual(freshRows(world));
  });

  it('say the same when they are thrown away and made again', async () => {
    const world = await busyWorld({ roles: ['policy', 'runner', 'receipt'] });
    expect((await storedRows(world)).execution).toEqual([]);
    const stop = new AbortController();
    const { store } = world.life;
    const projecting = projectViews({ store, views: world.views, clock: world.clock, metrics: METRICS, log: world.log }, stop.signal);
    await world.settle();
    expect(await storedRows(world)).toEqual(freshRows(world));
    stop.abort();
    await projecting;
  });

  it('move their checkpoint with their rows, never ahead of them', async () => {
    const world = await World.open();
    await world.published(manifest([task('a')]));
    const behind: string[] = [];
    world.hook = async ({ call, phase }) => {
      if (call !== 'views.apply' || phase !== 'after') return;
      const position = await world.views.position();
      const upTo = world.eventLog.positionOf(position);
      for (const { id, appliedRevision } of (await storedRows(world)).execution) {
        const last = world.eventLog.events.slice(0, upTo).filter(({ stream }) => stream === `execution-${id}`).at(-1);
        if (last === undefined || BigInt(appliedRevision) !== last.revision) behind.push(`${id} at ${position}: ${appliedRevision}, the history says ${last?.revision}`);
      }
    };
    for (let i = 0; i < 3; i += 1) await world.started(`run ${i}`);
    await world.settle();
    expect(behind).toEqual([]);
  });

  it('come up, and are made anew when asked, through a fault at the first call of every method that they need', async () => {
    const world = await World.open({ roles: ['policy', 'runner', 'receipt'] });
    await world.published(manifest([task('a')]));
    const failed = new Set<string>();
    const failingOnce = <P extends object>(port: P, name: string): P =>
      new Proxy(port, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          const method = value.bind(target) as (...args: unknown[]) => unknown;
          const call = `${name}.${String(key)}`;
          if (key === 'compare' || key === 'subscribe') return method;
          return async (...args: unknown[]) => {
            if (failed.has(call)) return method(...args);
            failed.add(call);
            throw new Fault('STORE_OUTCOME_UNKNOWN', 'the connection broke', { retryable: true });
          };
        },
      });
    const stop = new AbortController();
    const views = failingOnce<ReadModels>(world.views, 'views');
    const projecting = projectViews({ store: failingOnce(world.life.store, 'store'), views, clock: world.clock, metrics: METRICS, log: world.log }, stop.signal);
    // each fault is waited out before the next one comes
    for (let i = 0; i < 10; i += 1) await world.advance(1_000);
    await world.views.requestRebuild();
    for (let i = 0; i < 10; i += 1) await world.advance(1_000);
    await world.started();
    await world.settle();
    expect([...failed].sort()).toEqual(['store.head', 'views.apply', 'views.beginRebuild', 'views.get', 'views.position', 'views.rebuildRequested', 'views.reset', 'views.status', 'views.swap']);
    expect(await storedRows(world)).toEqual(freshRows(world));
    expect((await world.views.status()).rebuildRequested).toBe(false);
    stop.abort();
    await projecting;
  });

  it('go on without a stream that cannot be folded, name it, and take it up at the next start', async () => {
    const world = await World.open({ roles: ['policy', 'runner', 'receipt'] });
    await world.published(manifest([task('a')]));
    let poison = '01920000-0000-7000-8000-0000000000aa';
    const views: ReadModels = new Proxy(world.views, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as (...args: unknown[]) => unknown;
        if (key !== 'get') return method;
        return async (...args: unknown[]) => {
          if ((args[1] as readonly string[]).includes(poison)) throw new TypeError('a bug in folding');
          return method(...args);
        };
      },
    });
    /** One process with the projector: what happens meanwhile is folded as it comes. */
    const during = async (happens: () => Promise<void>): Promise<Supervision> => {
      const stop = new AbortController();
      const { clock, log, life } = world;
      const supervision = await openSupervision({ state: new MemoryProcessState(world.disk), clock, metrics: METRICS, log });
      const projecting = projectViews({ store: life.store, views, clock, metrics: METRICS, log, supervision }, stop.signal);
      await world.settle();
      await happens();
      await world.settle();
      stop.abort();
      await projecting;
      await supervision.quarantine.settle();
      return supervision;
    };
    const first = await during(async () => {
      await world.ended(await world.started('poison', { executionId: poison }));
      await world.ended(await world.started('good'));
    });
    const broken = poison;
    const named = first.quarantine.rows().map(({ stream, by, code }) => [stream, by, code]);
    expect(named).toContainEqual([`execution-${poison}`, 'projector', 'BUG']);
    expect(first.loops.rows()).toMatchObject([{ name: 'projector', state: 'stopped', detail: 'was asked to stop' }]);
    const ids = async (): Promise<readonly string[]> => (await storedRows(world)).execution.map(({ id }) => id);
    expect((await ids()).includes(broken)).toBe(false);
    expect(await ids()).toHaveLength(1);
    poison = 'nothing any more';
    const second = await during(async () => undefined);
    expect(second.quarantine.rows()).toEqual([]);
    expect(await storedRows(world)).toEqual(freshRows(world));
  });
});
