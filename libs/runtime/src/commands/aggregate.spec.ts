import { MemoryEventLog, MemoryEventStore } from '@maestro/adapter-memory';
import type { StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { EventStore, NewEvent } from '@maestro/ports';
import { Owner, STREAM, commandNamed, denial } from '../../fixtures/counter-stream.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store whose appends pass a test's hands. */
function withAppend(eventLog: MemoryEventLog, append: (inner: EventStore['append'], ...args: Parameters<EventStore['append']>) => ReturnType<EventStore['append']>): EventStore {
  const inner = new MemoryEventStore({ log: eventLog });
  const around: EventStore['append'] = (...args) => append(inner.append.bind(inner), ...args);
  return new Proxy(inner, { get: (target, key) => (key === 'append' ? around : typeof Reflect.get(target, key) === 'function' ? (Reflect.get(target, key) as () => unknown).bind(target) : Reflect.get(target, key, target)) });
}

function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a command that comes again', () => {
  it('appends nothing and answers with its own first event', async () => {
    const owner = new Owner();
    const first = await owner.add(commandNamed('once'));
    await owner.add();
    const again = await owner.add(commandNamed('once'));
    expect(first).toMatchObject({ kind: 'done', repeated: undefined, events: [{ revision: 0 }] });
    expect(again).toMatchObject({ kind: 'done', repeated: { revision: 0 }, events: [], cursor: null });
    expect(owner.stored()).toBe(2);
  });

  it('is known to another owner that never saw it', async () => {
    const one = new Owner();
    const other = new Owner({ eventLog: one.eventLog });
    await one.add(commandNamed('once'));
    expect(await other.add(commandNamed('once'))).toMatchObject({ repeated: { revision: 0 } });
    expect(one.stored()).toBe(1);
  });

  it('and was refused may be decided anew', async () => {
    const owner = new Owner();
    expect(await owner.addFrom(1, commandNamed('early'))).toMatchObject({ kind: 'refused' });
    await owner.add();
    expect(await owner.addFrom(1, commandNamed('early'))).toMatchObject({ kind: 'done', events: [{ revision: 1 }] });
  });
});

describe('two owners of one stream', () => {
  it('never fork it: the one that lost reads again and decides on what it read', async () => {
    const one = new Owner();
    const other = new Owner({ eventLog: one.eventLog });
    await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? one : other).add()));
    const { state } = await new Owner({ eventLog: one.eventLog }).handler.peek(STREAM);
    expect(state.checks).toEqual(Array.from({ length: 12 }, (_, i) => `publish/${i}`));
  });

  it('refuse nothing on what they remember: the store has the last word', async () => {
    const one = new Owner();
    const other = new Owner({ eventLog: one.eventLog });
    await one.add();
    expect((await other.handler.peek(STREAM)).state.count).toBe(1);
    await one.add();
    expect(await other.addFrom(2)).toMatchObject({ kind: 'done', events: [{ revision: 2 }] });
  });

  it('answer "nothing to do" only where the store agrees', async () => {
    const one = new Owner();
    const other = new Owner({ eventLog: one.eventLog });
    await one.add();
    await other.handler.peek(STREAM);
    await one.add();
    const outcome = await other.add(commandNamed(), STREAM, async ({ count }) => ({ decision: { kind: 'accepted', events: count === 1 ? [] : [denial('publish/9')] } }));
    expect(outcome).toMatchObject({ events: [{ revision: 2 }] });
  });

  it('are told when a stream changes faster than it can be decided on', async () => {
    const eventLog = new MemoryEventLog('log');
    const rival = new Owner({ eventLog });
    const busy = new Owner({ eventLog, store: withAppend(eventLog, async (append, ...args) => rival.add().then(() => append(...args))) });
    expect(await busy.add()).toMatchObject({ kind: 'refused', rejection: { code: 'CONFLICT_RETRIES_EXHAUSTED' } });
    expect(busy.appended).toEqual([]);
    expect(await rival.add()).toMatchObject({ kind: 'done' });
  });
});

