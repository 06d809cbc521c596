import { CliError } from '../cli-error.ts';
import { AnswerError } from '../rest/answer-error.ts';
import { painter } from '../screen.ts';
import { exitCodeOfAnswer, renderAnswer, renderCliError } from './problems.ts';

const plain = painter(false);
const answer = (status: number, code: string, more: object = {}): AnswerError =>
  new AnswerError(status, { code, detail: `${code} it is`, ...more });

describe('problems for people', () => {
  it('show code, detail, every problem with its place, and what to do next', () => {
    const errors = [
      { pointer: '/tasks/0/uses', code: 'PACKAGE_UNKNOWN', message: 'no such package', line: 5, column: 3 },
      { pointer: '', code: 'SCHEMA', message: 'must be object' },
    ];
    expect(renderAnswer(answer(400, 'MANIFEST_INVALID', { errors, errorsOmitted: 4 }), plain, 'flow.yaml').split('\n')).toEqual([
      'MANIFEST_INVALID: MANIFEST_INVALID it is',
      '  flow.yaml:5:3  /tasks/0/uses  PACKAGE_UNKNOWN  no such package',
      '  (the whole document)  SCHEMA  must be object',
      '  and 4 more',
      '  next: correct the places above and run the same command again',
    ]);
  });

  it('show an error of the command line in the same form', () => {
    expect(renderCliError(new CliError(6, 'CONDUCTOR_UNREACHABLE', 'nobody there', ['./maestro up']), plain)).toBe(
      'CONDUCTOR_UNREACHABLE: nobody there\n  next: ./maestro up',
    );
  });

  it('never pass on control characters', () => {
    expect(renderAnswer(answer(400, 'X', { detail: 'a\u001b]0;b\u0007' }), plain)).toBe('X: a�]0;b�');
  });

  it('tell where the conductor says more about its own failure', () =>
    expect(renderAnswer(answer(500, 'BUG'), plain)).toContain('conductor.log'));

  it.each([
    [403, 'POLICY_DENIED', 3],
    [403, 'ORIGIN_NOT_ALLOWED', 2],
    [400, 'MANIFEST_INVALID', 2],
    [404, 'EXECUTION_NOT_FOUND', 2],
    [409, 'VERSION_CONFLICT', 2],
    [500, 'BUG', 1],
    [503, 'READ_MODEL_BEHIND', 6],
    [429, 'QUEUE_FULL', 6],
  ])('%i %s ends with %i', (status, code, exitCode) => expect(exitCodeOfAnswer(answer(status, code))).toBe(exitCode));

  it('read a refusal without a document by its status', () => {
    expect(new AnswerError(502, {})).toMatchObject({
      code: 'HTTP_502',
      message: 'the conductor answered with status 502',
      errors: [],
    });
  });
});
