import { definePackage } from './define-package.ts';
import { TaskError, isTaskError } from './task-error.ts';

const closed = { type: 'object', additionalProperties: false } as const;
const good = {
  name: 'pkg:test/one',
  version: '1.0.0',
  description: '',
  inputSchema: closed,
  outputSchema: closed,
  expectedDurationMs: 1,
  run: () => ({}),
};

describe('definePackage', () => {
  it('is neither inline nor fenced unless it says so, and cannot be changed', () => {
    const made = definePackage(good);
    expect(made).toMatchObject({ name: 'pkg:test/one', inline: false, fenced: false });
    expect(Object.isFrozen(made)).toBe(true);
    expect(definePackage({ ...good, inline: true, fenced: true })).toMatchObject({ inline: true, fenced: true });
  });

  it.each([
    ['name', { name: 'test/one' }],
    ['name', { name: 'pkg:test/One' }],
    ['version', { version: '^1.0.0' }],
    ['version', { version: '01.0.0' }],
    ['inputSchema', { inputSchema: { type: 'object' } }],
    ['outputSchema', { outputSchema: { type: 'string' } }],
    ['expectedDurationMs', { expectedDurationMs: Number.NaN }],
  ])('refuses a bad %s', (part, change) => {
    expect(() => definePackage({ ...good, ...change })).toThrow(new RegExp(part));
  });

  it('names all that is wrong at once', () => {
    expect(() => definePackage({ ...good, name: 'x', version: 'y' })).toThrow(/name.*version/);
  });
});

describe('TaskError', () => {
  it('is not retryable unless it says so, and keeps its cause', () => {
    const cause = new Error('below');
    expect(new TaskError('A', 'm')).toMatchObject({ name: 'TaskError', code: 'A', message: 'm', retryable: false });
    expect(new TaskError('A', 'm', { retryable: true, cause })).toMatchObject({ retryable: true, cause });
  });

  it('is told by its shape, not by its class', () => {
    expect(isTaskError(new TaskError('A', 'm'))).toBe(true);
    expect(isTaskError({ name: 'TaskError', code: 'A', message: 'm', retryable: false })).toBe(true);
    const sly = {
      get name(): never {
        throw new Error('in a getter');
      },
    };
    for (const other of [new Error('m'), null, undefined, 'TaskError', { name: 'TaskError' }, sly])
      expect(isTaskError(other)).toBe(false);
  });
});
