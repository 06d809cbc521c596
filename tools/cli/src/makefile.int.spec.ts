import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { someUser } from '../fixtures/command-line.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What make would run. */
const commandsOf = (...args: string[]): string => execFileSync('make', ['-n', ...args], { cwd: root, encoding: 'utf8' });

describe('the Makefile', () => {
  it.each([
    [['plan'], './maestro plan -m examples/hello.yaml\n'],
    [['plan', 'MANIFEST=flow.yaml'], './maestro plan -m flow.yaml\n'],
    [['verify', 'RECEIPT=evidence'], './maestro verify evidence\n'],
  ])('%j calls the command line', (args, expected) => expect(commandsOf(...args)).toBe(expected));

  it('starts the candidate of the workflow that the environment names', () => {
    expect(commandsOf('run')).toMatch(/^\.\/maestro run -w \$\{WORKFLOW_ID:\?.*\} --canary\n$/);
  });

  it('gives only options that the verbs know', async () => {
    const user = someUser();
    for (const [, verb = '', option = ''] of commandsOf('plan', 'run', 'verify').matchAll(/maestro (\w+) .*?(-m|-w|--canary|$)/gm))
      expect((await user.call(verb, '--help')).out).toContain(option);
    user.leave();
  });
});
