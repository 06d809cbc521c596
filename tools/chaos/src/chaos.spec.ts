import { runChaos } from './chaos.ts';
import type { Harness } from './chaos.ts';

describe('./maestro chaos', () => {
  const given: string[][] = [];
  const told: string[] = [];
  const one: Harness = {
    does: 'shakes a tree',
    load: async () => async (args) => {
      given.push([...args]);
      return 3;
    },
  };
  const run = (...args: string[]): Promise<number> => runChaos(args, { shake: one }, (line) => told.push(line));

  beforeEach(() => void (told.length = 0));

  it('hands the rest of the line to a harness and answers its exit code', async () => {
    expect(await run('shake', '--seed', '7')).toBe(3);
    expect(given).toEqual([['--seed', '7']]);
  });

  it('takes --reproduce for the verb of the same name', async () => {
    const reproduce: Harness = { does: 'shows it again', load: async () => async ([id]) => (id === 'a-bug' ? 5 : 6) };
    expect(await runChaos(['--reproduce', 'a-bug'], { reproduce })).toBe(5);
  });

  it.each([[[]], [['--help']], [['help']]])('tells what there is: %j', async (args) => {
    expect(await run(...args)).toBe(0);
    expect(told.join('\n')).toContain('shake  shakes a tree');
  });

  it.each(['shape', 'toString', '__proto__'])('refuses %s, and tells what there is', async (name) => {
    expect(await run(name)).toBe(64);
    expect(told.join('\n')).toMatch(/there is no harness [^]+shakes a tree/);
  });
});
