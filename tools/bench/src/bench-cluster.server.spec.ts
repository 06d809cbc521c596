import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bench } from './bench.ts';
import { renderReport } from './report.ts';
import { WORKLOADS } from './workloads.ts';

/** a bound for what hangs: servers and six processes start on few cores */
const WITHIN_MS = 300_000;
/** On a disk, and where another user may pass through: Postgres refuses to run as root. */
const PLACE = '/var/tmp';

describe('the benchmark of a cluster', () => {
  let dataDir = '';
  beforeAll(() => {
    dataDir = mkdtempSync(join(PLACE, 'maestro-bench-'));
    chmodSync(dataDir, 0o711);
  });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  it('measures it over REST with receipts that verify, says what an acknowledged command has cost, and leaves nothing', async () => {
    const workloads = WORKLOADS.filter(({ id }) => id === 'W10' || id === 'S');
    const report = await bench({ workloads, measuresAppends: false, targets: ['cluster'], effort: { warmUpMs: 0, measureMs: 1, runsMin: 3 }, dataDir }, () => undefined);
    expect(report.measured).toMatchObject(['W10', 'S'].map((workload) => ({ workload, target: 'cluster', runs: 3, verified: 3 })));
    for (const { cpuMsPerRun, rssBytes } of report.measured) expect([Number(cpuMsPerRun) > 0, Number(rssBytes) > 0]).toEqual([true, true]);
    expect(renderReport(report)).toMatch(/sync_interval always, proved at the start; Postgres with fsync on/);
    expect(readdirSync(dataDir)).toEqual([]);
  }, WITHIN_MS);
});
