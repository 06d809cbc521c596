import { Lifeline } from '@maestro/adapter-memory';
import type { Leased, Settlement } from '@maestro/ports';
import type { CallFault } from './fault-plan.ts';
import { faultyPort } from './faulty-port.ts';
import type { PortRules } from './port-rules.ts';
import { SimulatedClock } from './simulated-clock.ts';

type Handler = (leased: Leased, signal: AbortSignal) => Promise<Settlement>;
type Port = { save(text: string): Promise<number>; follow(): AsyncIterable<number>; consume(kind: string, handler: Handler): void; look(): number; close(): Promise<void> };

const RULES: PortRules<Port> = {
  save: { before: 'STORE_READ_ONLY', after: 'STORE_OUTCOME_UNKNOWN', again: 'late', writes: true },
  follow: { breaks: 'STORE_OUTCOME_UNKNOWN' },
  consume: 'hands-out',
  look: 'plain',
  close: 'end',
};

class Saving implements Port {
  readonly saved: string[] = [];
  handler: Handler | undefined;
  async save(text: string): Promise<number> {
    return this.saved.push(text);
  }
  async *follow(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
  consume(_kind: string, handler: Handler): void {
    this.handler = handler;
  }
  look(): number {
    return this.saved.length;
  }
  async close(): Promise<void> {}
}

/** A port on which the calls meet these faults, one after the other; then none. */
function portWith(faults: readonly CallFault[], o: { readonly happens?: boolean; readonly isDiskFull?: boolean; readonly coin?: boolean } = {}) {
  const [inner, clock, line, left, counted] = [new Saving(), new SimulatedClock(), new Lifeline(), [...faults], new Array<string>()];
  const plan = { ofCall: () => left.shift(), happens: () => o.happens === true, count: (kind: string) => void counted.push(kind), delayMs: () => 100, coin: () => o.coin === true };
  const port = faultyPort<Port>(inner, 'saving', RULES, { line, clock: line.clock(clock), plan, isDiskFull: () => o.isDiskFull === true, crash: () => line.cut(), note: () => undefined });
  return { port, inner, clock, line, counted };
}

/** `pending`: it has no answer, whatever else happens now. */
async function stateOf(answer: Promise<unknown>): Promise<unknown> {
  const settled = answer.then((value) => value, (error: { readonly code: string }) => error.code);
  return Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'pending'))]);
}

describe('a faulty port', () => {
  it('fails before a call took effect, or after it did', async () => {
    const before = portWith(['fail-before']);
    expect([await stateOf(before.port.save('a')), before.inner.saved]).toEqual(['STORE_READ_ONLY', []]);
    const after = portWith(['fail-after']);
    expect([await stateOf(after.port.save('a')), after.inner.saved]).toEqual(['STORE_OUTCOME_UNKNOWN', ['a']]);
    expect([await stateOf(after.port.save('b')), after.counted]).toEqual([2, ['fail-after']]);
  });

  it('leaves it unknown which of both', async () => {
    const done = portWith(['unknown-outcome'], { coin: false });
    expect([await stateOf(done.port.save('a')), done.inner.saved]).toEqual(['STORE_OUTCOME_UNKNOWN', ['a']]);
    const not = portWith(['unknown-outcome'], { coin: true });
    expect([await stateOf(not.port.save('a')), not.inner.saved]).toEqual(['STORE_OUTCOME_UNKNOWN', []]);
  });

  it('is late, and is overtaken by a later call or goes on by itself', async () => {
    const late = portWith(['delay']);
    const answer = late.port.save('a');
    expect(await stateOf(answer)).toBe('pending');
    late.clock.step();
    expect(await stateOf(answer)).toBe(1);
    const overtaken = portWith(['reorder']);
    const first = overtaken.port.save('first');
    await overtaken.port.save('second');
    await first;
    expect(overtaken.inner.saved).toEqual(['second', 'first']);
    const alone = portWith(['reorder']);
    const only = alone.port.save('only');
    expect(await stateOf(only)).toBe('pending');
    alone.clock.step();
    expect(await stateOf(only)).toBe(1);
  });

  it('does a call twice, at once or much later', async () => {
    const twice = portWith(['duplicate']);
    expect([await stateOf(twice.port.save('a')), twice.inner.saved]).toEqual([1, ['a', 'a']]);
    const later = portWith(['late-duplicate']);
    expect([await stateOf(later.port.save('a')), later.inner.saved]).toEqual([1, ['a']]);
    later.clock.step();
    expect(later.inner.saved).toEqual(['a', 'a']);
  });

  it('dies with its process before or after a call, and answers nothing from then on', async () => {
    const before = portWith(['crash-before']);
    expect([await stateOf(before.port.save('a')), before.inner.saved]).toEqual(['pending', []]);
    const after = portWith(['crash-after']);
    expect([await stateOf(after.port.save('a')), after.inner.saved]).toEqual(['pending', ['a']]);
    expect([await stateOf(after.port.save('b')), await stateOf(after.port.close()), after.inner.saved]).toEqual(['pending', 'pending', ['a']]);
    expect(after.port.look()).toBe(1);
  });

  it('does not do what was on its way when its process died', async () => {
    const { port, inner, line, clock } = portWith(['delay']);
    const answer = port.save('a');
    line.cut();
    expect([clock.step(), await stateOf(answer), inner.saved]).toEqual([false, 'pending', []]);
  });

  it('writes nothing while the disk is full', async () => {
    const { port, inner } = portWith([], { isDiskFull: true });
    expect([await stateOf(port.save('a')), inner.saved]).toEqual(['STORE_READ_ONLY', []]);
  });

  it('breaks a stream off, and loses what a handler answered', async () => {
    const broken = portWith([], { happens: true });
    await expect(broken.port.follow()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN', retryable: true });
    broken.port.consume('task', async () => ({ kind: 'ack' }));
    const { inner, counted } = broken;
    expect(await inner.handler?.({} as Leased, new AbortController().signal)).toEqual({ kind: 'retry', delayMs: 100 });
    expect(counted).toEqual(['broken-stream', 'lost-settlement']);
    const whole = portWith([]);
    const items: number[] = [];
    for await (const item of whole.port.follow()) items.push(item);
    expect(items).toEqual([1, 2]);
  });
});
