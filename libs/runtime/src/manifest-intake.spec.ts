import type { TaskPackages } from '@maestro/ports';
import { checkManifestDocument } from './manifest-intake.ts';

const noPackages: TaskPackages = {
  resolve: (uses) => ({ kind: 'unknown', uses, known: [] }),
  all: () => [],
  run: async () => ({ kind: 'cancelled', log: '' }),
  close: async () => {},
};
const TASK = { id: 'a', uses: 'pkg:core/echo@1.0.0' };
const codes = (document: unknown): string[][] => checkManifestDocument(document, noPackages).map(({ pointer, code }) => [pointer, code]);

describe('checkManifestDocument', () => {
  it.each([
    ['no object', 'text', [['', 'SCHEMA']]],
    ['nothing at all', undefined, [['', 'INVALID_JSON_VALUE']]],
    ['a missing property', { name: 'abc', version: '1.0.0' }, [['', 'SCHEMA']]],
    ['unknown properties, each by its own pointer', { name: 'abc', version: '1.0.0', tasks: [{ ...TASK, 'a/b': 1 }], x: 1 }, [['/x', 'SCHEMA'], ['/tasks/0/a~1b', 'SCHEMA']]],
    ['a value that canonical JSON cannot carry', { name: 'abc', version: '1.0.0', tasks: [{ ...TASK, with: { n: 2 ** 53 } }] }, [['/tasks/0/with/n', 'INVALID_JSON_VALUE']]],
    ['too many tasks, and nothing else then', { name: 1, tasks: Array.from({ length: 1_001 }, () => 1) }, [['/tasks', 'TOO_MANY_TASKS']]],
    ['too many bytes, and nothing else then', { name: 1, text: 'x'.repeat(262_144) }, [['', 'MANIFEST_TOO_LARGE']]],
    ['what only meaning shows', { name: 'abc', version: '1.0.0', tasks: [TASK] }, [['/tasks/0/uses', 'PACKAGE_UNKNOWN']]],
  ])('names %s', (_name, document, expected) => {
    expect(codes(document)).toEqual(expected);
  });

  it('refuses nesting without end and does not fall over it', () => {
    const nested: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));

    expect(codes(nested)).toEqual([[expect.any(String), 'INVALID_JSON_VALUE']]);
  });
});
