import { ManualClock, MemoryProcessDisk, MemoryProcessState } from '@maestro/adapter-memory';
import { Fault, readQuarantine } from '@maestro/ports';
import type { Metrics } from '@maestro/ports';
import { Quarantine } from './quarantine.ts';

const log = { log: () => undefined };

/** A quarantine on a disk, with what its gauge stands at. */
async function opened(disk = new MemoryProcessDisk(), state = new MemoryProcessState(disk)): Promise<{ readonly quarantine: Quarantine; readonly clock: ManualClock; readonly gauge: () => number; readonly stored: () => Promise<readonly string[]> }> {
  const clock = new ManualClock(Date.parse('2026-01-05T10:00:00.000Z'));
  let gauge = -1;
  const metrics: Metrics = { count: () => undefined, gauge: (_, value) => void (gauge = value), observe: () => undefined };
  const quarantine = await Quarantine.open({ state, clock, metrics, log });
  return { quarantine, clock, gauge: () => gauge, stored: async () => (await readQuarantine(new MemoryProcessState(disk))).map(({ stream, by }) => `${stream} ${by}`) };
}

describe('the quarantine', () => {
  it('keeps stream, reason and time, also for the next process', async () => {
    const disk = new MemoryProcessDisk();
    const { quarantine, clock } = await opened(disk);
    quarantine.setAside('projector', 'execution-1', new Fault('STORE_DAMAGED', 'a flipped bit'));
    clock.advance(1_000);
    quarantine.setAside('commands', 'workflow-a', new TypeError('x is undefined'));
    const expected = [
      { stream: 'execution-1', by: 'projector', code: 'STORE_DAMAGED', detail: 'STORE_DAMAGED: a flipped bit', since: '2026-01-05T10:00:00.000Z' },
      { stream: 'workflow-a', by: 'commands', code: 'BUG', detail: 'x is undefined', since: '2026-01-05T10:00:01.000Z' },
    ];
    expect(quarantine.rows()).toEqual(expected);
    await quarantine.settle();
    expect((await opened(disk)).quarantine.rows()).toEqual(expected);
  });

  it('counts streams, not who set them aside, and forgets one when all have cleared it', async () => {
    const { quarantine, gauge, stored } = await opened();
    expect(gauge()).toBe(0);
    quarantine.setAside('projector', 'execution-1', 'no error at all');
    quarantine.setAside('dispatcher', 'execution-1', new Error('a bug'));
    expect([gauge(), quarantine.streamsOf('projector')]).toEqual([1, ['execution-1']]);
    quarantine.clear('projector', 'execution-1');
    quarantine.clear('projector', 'execution-2');
    expect([gauge(), quarantine.streamsOf('projector')]).toEqual([1, []]);
    quarantine.clear('dispatcher', 'execution-1');
    expect(gauge()).toBe(0);
    await quarantine.settle();
    expect(await stored()).toEqual([]);
  });

  it('keeps the time of the first trouble, and the latest reason', async () => {
    const { quarantine, clock } = await opened();
    quarantine.setAside('commands', 'execution-1', new Error('first'));
    clock.advance(60_000);
    quarantine.setAside('commands', 'execution-1', new Error('the same again'));
    expect(quarantine.rows()).toMatchObject([{ code: 'BUG', detail: 'first' }]);
    quarantine.setAside('commands', 'execution-1', new Fault('EVENT_FROM_NEWER_VERSION', 'v2'));
    expect(quarantine.rows()).toMatchObject([{ code: 'EVENT_FROM_NEWER_VERSION', since: '2026-01-05T10:00:00.000Z' }]);
  });

  it('is bounded: the oldest rows go first', async () => {
    const { quarantine, gauge, stored } = await opened();
    for (let i = 0; i < 10_002; i += 1) quarantine.setAside('commands', `execution-${i}`, new Error('a bug'));
    expect([gauge(), quarantine.rows()[0]?.stream]).toEqual([10_000, 'execution-2']);
    await quarantine.settle();
    expect(await stored()).toHaveLength(10_000);
  });

  it('writes with the next change what could not be written', async () => {
    const disk = new MemoryProcessDisk();
    const state = new MemoryProcessState(disk);
    const apply = state.apply.bind(state);
    let full = true;
    state.apply = (...args) => (full ? Promise.reject(new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true })) : apply(...args));
    const { quarantine, stored } = await opened(disk, state);
    quarantine.setAside('commands', 'execution-1', new Error('a bug'));
    await quarantine.settle();
    full = false;
    quarantine.setAside('commands', 'execution-2', new Error('a bug'));
    await quarantine.settle();
    expect(await stored()).toEqual(['execution-1 commands', 'execution-2 commands']);
  });
});
