import { fileURLToPath } from 'node:url';
import { Evaluator } from './evaluator.ts';
import { loadSets } from './pack-set.ts';

const { active } = loadSets(fileURLToPath(new URL('../../../../policy/bundles', import.meta.url)));
const { setDigest } = active.ref;
const source = { setDigest, module: active.module, dataText: active.dataText };
const unready = { pii: { ready: false, violations: [], obligations: [] } };

/** a bound for what hangs: forty seconds on a quiet core */
const DEPTHS_WITHIN_MS = 300_000;

const nested = (depth: number): string => `{"inputs":${'{"ssn":'.repeat(depth)}1${'}'.repeat(depth)}}`;

describe('an evaluator', () => {
  const evaluate = (evaluator: Evaluator, inputText: string) => evaluator.evaluate({ id: 1, setDigest, entrypoint: 'mc/stage/task', inputText });

  // Somewhere on the way the stack overflows inside the instance, which is then damaged: it must not serve again.
  it('answers as ever after inputs of any depth', () => {
    const evaluator = new Evaluator({ sets: [source], memoryPagesMax: 2048 });
    const kinds = new Set<string>();
    for (const depth of [250, 500, 1_000, 2_000, 4_000, 8_000]) {
      kinds.add(evaluate(evaluator, nested(depth)).kind);
      expect(evaluate(evaluator, '{}')).toEqual(expect.objectContaining({ value: [{ result: unready }] }));
    }
    expect(kinds).toEqual(new Set(['result', 'failed']));
  }, DEPTHS_WITHIN_MS);
});
