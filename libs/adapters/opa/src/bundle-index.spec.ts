import { parseBundleIndex, setDigestOf } from './bundle-index.ts';

const DIGEST = 'a'.repeat(64);
const pack = { name: 'pii', packDigest: DIGEST, stages: ['publish', 'start', 'task'] };
const set = {
  setDigest: DIGEST,
  wasmDigest: DIGEST,
  dataDigest: DIGEST,
  entrypoints: { publish: 'mc/stage/publish', start: 'mc/stage/start', task: 'mc/stage/task' },
  packs: [pack],
  opaVersion: '1.21.3',
};
const index = { schema: 'policy-bundles.v1', active: DIGEST, sets: [set] };

describe('bundle index', () => {
  it('is read as it was written', () => {
    expect(parseBundleIndex(JSON.stringify(index))).toEqual({ active: DIGEST, sets: [{ ...set, compilerDigest: null }] });
  });

  it.each([
    ['no JSON', 'nonsense', 'not JSON'],
    ['a list', '[]', 'index.json is not an object'],
    ['another schema', JSON.stringify({ ...index, schema: 'policy-bundles.v2' }), '`schema`'],
    ['no active set', JSON.stringify({ ...index, active: null }), 'active'],
    ['sets that are no list', JSON.stringify({ ...index, sets: {} }), '`sets`'],
    ['a set that is no object', JSON.stringify({ ...index, sets: [1] }), 'sets[0]'],
    ['an upper-case digest', JSON.stringify({ ...index, sets: [{ ...set, wasmDigest: 'A'.repeat(64) }] }), 'sets[0].wasmDigest'],
    [
      'a missing entrypoint',
      JSON.stringify({ ...index, sets: [{ ...set, entrypoints: { publish: 'a/b' } }] }),
      'entrypoints.start',
    ],
    ['a set without packs', JSON.stringify({ ...index, sets: [{ ...set, packs: [] }] }), 'sets[0].packs'],
    [
      'an unknown stage',
      JSON.stringify({ ...index, sets: [{ ...set, packs: [{ ...pack, stages: ['end'] }] }] }),
      'packs[0].stages',
    ],
    [
      'a pack name with blanks',
      JSON.stringify({ ...index, sets: [{ ...set, packs: [{ ...pack, name: 'a b' }] }] }),
      'packs[0].name',
    ],
    ['no compiler version', JSON.stringify({ ...index, sets: [{ ...set, opaVersion: 'latest' }] }), 'opaVersion'],
  ])('with %s is refused, naming the place', (_, text, place) => {
    expect(() => parseBundleIndex(text)).toThrow(
      expect.objectContaining({ code: 'PACK_SET_UNAVAILABLE', message: expect.stringContaining(place) }),
    );
  });

  it('gives another digest to a set that asks fewer packs at a stage', () => {
    const [whole] = parseBundleIndex(JSON.stringify(index)).sets;
    const [less] = parseBundleIndex(
      JSON.stringify({ ...index, sets: [{ ...set, packs: [{ ...pack, stages: ['start'] }] }] }),
    ).sets;
    if (whole === undefined || less === undefined) throw new Error('both indexes hold one set');
    expect(setDigestOf(whole)).toMatch(/^[0-9a-f]{64}$/);
    expect(setDigestOf(less)).not.toBe(setDigestOf(whole));
  });
});
