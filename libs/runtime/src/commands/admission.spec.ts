import { Admission } from './admission.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Commands that stay in hand until they are let go; `begun` tells in which order they were admitted. */
class Hands {
  readonly begun: string[] = [];
  readonly #open = new Map<string, () => void>();
  readonly #admission: Admission;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  send(name: string, opensWork = false): Promise<string> {
    return this.#admission.run(opensWork, async () => {
      this.begun.push(name);
      await new Promise<void>((resolve) => this.#open.set(name, resolve));
      return name;
    });
  }

  async finish(name: string): Promise<void> {
    this.#open.get(name)?.();
    await settle();
  }
}

describe('admission', () => {
  it('lets reports in before starts, whatever came first, and each kind in order', async () => {
    const hands = new Hands(new Admission({ inHandMax: 1, openingMax: 1 }));
    const all = [hands.send('first'), hands.send('start 1', true), hands.send('start 2', true), hands.send('report 1'), hands.send('report 2')];
    for (const name of ['first', 'report 1', 'report 2', 'start 1', 'start 2']) await hands.finish(name);
    expect(hands.begun).toEqual(['first', 'report 1', 'report 2', 'start 1', 'start 2']);
    expect(await Promise.all(all)).toEqual(['first', 'start 1', 'start 2', 'report 1', 'report 2']);
  });

  it('keeps room for reports when starts fill their share', async () => {
    const admission = new Admission({ inHandMax: 4, openingMax: 2 });
    const hands = new Hands(admission);
    for (let i = 0; i < 5; i += 1) void hands.send(`start ${i}`, true);
    for (let i = 0; i < 3; i += 1) void hands.send(`report ${i}`);
    expect(hands.begun).toEqual(['start 0', 'start 1', 'report 0', 'report 1']);
    expect(admission.waitingCount).toBe(4);
    // the slot of a start is a report's, and a start waits for one of its own
    await hands.finish('start 0');
    await hands.finish('report 0');
    expect(hands.begun.slice(4)).toEqual(['report 2', 'start 2']);
  });

  it('gives the place of what threw to the next', async () => {
    const admission = new Admission({ inHandMax: 1, openingMax: 1 });
    const failing = admission.run(true, async () => {
      throw new Error('no');
    });
    const next = admission.run(true, async () => 'next');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
    expect(admission.waitingCount).toBe(0);
  });

  it('refuses what has no place to wait, with a fault that may pass', async () => {
    const hands = new Hands(new Admission({ inHandMax: 1, openingMax: 1, waitingMax: 1 }));
    void hands.send('first');
    const second = hands.send('second');
    await expect(hands.send('third')).rejects.toMatchObject({ code: 'QUEUE_FULL', retryable: true });
    await hands.finish('first');
    await hands.finish('second');
    expect(await second).toBe('second');
  });
});
