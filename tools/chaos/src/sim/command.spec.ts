import { jest } from '@jest/globals';
import { runSim } from './command.ts';

/** What a call answered and said. */
async function saidBy(args: readonly string[]): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const said: string[] = [];
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  try {
    return { code: await runSim(args), lines: said.join('').trimEnd().split('\n') };
  } finally {
    spy.mockRestore();
  }
}

describe('the command of the simulation', () => {
  it('replays one seed with its trace, the same each time, and ends well where nothing is wrong', async () => {
    const [one, other] = [await saidBy(['--seed', '2']), await saidBy(['--seed', '2'])];
    expect(one.code).toBe(0);
    expect(one.lines.at(-1)).toMatch(/^sim: seed 2, \d+ acknowledged, \d+ runs, \d+ starts, trace [0-9a-f]{64}, 0 violations$/);
    expect(one.lines.filter((line) => / event execution-.* execution\.completed\.v1 /.test(line)).length).toBeGreaterThan(0);
    expect(other.lines).toEqual(one.lines);
  });

  it('ends badly where a planted fault shows, and names what it broke', async () => {
    const { code, lines } = await saidBy(['--seed', '1', '--plant', 'no-refill']);
    expect(code).toBe(1);
    expect(lines.some((line) => line.startsWith('violation: RUN_STUCK '))).toBe(true);
  });

  it('tells its usage, also to whoever asks for what there is not', async () => {
    expect(await saidBy(['--help'])).toMatchObject({ code: 0, lines: expect.arrayContaining([expect.stringContaining('head-mark-off')]) });
    for (const args of [['--seeds', '5'], ['--seed', 'x'], ['--seed', '1', '--plant', 'all'], ['--plant', 'nothing-known']]) expect((await saidBy(args)).code).toBe(64);
  });
});
