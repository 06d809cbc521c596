import { MemoryProcessState } from '@maestro/adapter-memory';
import type { PolicySetRef } from '@maestro/ports';
import { notePolicyActivation, readPolicyActivations } from './policy-activations.ts';

const active = (digit: string) => ({ active: () => ({ setDigest: digit.repeat(64) }) as PolicySetRef });

describe('activations of policy sets', () => {
  it('are noted once for each change, with its time, and a set that comes back again', async () => {
    const state = new MemoryProcessState();
    let nowMs = Date.parse('2026-01-05T10:00:00.000Z');
    const clock = { nowMs: () => nowMs, monotonicUs: () => 0, after: () => () => undefined };
    for (const digit of ['a', 'a', 'b', 'a', 'a']) {
      await notePolicyActivation(state, active(digit), clock);
      nowMs += 60_000;
    }

    expect(await readPolicyActivations(state)).toEqual([
      { setDigest: 'a'.repeat(64), since: '2026-01-05T10:00:00.000Z' },
      { setDigest: 'b'.repeat(64), since: '2026-01-05T10:02:00.000Z' },
      { setDigest: 'a'.repeat(64), since: '2026-01-05T10:03:00.000Z' },
    ]);
  });

  it('are none before the first start', async () => {
    expect(await readPolicyActivations(new MemoryProcessState())).toEqual([]);
  });
});
