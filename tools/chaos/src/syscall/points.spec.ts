import { seededRandom } from '../seeded-random.ts';
import { parsePointName, pointName, pointsOf, spread } from './points.ts';
import type { Point } from './points.ts';
import type { PreparedScenario } from './scenarios.ts';
import { callsOf, countPerThread, injectedCount } from './trace-calls.ts';

const TRACE = [
  '10 openat(AT_FDCWD</w>, "/d/events.db-lock", O_RDWR) = 3</d/events.db-lock>',
  '10 openat(AT_FDCWD</w>, "/elsewhere", O_RDONLY) = 3</elsewhere>',
  '11 openat(AT_FDCWD</w>, "/d/events.db-lock", O_RDWR <unfinished ...>',
  '11 <... openat resumed>) = 4</d/events.db-lock>',
  '11 fsync(5</d>) = 0',
  '11 fsync(5</d/events.db-wal>) = -1 EIO (Input/output error) (INJECTED)',
  '11 fsync(5</d/events.db-wal>) = 0',
  '12 rename("/d/a.new", "/d/a") = 0',
  '12 pwrite64(9</d/evidence/staging/draft-0a>, ""..., 3, 0) = 3',
  '12 +++ killed by SIGKILL +++',
];
const calls = callsOf(TRACE, '/d');
const scenario = (hasEvents: boolean): PreparedScenario => ({ name: 's', does: '', hasEvents, before: null, rounds: [], template: null, linesBefore: [], calls });
const ALL = new Set(['openat', 'fsync', 'rename', 'pwrite64']);

describe('calls of a trace', () => {
  it('are those that began, with the paths below the folder', () => {
    expect(calls.map(({ thread, syscall, paths }) => [thread, syscall, paths.join(' ')])).toEqual([
      [10, 'openat', 'events.db-lock'],
      [10, 'openat', ''],
      [11, 'openat', 'events.db-lock'],
      [11, 'fsync', ''],
      [11, 'fsync', 'events.db-wal'],
      [11, 'fsync', 'events.db-wal'],
      [12, 'rename', 'a.new a'],
      [12, 'pwrite64', 'evidence/staging/draft-0a'],
    ]);
  });

  it('are counted per thread, and those with a made-up result apart', () => {
    expect([...countPerThread(calls)]).toEqual([[10, 2], [11, 4], [12, 2]]);
    expect(injectedCount(TRACE)).toBe(1);
  });
});

describe('points', () => {
  it('are one for each number that some thread gets to, on each file that a filter can find', () => {
    const found = pointsOf(scenario(true), ALL).map((point) => `${pointName(point)} ${point.thread}`);
    expect(found).toEqual(['s:openat:events.db-lock:1 main', 's:fsync:.:1 writer', 's:fsync:events.db-wal:1 writer', 's:fsync:events.db-wal:2 writer', 's:rename:a.new:1 pool']);
  });

  it('without a filter are of calls that one thread alone makes', () => {
    const found = pointsOf(scenario(false), ALL).map(pointName);
    expect(found).toEqual(['s:fsync:*:1', 's:fsync:*:2', 's:fsync:*:3', 's:rename:*:1', 's:pwrite64:*:1']);
  });

  it('have names that are found again', () => {
    expect(parsePointName('kill:s:fsync:a:1')).toEqual({ action: 'kill', shape: undefined, point: 's:fsync:a:1' });
    expect(parsePointName('EIO:outage:s:fsync:a:1')).toEqual({ action: 'EIO', shape: 'outage', point: 's:fsync:a:1' });
    expect(parsePointName('EIO:s:fsync:a:1')).toBeUndefined();
    expect(parsePointName('EPERM:once:s:fsync:a:1')).toBeUndefined();
  });
});

describe('the order in which points are tried', () => {
  const point = (path: string, ordinal: number): Point => ({ scenario: 's', syscall: 'fsync', path, ordinal, thread: 'writer' });
  const points = [...Array.from({ length: 300 }, (_, i) => point('often', i + 1)), ...Array.from({ length: 20 }, (_, i) => point(`rare-${i}`, 1))];

  it.each(['a', 'b', 'c'])('has all of them once, and each class early (seed %s)', (seed) => {
    const order = spread(points, seededRandom(seed));
    expect(order.map(pointName).toSorted()).toEqual(points.map(pointName).toSorted());
    expect(new Set(order.slice(0, 42).map(({ path }) => path)).size).toBe(21);
    expect(spread(points, seededRandom(seed))).toEqual(order);
  });
});
