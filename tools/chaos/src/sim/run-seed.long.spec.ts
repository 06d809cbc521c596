import { PLANTS } from './plants.ts';
import { runSeed } from './run-seed.ts';

const SEEDS = [1, 2, 3, 4, 5];

describe('a simulated conductor', () => {
  it('does the same for the same seed: two traces are equal, line by line', async () => {
    const digests = new Set<string>();
    for (const seed of SEEDS) {
      const [one, other] = [await runSeed(seed), await runSeed(seed)];
      expect(other.trace).toEqual(one.trace);
      expect(other.outcome).toEqual(one.outcome);
      expect(one.trace.length).toBeGreaterThan(50);
      digests.add(one.outcome.traceDigest);
    }
    expect(digests.size).toBe(SEEDS.length);
  }, 120_000);

  it('keeps its promises under the faults of some seeds', async () => {
    let [acknowledged, faults] = [0, 0];
    for (const seed of SEEDS) {
      const { outcome } = await runSeed(seed);
      expect([seed, outcome.breaches]).toEqual([seed, []]);
      acknowledged += outcome.acknowledged;
      faults += Object.values(outcome.faults).reduce((sum, count) => sum + count, 0);
    }
    expect(acknowledged).toBeGreaterThan(5 * SEEDS.length);
    expect(faults).toBeGreaterThan(SEEDS.length);
  }, 120_000);

  it.each(PLANTS.map((plant) => [plant.name, plant] as const))('shows %s within some seeds', async (_, plant) => {
    const shown = async (seed: number): Promise<boolean> => (await runSeed(seed, plant)).outcome.breaches.some(({ code }) => plant.shows.includes(code));
    let found = false;
    for (let seed = 1; seed <= 40 && !found; seed += 1) found = await shown(seed);
    expect(found).toBe(true);
  }, 120_000);
});
