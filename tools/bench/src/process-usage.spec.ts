import { processUsage } from './process-usage.ts';

describe('usage of a process', () => {
  it('is read for one that lives', () => {
    const { cpuMs, rssBytes, writtenBytes } = processUsage(process.pid);
    expect(cpuMs).toBeGreaterThan(0);
    expect(rssBytes).toBeGreaterThan(10_000_000);
    expect(writtenBytes).toBeGreaterThanOrEqual(0);
  });

  it('is unknown for one that is gone', () => {
    expect(processUsage(2 ** 22 + 1)).toEqual({ cpuMs: null, rssBytes: null, writtenBytes: null });
  });
});
