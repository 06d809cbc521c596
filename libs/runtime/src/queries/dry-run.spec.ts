import { manifest, task } from '../../fixtures/commands.ts';
import { World, settings } from '../../fixtures/world.ts';
import { dryRun } from './dry-run.ts';

/** Everything that a dry run may do: look. Any other method of these ports, present or to come, is an effect. */
const LOOKS = ['packages.resolve', 'policies.active', 'policies.evaluate', 'policies.sets', 'store.readStream', 'views.list'];

describe('a dry run', () => {
  it('has no effect: it only looks, and whatever can be changed is as it was', async () => {
    const world = await World.open();
    await world.published(manifest([task('a'), task('b', ['a'])]));
    await world.ended(await world.started());
    await world.settle();
    const called = new Set<string>();
    const watched = <P extends object>(port: P, name: string): P =>
      new Proxy(port, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          called.add(`${name}.${String(key)}`);
          return value.bind(target) as unknown;
        },
      });
    const ports = { store: watched(world.life.store, 'store'), views: watched(world.views, 'views'), packages: watched(world.packages, 'packages'), policies: watched(world.policies, 'policies'), prices: settings().prices };
    const state = async (): Promise<unknown> => [world.eventLog.events.length, await world.life.queue.depth('task'), await world.life.queue.depth('policy'), world.clock.nextDueMs, await world.views.position(), world.signer.count];
    const before = await state();
    const setting = { now: '2026-01-05T10:00:00.000Z', actor: 'user:local', region: null, requireRegion: false, conductorUrl: null };
    for (const version of [null, '1.0.0', '9.9.9']) await dryRun(ports, { workflowId: 'greeting', version, inputs: {}, region: null }, setting);
    expect(await dryRun(ports, { workflowId: 'greeting', version: null, inputs: {}, region: null }, setting)).toMatchObject({ kind: 'dry-run', wouldStart: true });
    await world.settle();
    expect(await state()).toEqual(before);
    expect([...called].sort().filter((call) => !LOOKS.includes(call))).toEqual([]);
    expect(called.size).toBeGreaterThan(3);
  });
});
