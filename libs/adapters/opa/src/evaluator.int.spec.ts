import { fileURLToPath } from 'node:url';
import { Evaluator } from './evaluator.ts';
import { loadSets } from './pack-set.ts';

const { active } = loadSets(fileURLToPath(new URL('../../../../policy/bundles', import.meta.url)));
const { setDigest } = active.ref;
const source = { setDigest, module: active.module, dataText: active.dataText };
const unready = { pii: { ready: false, violations: [], obligations: [] } };

const nested = (depth: number): string => `{"inputs":${'{"ssn":'.repeat(depth)}1${'}'.repeat(depth)}}`;

describe('evaluator', () => {
  const evaluate = (evaluator: Evaluator, inputText: string, id = 1) =>
    evaluator.evaluate({ id, setDigest, entrypoint: 'mc/stage/task', inputText });

  it('answers under the id of the request', () => {
    const evaluator = new Evaluator({ sets: [source], memoryPagesMax: 256 });
    expect(evaluate(evaluator, '{}', 42)).toEqual({
      id: 42,
      kind: 'result',
      value: [{ result: unready }],
      durationUs: expect.any(Number),
    });
  });

  it.each([
    ['memory', `{"tasks":[${'{},'.repeat(600_000)}{}]}`],
    ['its stack', nested(100_000)],
  ])('answers a failure for an input beyond %s, and the next one as ever', (_, inputText) => {
    const evaluator = new Evaluator({ sets: [source], memoryPagesMax: 256 });
    expect(evaluate(evaluator, inputText)).toEqual({ id: 1, kind: 'failed', message: expect.any(String) });
    for (let n = 0; n < 3; n += 1)
      expect(evaluate(evaluator, '{}')).toEqual(expect.objectContaining({ value: [{ result: unready }] }));
  });

  it('gives an instance with more memory what is too much for a smaller one', () => {
    const inputText = `{"tasks":[${'{},'.repeat(30_000)}{}]}`;
    expect(evaluate(new Evaluator({ sets: [source], memoryPagesMax: 8 }), inputText).kind).toBe('failed');
    expect(evaluate(new Evaluator({ sets: [source], memoryPagesMax: 256 }), inputText).kind).toBe('result');
  });

  it('carries no trace of one input into the next', () => {
    const evaluator = new Evaluator({ sets: [source], memoryPagesMax: 256 });
    const denied = evaluate(evaluator, '{"inputs":{"ssn":1}}');
    expect(denied).toEqual(
      expect.objectContaining({ value: [{ result: { pii: expect.objectContaining({ violations: [expect.anything()] }) } }] }),
    );
    expect(evaluate(evaluator, '{}')).toEqual(expect.objectContaining({ value: [{ result: unready }] }));
  });
});
