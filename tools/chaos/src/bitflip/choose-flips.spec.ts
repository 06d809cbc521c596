import { seededRandom } from '../seeded-random.ts';
import { chooseFlips, sharesOf } from './choose-flips.ts';
import { FILE_KINDS } from './file-kinds.ts';
import type { FileKind } from './file-kinds.ts';

const kindOf = (name: string): FileKind => FILE_KINDS.find((kind) => kind.name === name) as FileKind;
const chosen = (name: string, path: string, sizeBytes: number, count: number, dataKeys: readonly string[] = []) =>
  chooseFlips(kindOf(name), [{ path, sizeBytes }], count, seededRandom('flips'), dataKeys);

describe('choosing flips', () => {
  it('gives every kind its share, and at least as many as asked for in all', () => {
    const shares = sharesOf(FILE_KINDS, 1_000);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThanOrEqual(1_000);
    expect(Math.min(...shares)).toBeGreaterThan(0);
  });
  it('is the same for the same seed, without any bit twice, all within the file', () => {
    const flips = chosen('read models', 'views.db', 20 * 4_096, 500);
    expect(flips).toEqual(chosen('read models', 'views.db', 20 * 4_096, 500));
    expect(new Set(flips.map(({ offset, bit }) => `${offset}:${bit}`)).size).toBe(500);
    expect(flips.every(({ offset, bit }) => offset >= 0 && offset < 20 * 4_096 && bit >= 0 && bit < 8)).toBe(true);
  });
  it('takes every bit of a file that has no more, and then ends', () => {
    expect(chosen('public root key', 'keys/root/root.pub', 3, 1_000)).toHaveLength(24);
  });
  it('hits headers of pages and of frames of a log more often than by chance', () => {
    const inHeads = chosen('event store', 'events.db', 100 * 4_096, 400).filter(({ offset }) => offset % 4_096 < 140).length;
    expect(inHeads).toBeGreaterThan(120);
    const frame = 24 + 4_096;
    const inFrames = chosen('log of the event store', 'events.db-wal', 32 + 100 * frame, 400).filter(({ offset }) => offset < 32 || (offset - 32) % frame < 64).length;
    expect(inFrames).toBeGreaterThan(120);
  });
  it('hits the records of keys that are in use', () => {
    const flips = chosen('data keys', 'keys/vault/data/pool-0a0b0c0d.keys', 256 * 64, 200, ['k-0a0b0c0d-05-00000000', 'k-ffffffff-07-00000000']);
    expect(flips.filter(({ offset }) => Math.floor(offset / 64) === 5).length).toBeGreaterThan(60);
  });
});