describe('an append whose outcome stays unknown', () => {
  it('is sent again with the same bytes, and is stored once', async () => {
    const eventLog = new MemoryEventLog('log');
    const sent: (readonly NewEvent[])[] = [];
    const store = withAppend(eventLog, async (append, stream, expected, events) => {
      sent.push(events);
      const outcome = await append(stream, expected, events);
      if (sent.length < 3) throw new Fault('STORE_OUTCOME_UNKNOWN', 'the connection broke', { retryable: true });
      return outcome;
    });
    const owner = new Owner({ eventLog, store });
    expect(await owner.add()).toMatchObject({ kind: 'done', events: [{ revision: 0 }] });
    expect(sent).toHaveLength(3);
    for (const events of sent) expect(events).toEqual(sent[0]);
    expect(owner.stored()).toBe(1);
    expect(owner.appended).toHaveLength(1);
  });

  it('is a fault after three tries; the command sent again finds what was stored', async () => {
    const eventLog = new MemoryEventLog('log');
    let calls = 0;
    const store = withAppend(eventLog, async (append, ...args) => {
      calls += 1;
      const outcome = await append(...args);
      if (calls <= 3) throw new Fault('STORE_OUTCOME_UNKNOWN', 'the connection broke', { retryable: true });
      return outcome;
    });
    const owner = new Owner({ eventLog, store });
    await expect(owner.add(commandNamed('once'))).rejects.toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' });
    expect(calls).toBe(3);
    expect(await owner.add(commandNamed('once'))).toMatchObject({ repeated: { revision: 0 } });
    expect(await owner.add()).toMatchObject({ events: [{ revision: 1 }] });
  });
});

