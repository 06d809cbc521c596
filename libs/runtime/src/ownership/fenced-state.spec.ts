import { MemoryProcessDisk, MemoryProcessState } from '@maestro/adapter-memory';
import { FencedState } from './fenced-state.ts';

describe('the process state as one owner sees it', () => {
  const rowsOf = async (disk: MemoryProcessDisk): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const { key } of (await new MemoryProcessState(disk).load('intents')).rows) keys.push(key);
    return keys;
  };

  it('takes what it writes, one write after the other', async () => {
    const disk = new MemoryProcessDisk();
    const mine = new FencedState(new MemoryProcessState(disk), () => expect('moved').toBe('never'));
    await mine.load('intents');
    await mine.apply('intents', 'c1', [{ key: 'a', value: 1 }], []);
    await mine.apply('intents', 'c2', [{ key: 'b', value: 1 }], ['a']);
    expect(await rowsOf(disk)).toEqual(['b']);
  });

  it('writes nothing over a successor, and tells the owner', async () => {
    const disk = new MemoryProcessDisk();
    const moved: unknown[] = [];
    const [old, next] = [new FencedState(new MemoryProcessState(disk), (error) => moved.push(error)), new FencedState(new MemoryProcessState(disk), () => undefined)];
    await old.load('intents');
    await old.apply('intents', 'c1', [{ key: 'a', value: 1 }], []);
    await next.load('intents');
    // the successor sees that `a` is closed
    await next.apply('intents', 'c5', [], ['a']);
    await expect(old.apply('intents', 'c2', [{ key: 'a', value: 1 }], [])).rejects.toMatchObject({ code: 'STATE_MOVED' });
    expect([moved.length, await rowsOf(disk)]).toEqual([1, []]);
  });

  it('leaves rows without a cursor to everybody', async () => {
    const disk = new MemoryProcessDisk();
    const [one, two] = [0, 1].map(() => new FencedState(new MemoryProcessState(disk), () => undefined)) as [FencedState, FencedState];
    await one.load('refusals');
    await two.apply('refusals', null, [{ key: 'x', value: 1 }], []);
    await one.apply('refusals', null, [{ key: 'y', value: 1 }], []);
    expect(disk.processes.get('refusals')?.rows.size).toBe(2);
    await one.close();
  });
});
