import type { IndexedSet } from './bundle-index.ts';
import { packResults } from './findings.ts';

const DIGEST = 'a'.repeat(64);
const set: IndexedSet = {
  setDigest: DIGEST,
  wasmDigest: DIGEST,
  dataDigest: DIGEST,
  entrypoints: { publish: 'mc/stage/publish', start: 'mc/stage/start', task: 'mc/stage/task' },
  packs: [
    { name: 'residency', packDigest: DIGEST, stages: ['publish', 'start'] },
    { name: 'pii', packDigest: DIGEST, stages: ['publish', 'start', 'task'] },
  ],
  opaVersion: '1.21.3',
  compilerDigest: DIGEST,
};
const quiet = { ready: true, violations: [], obligations: [] };
const invalid = { code: 'INPUT_INVALID', path: [], params: {} };
const finding = (code: string, ...path: (string | number)[]) => ({ code, path, params: {} });

describe('pack results', () => {
  it('allow a ready pack without violations, and come by name', () => {
    expect(packResults(set, 'start', [{ result: { residency: quiet, pii: quiet } }])).toEqual([
      { pack: 'pii', ready: true, allow: true, violations: [], obligations: [] },
      { pack: 'residency', ready: true, allow: true, violations: [], obligations: [] },
    ]);
  });

  it('ask only the packs of the stage', () => {
    expect(packResults(set, 'task', [{ result: { pii: quiet } }])).toEqual([
      expect.objectContaining({ pack: 'pii', allow: true }),
    ]);
  });

  it('deny a ready pack with a violation, not one with an obligation', () => {
    const answer = {
      pii: { ...quiet, violations: [finding('PII_KEY', 'inputs')] },
      residency: { ...quiet, obligations: [finding('WARN')] },
    };
    expect(packResults(set, 'start', [{ result: answer }])).toEqual([
      expect.objectContaining({ pack: 'pii', allow: false }),
      expect.objectContaining({ pack: 'residency', allow: true, obligations: [finding('WARN')] }),
    ]);
  });

  it('deny a pack that is not ready, though it found nothing', () => {
    expect(packResults(set, 'task', [{ result: { pii: { ...quiet, ready: false } } }])).toEqual([
      { pack: 'pii', ready: false, allow: false, violations: [invalid], obligations: [] },
    ]);
  });

  it.each([
    ['an undefined entrypoint', []],
    ['an empty object', [{ result: {} }]],
  ])('deny every pack that %s leaves out', (_, answered) => {
    expect(packResults(set, 'start', answered)).toEqual([
      { pack: 'pii', ready: false, allow: false, violations: [invalid], obligations: [] },
      { pack: 'residency', ready: false, allow: false, violations: [invalid], obligations: [] },
    ]);
  });

  it('sort findings by their canonical JSON, whatever order the engine gave', () => {
    const found = [finding('BB', 'a', 2), finding('BB', 'a', 10), finding('AA', 'z'), finding('CC')];
    const orders = [found, found.toReversed(), [found[2], found[0], found[3], found[1]]];
    const results = orders.map((violations) => packResults(set, 'task', [{ result: { pii: { ...quiet, violations } } }]));
    expect(results[0]).toEqual([
      expect.objectContaining({ violations: [finding('AA', 'z'), finding('BB', 'a', 10), finding('BB', 'a', 2), finding('CC')] }),
    ]);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it.each([
    ['no list', { result: {} }],
    ['a list of no objects', ['text']],
    ['a result that is no object', [{ result: [] }]],
    ['a pack that the stage does not ask', [{ result: { pii: quiet, residency: quiet } }]],
    ['a pack that is no object', [{ result: { pii: true } }]],
    ['a pack without obligations', [{ result: { pii: { ready: true, violations: [] } } }]],
    ['a pack with one key more', [{ result: { pii: { ...quiet, allow: true } } }]],
    ['a readiness that is a text', [{ result: { pii: { ...quiet, ready: 'true' } } }]],
    ['violations that are no list', [{ result: { pii: { ...quiet, violations: {} } } }]],
    ['a violation that is a text', [{ result: { pii: { ...quiet, violations: ['denied'] } } }]],
    ['a violation without a path', [{ result: { pii: { ...quiet, violations: [{ code: 'A', params: {} }] } } }]],
    ['a code in lower case', [{ result: { pii: { ...quiet, violations: [finding('denied')] } } }]],
    ['a path with a fraction', [{ result: { pii: { ...quiet, violations: [finding('AB', 1.5)] } } }]],
    ['params that are a list', [{ result: { pii: { ...quiet, obligations: [{ code: 'AB', path: [], params: [] }] } } }]],
  ])('are a reason, not a decision, for %s', (_, answered) => {
    expect(typeof packResults(set, 'task', answered)).toBe('string');
  });
});
