import { seededEntropy } from '@maestro/adapter-memory';
import type { StreamName } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import { eventHash } from '@maestro/receipt';
import { SimulatedClock } from './simulated-clock.ts';
import { DiskEventStore, SimulatedDisk } from './simulated-disk.ts';

const STREAM = 'execution-a' as StreamName;

/** A disk with so many commits of one event. */
async function diskOf(commits: number): Promise<{ readonly disk: SimulatedDisk; readonly clock: SimulatedClock }> {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk(clock, seededEntropy('disk'), () => undefined);
  const store = new DiskEventStore(disk);
  for (let i = 0; i < commits; i += 1) {
    const bytes = Buffer.from(`{"n":${i}}`);
    const expected = i === 0 ? 'none' : { revision: BigInt(i - 1), token: String(i - 1) };
    await store.append(STREAM, expected, [{ id: `0000000${i}-0000-4000-8000-000000000000`, type: 'x.happened.v1', bytes, hash: eventHash(bytes), sealed: null }]);
  }
  return { disk, clock };
}

function codeOf(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    return isFault(error) ? error.code : String(error);
  }
  return undefined;
}

describe('the simulated disk', () => {
  it('has a head mark that follows the commits, and refuses a log that is behind it', async () => {
    const { disk, clock } = await diskOf(5);
    expect(disk.markedCount).toBe(0);
    clock.step();
    expect(disk.markedCount).toBe(5);
    disk.cutTo(3);
    expect(disk.log.events.map(({ revision }) => revision)).toEqual([0n, 1n, 2n]);
    expect(disk.log.streams.get(STREAM)).toHaveLength(3);
    expect(codeOf(() => disk.compareWithMark())).toBe('STORE_BEHIND_MARK');
    disk.restore();
    expect(codeOf(() => disk.compareWithMark())).toBeUndefined();
    expect(disk.log.streams.get(STREAM)?.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  it('does not notice a loss that is younger than its mark', async () => {
    const { disk } = await diskOf(2);
    disk.cutTo(0);
    expect(codeOf(() => disk.compareWithMark())).toBeUndefined();
    expect(disk.log.streams.has(STREAM)).toBe(false);
  });

  it('can lose the latest evidence; what came before keeps its place', async () => {
    const { disk } = await diskOf(0);
    const [first, second] = await disk.evidence.putMany(['a', 'b'].map((key) => ({ key, bytes: Buffer.from(key) })));
    await disk.evidence.put({ key: 'a', bytes: Buffer.from('a') });
    expect(disk.evidence.count).toBe(2);
    disk.evidence.cutTo(1);
    expect(Buffer.from(await disk.evidence.get(first ?? { digest: '', location: '' })).toString()).toBe('a');
    await expect(disk.evidence.get(second ?? { digest: '', location: '' })).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
  });
});
