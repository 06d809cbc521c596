import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bugTable } from './bug-table.ts';
import { BUGS } from './bugs.ts';
import { outcomeOf } from './run-case.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');

describe('bugs that are kept', () => {
  it('have ids that are names, each once', () => {
    const ids = BUGS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+(-[a-z0-9]+)+$/.test(id))).toEqual([]);
  });

  it.each(BUGS.map((bug) => [bug.id, bug] as const))('%s has an old fault that fits the source as it is now, exactly once', (_, { plant }) => {
    for (const { file, find } of plant) expect([file, read(file).split(find).length - 1]).toEqual([file, 1]);
  });

  it('stand in docs/reliability.md as they are (./maestro chaos report --write)', () => {
    expect(read('docs/reliability.md')).toContain(bugTable(BUGS));
  });
});

describe('what a run of Jest says about a case', () => {
  const kept = { kind: 'spec', file: 'a/b.spec.ts', test: 'holds' } as const;
  const suite = (more: object) => ({ testResults: [{ name: '/somewhere/a/b.spec.ts', message: '', assertionResults: [], ...more }] });
  const test = (status: string, fullName = 'it holds') => ({ status, fullName, failureMessages: ['\u001B[31mwet\u001B[39m\nat line 1'] });

  it.each([
    ['sound', 'where its tests passed', suite({ assertionResults: [test('passed')] })],
    ['broken', 'where one of them failed', suite({ assertionResults: [test('passed'), test('failed')] })],
    ['useless', 'where none ran', suite({ assertionResults: [test('pending'), test('passed', 'it leaks')] })],
    ['useless', 'where its file does not load', suite({ message: 'no such module' })],
    ['useless', 'where its file is gone', { testResults: [] }],
  ])('is %s %s', (kind, _, result) => {
    expect(outcomeOf(kept, result).kind).toBe(kind);
  });

  it('names the test that failed, with the first plain line of why', () => {
    expect(outcomeOf(kept, suite({ assertionResults: [test('failed')] })).detail).toBe('it holds: wet');
  });
});
