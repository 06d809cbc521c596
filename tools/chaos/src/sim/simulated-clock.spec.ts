import { SimulatedClock } from './simulated-clock.ts';

describe('the simulated clock', () => {
  it('goes from timer to timer, and says when there is none', () => {
    const clock = new SimulatedClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push('second'));
    clock.after(10, () => fired.push('first'));
    const cancel = clock.after(15, () => fired.push('cancelled'));
    cancel();
    expect([clock.step(), clock.elapsedMs, clock.step(), clock.elapsedMs, clock.step()]).toEqual([true, 10, true, 20, false]);
    expect(fired).toEqual(['first', 'second']);
  });

  it('may be set to another time: timers and durations do not notice', () => {
    const clock = new SimulatedClock();
    const before = clock.nowMs();
    clock.after(1_000, () => undefined);
    clock.set(-3_600_000);
    expect(clock.nowMs()).toBe(before - 3_600_000);
    clock.set(86_400_000);
    expect(clock.nowMs()).toBe(before + 86_400_000);
    clock.step();
    expect([clock.elapsedMs, clock.monotonicUs()]).toEqual([1_000, 1_000_000]);
  });

  it('may stand still, and then catches up', () => {
    const clock = new SimulatedClock();
    const before = clock.nowMs();
    clock.after(500, () => undefined);
    clock.freeze();
    clock.step();
    expect(clock.nowMs()).toBe(before);
    clock.set(1_000);
    expect(clock.nowMs()).toBe(before + 1_000);
    clock.thaw();
    expect(clock.nowMs()).toBe(before + 1_500);
  });
});
