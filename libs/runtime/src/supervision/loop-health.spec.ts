import { ManualClock } from '@maestro/adapter-memory';
import { Fault } from '@maestro/ports';
import { LoopHealth } from './loop-health.ts';

describe('the health of loops', () => {
  it('says of each what it does, why, and since when', () => {
    const clock = new ManualClock(0);
    const loops = new LoopHealth(clock);
    loops.works('runner');
    loops.works('dispatcher');
    clock.advance(1_000);
    loops.failing('dispatcher', new Fault('STORE_READ_ONLY', 'the disk is full'));
    clock.advance(1_000);
    loops.failing('dispatcher', new Fault('STORE_READ_ONLY', 'the disk is still full'));
    loops.works('runner');
    loops.stopped('policy');
    loops.stopped('projector', 'a bug');
    expect(loops.rows()).toEqual([
      { name: 'dispatcher', state: 'failing', detail: 'STORE_READ_ONLY: the disk is still full', since: '1970-01-01T00:00:01.000Z' },
      { name: 'policy', state: 'stopped', detail: 'was asked to stop', since: '1970-01-01T00:00:02.000Z' },
      { name: 'projector', state: 'stopped', detail: 'a bug', since: '1970-01-01T00:00:02.000Z' },
      { name: 'runner', state: 'running', detail: 'running', since: '1970-01-01T00:00:00.000Z' },
    ]);
    loops.works('dispatcher');
    expect(loops.rows()[0]).toMatchObject({ state: 'running', since: '1970-01-01T00:00:02.000Z' });
  });
});
