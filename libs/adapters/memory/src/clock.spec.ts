import { ManualClock, systemClock } from './clock.ts';
import { seededEntropy } from './entropy.ts';

describe('ManualClock', () => {
  it('fires timers in due order, ties in the order they were set', () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    for (const [name, ms] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
    ] as const)
      clock.after(ms, () => fired.push(name));
    clock.advance(9);
    expect(fired).toEqual([]);
    clock.advance(11);
    expect(fired).toEqual(['a', 'b1', 'b2']);
    expect([clock.pending, clock.nextDueMs]).toEqual([1, clock.nowMs() + 10]);
    clock.advance(1_000);
    expect(fired).toEqual(['a', 'b1', 'b2', 'c']);
  });
  it('shows a timer the time at which it fell due, and fires what it sets within the same advance', () => {
    const clock = new ManualClock(0);
    const times: number[] = [];
    const tick = (): void => {
      times.push(clock.nowMs());
      if (times.length < 3) clock.after(5, tick);
    };
    clock.after(5, tick);
    clock.advance(100);
    expect(times).toEqual([5, 10, 15]);
    expect([clock.nowMs(), clock.monotonicUs()]).toEqual([100, 100_000]);
  });
  it('keeps the order of many timers set and cancelled at random', () => {
    const clock = new ManualClock(0);
    const entropy = seededEntropy('clock');
    const fired: number[] = [];
    const expected: number[] = [];
    for (let i = 0; i < 500; i += 1) {
      const [delay = 0, coin = 0] = entropy.bytes(2);
      const cancel = clock.after(delay, () => fired.push(delay * 1000 + i));
      if (coin < 80) cancel();
      else expected.push(delay * 1000 + i);
    }
    expect(clock.pending).toBe(expected.length);
    clock.advance(255);
    expect(fired).toEqual(expected.sort((a, b) => a - b));
    expect(clock.pending).toBe(0);
  });
  it('does not fire a cancelled timer, and cancelling twice is nothing', () => {
    const clock = new ManualClock();
    let fired = 0;
    const cancel = clock.after(5, () => (fired += 1));
    cancel();
    cancel();
    clock.advance(10);
    expect([fired, clock.pending, clock.nextDueMs]).toEqual([0, 0, undefined]);
  });
});

describe('systemClock', () => {
  it('calls back once unless cancelled', async () => {
    let cancelled = 0;
    systemClock.after(0, () => (cancelled += 1))();
    await new Promise<void>((resolve) => systemClock.after(1, resolve));
    expect(cancelled).toBe(0);
  });
  it('counts milliseconds since 1970 and microseconds that never go back', () => {
    expect(new Date(systemClock.nowMs()).getUTCFullYear()).toBeGreaterThan(2020);
    const before = systemClock.monotonicUs();
    expect(systemClock.monotonicUs()).toBeGreaterThanOrEqual(before);
  });
});
