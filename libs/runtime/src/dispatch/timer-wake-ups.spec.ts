import type { Consumption, WakeUp, WakeUps } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { succeededWith } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';
import { WAKE_UP_FROM_MS } from './timer-wake-ups.ts';

/** Wake-ups that the test hands out. */
class ScriptedWakeUps implements WakeUps {
  readonly set_ = new Map<string, WakeUp>();
  readonly cancelled: string[] = [];
  #handler: ((key: string) => Promise<void>) | undefined;
  fault: Error | undefined;

  async set(wakeUp: WakeUp): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    this.set_.set(wakeUp.key, wakeUp);
  }

  async cancel({ key }: Pick<WakeUp, 'key'>): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    this.cancelled.push(key);
    this.set_.delete(key);
  }

  follow(_lane: string, handler: (key: string) => Promise<void>): Consumption {
    this.#handler = handler;
    return { stop: async () => void (this.#handler = undefined) };
  }

  get isFollowed(): boolean {
    return this.#handler !== undefined;
  }

  async wake(key: string): Promise<void> {
    await this.#handler?.(key);
  }
}

async function openWithSilentPolicy(): Promise<{ readonly world: World; readonly wakeUps: ScriptedWakeUps; readonly id: string; readonly deadline: WakeUp; readonly setForward: (ms: number) => void }> {
  const wakeUps = new ScriptedWakeUps();
  const world = await World.open({ wakeUps });
  await world.published(manifest([task('a')]));
  world.policies.verdictOf = () => 'silent';
  const id = await world.started();
  await world.settle();
  const deadline = [...wakeUps.set_.values()].find(({ key }) => !key.endsWith('/limit') && key.startsWith(`execution-${id}/`));
  if (deadline === undefined) throw new Error(`no wake-up was asked for among ${[...wakeUps.set_.keys()].join(', ')}`);
  const nowMs = world.clock.nowMs.bind(world.clock);
  // the wall clock is set, and no timer of the process knows of it
  const setForward = (ms: number): void => void (world.clock.nowMs = () => nowMs() + ms);
  return { world, wakeUps, id, deadline, setForward };
}

describe('a wake-up', () => {
  it('lets a timer fire whose process slept through it', async () => {
    const { world, wakeUps, id, deadline, setForward } = await openWithSilentPolicy();
    expect(Date.parse(deadline.dueAt) - world.clock.nowMs()).toBeGreaterThanOrEqual(WAKE_UP_FROM_MS);
    const limit = `execution-${id}/limit`;
    expect(wakeUps.set_.has(limit)).toBe(true);
    setForward(25 * 3_600_000);
    await world.settle();
    expect(world.verdictOf(id)).toBeUndefined();
    await wakeUps.wake(limit);
    await world.advance(1);
    expect(world.verdictOf(id)).toBe('timed-out');
  });

  it('that comes too early, or for a timer that is closed or unknown, does nothing', async () => {
    const { world, wakeUps, id, deadline } = await openWithSilentPolicy();
    for (const key of [deadline.key, 'execution-x/limit', 'nonsense']) await wakeUps.wake(key);
    await world.advance(1);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.ended(id);
    const count = world.of(`execution-${id}`).length;
    await wakeUps.wake(deadline.key);
    await world.advance(1);
    expect(world.of(`execution-${id}`)).toHaveLength(count);
  });

  it('is taken back with its timer, and none is left when the run has ended', async () => {
    const wakeUps = new ScriptedWakeUps();
    const world = await World.open({ wakeUps });
    await world.published(manifest([task('a')]));
    world.packages.play = () => new Promise((resolve) => world.clock.after(20_000, () => resolve(succeededWith({}))));
    const id = await world.started();
    await world.ended(id);
    expect(wakeUps.cancelled.length).toBeGreaterThan(0);
    expect([...wakeUps.set_.keys()].filter((key) => key.startsWith(`execution-${id}/`))).toEqual([]);
  });

  it('is not needed: where none can be asked for, timers fire by the clock of the process', async () => {
    const { world, wakeUps, id } = await openWithSilentPolicy();
    wakeUps.fault = new Error('gone');
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('denied');
    await world.role.stop();
    expect(wakeUps.isFollowed).toBe(false);
  });
});