describe('what is kept in memory', () => {
  it('holds nothing of an append that failed', async () => {
    const eventLog = new MemoryEventLog('log');
    let full = false;
    const store = withAppend(eventLog, async (append, ...args) => (full ? Promise.reject(new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true })) : append(...args)));
    const owner = new Owner({ eventLog, store });
    await owner.add();
    full = true;
    await expect(owner.add()).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    expect((await owner.handler.peek(STREAM)).state.count).toBe(1);
    full = false;
    expect(await owner.add()).toMatchObject({ events: [{ revision: 1, event: { data: { checkId: 'publish/1' } } }] });
  });

  it('is not put back to an older state by somebody who looks while an append is on its way', async () => {
    const eventLog = new MemoryEventLog('log');
    const { opened, open } = gate();
    let held = true;
    const store = withAppend(eventLog, async (append, ...args) => {
      if (held) {
        held = false;
        await opened;
      }
      return append(...args);
    });
    const owner = new Owner({ eventLog, store, cachedMax: 1 });
    const adding = owner.add();
    await settle();
    // another stream pushes this one out, and a look reads it anew, before the append is through
    await owner.handler.peek('workflow-other' as StreamName);
    const reads = owner.handler.peek(STREAM);
    open();
    await Promise.all([adding, reads]);
    expect((await owner.handler.peek(STREAM)).state.count).toBe(1);
  });

  it('is not put back by a look whose reading was overtaken', async () => {
    const eventLog = new MemoryEventLog('log');
    const inner = new MemoryEventStore({ log: eventLog });
    const { opened, open } = gate();
    let isSlow = true;
    const store: EventStore = new Proxy(inner, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (key !== 'readStream') return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
        return async (...args: Parameters<EventStore['readStream']>) => {
          const page = await target.readStream(...args);
          if (isSlow) {
            isSlow = false;
            await opened;
          }
          return page;
        };
      },
    });
    const owner = new Owner({ eventLog, store });
    const looking = owner.handler.peek(STREAM);
    await owner.add();
    open();
    expect((await looking).state.count).toBe(1);
    expect((await owner.handler.peek(STREAM)).state.count).toBe(1);
  });

  it('two first looks at a stream make one state of it, not two that drift apart', async () => {
    const eventLog = new MemoryEventLog('log');
    await new Owner({ eventLog }).add();
    const owner = new Owner({ eventLog });
    const [outcome] = await Promise.all([owner.add(), owner.handler.peek(STREAM), owner.handler.peek(STREAM)]);
    expect(outcome).toMatchObject({ kind: 'done' });
    expect((await owner.handler.peek(STREAM)).state.count).toBe(2);
  });

  it('leaves a stream that ended; what comes late is decided on what is stored', async () => {
    const owner = new Owner({ finalAt: 2 });
    await owner.add();
    await owner.add();
    const before = await owner.handler.peek(STREAM);
    expect(before.state.count).toBe(2);
    expect(await owner.handler.peek(STREAM)).not.toBe(before);
    expect(await owner.add(commandNamed(), STREAM, async ({ count }) => ({ decision: { kind: 'refused', rejection: { code: 'EXECUTION_ENDED', detail: `${count}` } } }))).toMatchObject({ rejection: { detail: '2' } });
  });

  it('of a stream that another owner ended goes when that shows', async () => {
    const one = new Owner({ finalAt: 2 });
    const other = new Owner({ eventLog: one.eventLog, finalAt: 2 });
    await one.add();
    await other.handler.peek(STREAM);
    await one.add();
    expect(await other.addFrom(5)).toMatchObject({ kind: 'refused', rejection: { detail: 'only 2' } });
    const seen = await other.handler.peek(STREAM);
    expect(await other.handler.peek(STREAM)).not.toBe(seen);
  });

  it('is forgotten where folding what was appended met a bug: it may be folded half', async () => {
    const owner = new Owner();
    owner.failingFolds = 1;
    await expect(owner.add(commandNamed('first'))).rejects.toThrow('folding');
    const outcome = await owner.add(commandNamed('second'));
    expect(outcome).toMatchObject({ kind: 'done', state: { count: 2 } });
    expect(owner.stored()).toBe(2);
  });

  it('is as good as new after a decision that met a bug', async () => {
    const owner = new Owner();
    await owner.add();
    await expect(owner.add(commandNamed(), STREAM, () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
    const unfit = { type: 'workflow.publish-denied.v1', data: {} } as unknown as ReturnType<typeof denial>;
    await expect(owner.add(commandNamed(), STREAM, async () => ({ decision: { kind: 'accepted', events: [denial('publish/1'), unfit] } }))).rejects.toThrow('does not fit its schema');
    expect(owner.stored()).toBe(1);
    expect(await owner.add()).toMatchObject({ events: [{ revision: 1 }] });
  });
});

describe('commands in hand', () => {
  it('of one stream wait for each other, of different streams do not', async () => {
    const owner = new Owner();
    const { opened, open } = gate();
    const order: string[] = [];
    const slow = owner.add(commandNamed(), STREAM, async () => {
      await opened;
      order.push('slow');
      return { decision: { kind: 'accepted', events: [denial('publish/1')] } };
    });
    const next = owner.add().then(() => order.push('next'));
    await owner.add(commandNamed(), 'workflow-other' as StreamName).then(() => order.push('other'));
    expect(order).toEqual(['other']);
    open();
    await Promise.all([slow, next]);
    expect(order).toEqual(['other', 'slow', 'next']);
  });

  it('go on after one that failed', async () => {
    const owner = new Owner();
    const failing = owner.add(commandNamed(), STREAM, () => Promise.reject(new Error('no')));
    const next = owner.add();
    await expect(failing).rejects.toThrow('no');
    expect(await next).toMatchObject({ kind: 'done' });
  });

  it('hand on what was appended, in order, before they answer', async () => {
    const owner = new Owner();
    const outcome = await owner.add();
    expect(owner.appended).toEqual([outcome.kind === 'done' ? outcome.events : []]);
  });
});
