import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSets } from './pack-set.ts';

const REAL = fileURLToPath(new URL('../../../../policy/bundles', import.meta.url));
const FIXTURE = fileURLToPath(new URL('../fixtures/bundles', import.meta.url));
type Index = { active: string; sets: { setDigest: string; wasmDigest: string; packs: { stages: string[] }[] }[] };

describe('loading pack sets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-opa-'));
    cpSync(REAL, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (): Index => JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Index;
  const write = (index: Index): void => writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
  const flip = (suffix: string): void => {
    const path = join(folder, `${read().active}${suffix}`);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };
  const unavailable = (detail: string) =>
    expect.objectContaining({ code: 'PACK_SET_UNAVAILABLE', message: expect.stringContaining(detail) });

  it('names the active set, its packs and its engine', () => {
    const { active, sets } = loadSets(folder);
    expect(active.ref).toEqual({
      setDigest: read().active,
      wasmDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      dataDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      engine: expect.stringMatching(/^opa-wasm \d+\.\d+\.\d+\/opa \d+\.\d+\.\d+$/),
      entrypoints: { publish: 'mc/stage/publish', start: 'mc/stage/start', task: 'mc/stage/task' },
      packs: [
        { name: 'pii', packDigest: expect.stringMatching(/^[0-9a-f]{64}$/), stages: ['publish', 'start', 'task'] },
        { name: 'residency', packDigest: expect.stringMatching(/^[0-9a-f]{64}$/), stages: ['publish', 'start'] },
      ],
    });
    expect(sets.size).toBe(read().sets.length);
  });

  it.each([
    ['.wasm', 'wasmDigest'],
    ['.data.json', 'dataDigest'],
  ])('refuses a set with one flipped bit in its %s, naming the digest', (suffix, digest) => {
    flip(suffix);
    expect(() => loadSets(folder)).toThrow(unavailable(`differs from its digests in ${digest} (of ${read().active}${suffix});`));
  });

  it('refuses a set whose compiler is another one than it was listed with', () => {
    const index = readFileSync(join(folder, 'index.json'), 'utf8');
    writeFileSync(join(folder, 'index.json'), index.replace(/("opaVersion": "\d+\.\d+\.)\d/, '$19'));
    expect(() => loadSets(folder)).toThrow(unavailable('compilerDigest (of opaVersion in index.json)'));
  });

  it('refuses an entry whose own digest does not follow from it', () => {
    const index = read();
    index.sets.at(-1)?.packs[0]?.stages.pop();
    write(index);
    expect(() => loadSets(folder)).toThrow(unavailable('setDigest'));
  });

  it('refuses code and entry changed together, for the name of the set does not follow', () => {
    flip('.wasm');
    const index = read();
    const last = index.sets.at(-1);
    if (last !== undefined) last.wasmDigest = '0'.repeat(64);
    write(index);
    expect(() => loadSets(folder)).toThrow(unavailable('setDigest (of the entry in index.json), wasmDigest'));
  });

  it('refuses an active set that is not listed, and one whose file is gone', () => {
    const { active } = read();
    write({ ...read(), active: '0'.repeat(64) });
    expect(() => loadSets(folder)).toThrow(unavailable('not listed'));
    write({ ...read(), active });
    rmSync(join(folder, `${active}.wasm`));
    expect(() => loadSets(folder)).toThrow(unavailable(`${active}.wasm`));
  });

  it('refuses a folder without an index', () => {
    rmSync(join(folder, 'index.json'));
    expect(() => loadSets(folder)).toThrow(unavailable('index.json'));
  });

  it('serves the active set where only another one is damaged', () => {
    const other = JSON.parse(readFileSync(join(FIXTURE, 'index.json'), 'utf8')) as Index;
    for (const file of readdirSync(FIXTURE)) if (file !== 'index.json') cpSync(join(FIXTURE, file), join(folder, file));
    const index = read();
    write({ ...index, sets: [...index.sets, ...other.sets] });
    expect([...loadSets(folder).sets.keys()]).toContain(other.active);

    writeFileSync(join(folder, `${other.active}.data.json`), '{}');
    const { active, sets, refused } = loadSets(folder);
    expect(active.ref.setDigest).toBe(index.active);
    expect(sets.has(other.active)).toBe(false);
    expect(refused.get(other.active)).toEqual(unavailable('dataDigest'));
  });
});
