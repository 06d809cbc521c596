import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorSweep } from './error-sweep.ts';
import { killSweep } from './kill-sweep.ts';
import { parsePointName, pointName, pointsOf } from './points.ts';
import type { Point } from './points.ts';
import { Workshop, scenariosOf } from './scenarios.ts';
import type { PreparedScenario } from './scenarios.ts';
import { CHANGING_CALLS, READING_CALLS } from './traced-run.ts';

const root = mkdtempSync(join(tmpdir(), 'maestro-sweeps-'));
const workshop = new Workshop(root);
const scenarios = new Map<string, PreparedScenario>();
let points: Point[] = [];

beforeAll(async () => {
  for (const scenario of scenariosOf('kept').filter(({ name }) => ['fresh', 'recovery', 'reopening', 'long-log', 'evidence'].includes(name))) scenarios.set(scenario.name, await workshop.prepare(scenario));
  const calls = new Set<string>([...CHANGING_CALLS, ...READING_CALLS].map((name) => name.replace('?', '')));
  points = [...scenarios.values()].flatMap((scenario) => pointsOf(scenario, calls));
});
afterAll(() => rmSync(root, { recursive: true }));

const options = (some: readonly Point[]) => ({ workshop, scenarios, points: some, countMax: some.length, lanes: 2, onResult: () => {} });
function named(name: string): Point {
  const point = points.find((known) => pointName(known) === name);
  if (point === undefined) throw new Error(`there is no point ${name}`);
  return point;
}

describe('kills', () => {
  it.each(['fresh:fsync:events.db-wal:3', 'fresh:pwrite64:events.db-mark:2', 'recovery:rename:evidence/packs/000001.idx.new:1', 'evidence:link:*:2'])(
    'at %s are deaths by that call, and nothing acknowledged is lost',
    async (name) => {
      const { died, missed } = await killSweep(options([named(name)]));
      expect(missed).toEqual([]);
      expect(died.map(({ findings }) => findings)).toEqual([[]]);
    },
  );

  it('count for nothing where the call is never made so often', async () => {
    const { died, missed } = await killSweep(options([{ ...named('fresh:fsync:events.db-wal:1'), ordinal: 9_999 }]));
    expect(died).toEqual([]);
    expect(missed).toEqual(['kill:fresh:fsync:events.db-wal:9999']);
  });
});

describe('points at which a promise was broken once', () => {
  it.each([
    'EIO:once:recovery:openat:events.db-wal:1', // the log was opened for reading only: the store refused for ever
    'EIO:once:recovery:openat:events.db:2', // the same of the database's own file
    'ENOSPC:for-ever:reopening:openat:events.db-wal:2',
    'EIO:once:fresh:mkdir:evidence/packs:2', // an error without a name left the evidence store
    'ENOSPC:for-ever:long-log:pwrite64:events.db-shm:9', // a commit that was whole in the log was said not to be written
    'EIO:outage:fresh:fsync:events.db-wal:2',
  ])('%s', async (name) => {
    const wanted = parsePointName(name);
    const point = named(wanted?.point ?? '');
    const { hit } = await errorSweep(wanted?.action === 'EIO' ? 'EIO' : 'ENOSPC', { ...options([point]), ...(wanted?.shape !== undefined && { shape: wanted.shape }) });
    expect(hit.map(({ findings }) => findings)).toEqual([[]]);
  });
});
