import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bench, runBench } from './bench.ts';
import { renderReport } from './report.ts';
import type { BenchReport } from './report.ts';
import { WORKLOADS } from './workloads.ts';

const TEST_MAX_MS = 60_000;
/** On the disk of the repository: a temporary folder may lie in memory. */
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));

describe('the benchmark', () => {
  let dataDir = '';
  let report: BenchReport;

  beforeAll(async () => {
    mkdirSync(CACHE, { recursive: true });
    dataDir = mkdtempSync(join(CACHE, 'bench-spec-'));
    const workloads = WORKLOADS.filter(({ id }) => id === 'W10L' || id === 'S');
    report = await bench({ workloads, measuresAppends: true, targets: ['engine', 'rest'], effort: { warmUpMs: 0, measureMs: 1, runsMin: 3 }, dataDir }, () => undefined);
  }, TEST_MAX_MS);

  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  it('measures the engine and the conductor side by side, with receipts that verify', () => {
    expect(report.measured.map(({ workload, target }) => `${workload} ${target}`)).toEqual(['W10L engine', 'W10L rest', 'S engine', 'S rest']);
    for (const { runs, verified, warmUpRuns, latencyMs, runsPerSecond, sealedRunsPerSecond } of report.measured) {
      expect({ runs, verified, warmUpRuns }).toEqual({ runs: 3, verified: 3, warmUpRuns: 1 });
      expect(latencyMs?.p50).toBeGreaterThan(0);
      expect(sealedRunsPerSecond).toBeLessThanOrEqual(runsPerSecond);
    }
  });

  it('measures the store alone', () => {
    expect(report.appends.map(({ streams }) => streams)).toEqual([1, 64]);
    expect(report.appends.every(({ events, eventsPerSecond, p99Ms }) => events > 0 && eventsPerSecond > 0 && p99Ms > 0)).toBe(true);
  });

  it('says what it was measured on and what it does not say', () => {
    const text = renderReport(report);
    expect(text).toContain(`Node ${process.version}`);
    expect(text).toContain(report.machine.commit);
    expect(text).toContain('synchronous=full');
    expect(text).toMatch(/^W10L +rest +3 +1 /m);
    expect(text).toContain('Not measured:');
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({ schema: 'bench.v1', machine: { cpuCount: report.machine.cpuCount } });
  });

  it('leaves nothing in the data folder', () => {
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it.each([[['--only', 'W1,W7']], [['--seconds', '0']], [['--fast']]])('refuses %j', async (args) => {
    expect(await runBench(args)).toBe(64);
  });
});
