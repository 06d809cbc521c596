// Loaded before a program by `--import <this file>?off=<ms>`: the wall clock of that process is off by so much, in whatever way
// it is read. What measures spans of time (performance.now, timers) goes on as before, as it does on a machine whose clock is wrong.
const offMs = Number(new URL(import.meta.url).searchParams.get('off'));
const now = Date.now.bind(Date);

class ShiftedDate extends Date {
  constructor(...given: readonly []) {
    // a date that is made of something is that, whatever the clock says
    super(...(given.length === 0 ? ([now() + offMs] as unknown as readonly []) : given));
  }

  static override now(): number {
    return now() + offMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + offMs });
