import { positionsOf } from './source-positions.ts';

const YAML = 'name: a\ntasks:\n  - id: one\n    with: {x: [1, 2]}\n  - "a/b": &n 1\n';

describe('positionsOf', () => {
  it.each([
    ['', 1, 1],
    ['/name', 1, 1],
    ['/tasks', 2, 1],
    ['/tasks/0', 3, 5],
    ['/tasks/0/id', 3, 5],
    ['/tasks/0/with/x', 4, 12],
    ['/tasks/0/with/x/1', 4, 19],
    ['/tasks/1/a~1b', 5, 5],
  ])('places %j at line %i, column %i', (pointer, line, column) => {
    expect(positionsOf(YAML, [pointer]).get(pointer)).toEqual({ line, column });
  });

  it('places what is missing at the nearest container that is there', () => {
    expect(positionsOf(YAML, ['/tasks/0/uses', '/version']).get('/tasks/0/uses')).toEqual({ line: 3, column: 5 });
    expect(positionsOf(YAML, ['/version']).get('/version')).toEqual({ line: 1, column: 1 });
  });

  it('places values of JSON as well', () => {
    expect(positionsOf('{\n\t"a": {\n\t\t"b": 1\n\t}\n}', ['/a/b']).get('/a/b')).toEqual({ line: 3, column: 3 });
  });

  it('does not search a text without bound', () => {
    expect(positionsOf(`a: ${'x'.repeat(300_000)}`, ['/a']).size).toBe(0);
  });
});
