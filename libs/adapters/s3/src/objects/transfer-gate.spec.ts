import { TransferGate } from './transfer-gate.ts';

/** Work that goes on until it is told to end; `running` names what is inside the gate. */
class Works {
  readonly running = new Set<string>();
  readonly #ends = new Map<string, () => void>();

  start(gate: TransferGate, name: string, bytes: number): Promise<void> {
    return gate.run(bytes, async () => {
      this.running.add(name);
      await new Promise<void>((resolve) => this.#ends.set(name, resolve));
      this.running.delete(name);
    });
  }
  end(name: string): void {
    this.#ends.get(name)?.();
  }
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
};

describe('the gate of transfers', () => {
  it('lets in as many requests as it may, in the order they came', async () => {
    const [gate, works] = [new TransferGate(2, 100), new Works()];
    const all = ['a', 'b', 'c'].map((name) => works.start(gate, name, 0));
    await settled();
    expect([...works.running]).toEqual(['a', 'b']);
    works.end('b');
    await settled();
    expect([...works.running]).toEqual(['a', 'c']);
    for (const name of ['a', 'c']) works.end(name);
    await Promise.all(all);
  });

  it('lets in as many bytes as it may; a larger body goes alone, and is not overtaken', async () => {
    const [gate, works] = [new TransferGate(10, 100), new Works()];
    const all = [['a', 60], ['b', 500], ['c', 10]].map(([name, bytes]) => works.start(gate, String(name), Number(bytes)));
    await settled();
    expect([...works.running]).toEqual(['a']);
    works.end('a');
    await settled();
    expect([...works.running]).toEqual(['b']);
    works.end('b');
    await settled();
    expect([...works.running]).toEqual(['c']);
    works.end('c');
    await Promise.all(all);
  });

  it('gives the place of work that failed to the next', async () => {
    const gate = new TransferGate(1, 100);
    await expect(gate.run(200, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await gate.run(200, () => Promise.resolve('next'))).toBe('next');
  });
});
