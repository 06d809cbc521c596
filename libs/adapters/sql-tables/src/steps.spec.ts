import { runAtOnce, runInTurn } from './steps.ts';
import type { Found, Step, Steps } from './steps.ts';

/** Asks twice, and the second time for what the first answer says. */
function* asking(): Steps<string> {
  const [first] = yield { sql: 'one', parameters: [] };
  const [second] = yield { sql: `two after ${String(first?.['n'])}`, rows: [[1]] };
  return `${String(first?.['n'])} ${String(second?.['n'])}`;
}

describe('steps', () => {
  it('are the same statements in the same order, at once or in turn', async () => {
    const log: string[] = [];
    const answer = (step: Step): readonly Found[] => [{ n: log.push(step.sql) }];
    expect(runAtOnce(asking(), answer)).toBe('1 2');
    expect(await runInTurn(asking(), async (step) => answer(step))).toBe('3 4');
    expect(log).toEqual(['one', 'two after 1', 'one', 'two after 3']);
  });

  it('end with the fault of a statement, and go no further', async () => {
    const log: string[] = [];
    const failing = (step: Step): never => {
      log.push(step.sql);
      throw new Error('the disk is full');
    };
    expect(() => runAtOnce(asking(), failing)).toThrow('the disk is full');
    await expect(runInTurn(asking(), async (step) => failing(step))).rejects.toThrow('the disk is full');
    expect(log).toEqual(['one', 'one']);
  });
});
