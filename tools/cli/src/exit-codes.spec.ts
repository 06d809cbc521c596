import { EXIT, EXIT_CODES_HELP, exitCodeOfVerdict } from './exit-codes.ts';

describe('exit codes', () => {
  it.each([
    ['succeeded', 0],
    ['denied', 3],
    ['failed', 4],
    ['cancelled', 5],
    ['timed-out', 5],
    ['something new', 1],
  ])('a run that %s ends with %i', (verdict, code) => expect(exitCodeOfVerdict(verdict)).toBe(code));

  it('are different from each other and stand in the help', () => {
    const codes = Object.values(EXIT);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes.filter((one) => one !== EXIT.rebuildMismatch && one !== EXIT.policyTestsFailed))
      expect(EXIT_CODES_HELP).toMatch(new RegExp(`^ *${code} `, 'm'));
  });
});
