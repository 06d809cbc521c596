import { leasesConformance } from '@maestro/conformance';
import { ManualClock } from './clock.ts';
import { MemoryLeases } from './leases.ts';

leasesConformance('memory', async () => {
  const clock = new ManualClock(0);
  const leases = new MemoryLeases(clock);
  return { open: async () => leases, pass: async (ms) => void clock.advance(ms), dispose: async () => undefined };
});
