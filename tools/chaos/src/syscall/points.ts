import { SHAPES } from './shapes.ts';
import type { Shape } from './shapes.ts';
import type { PreparedScenario } from './scenarios.ts';
import type { TracedCall } from './trace-calls.ts';

/** One moment at which something can go wrong: the nth time that a thread makes a call, on one file or on any. */
export type Point = {
  readonly scenario: string;
  readonly syscall: string;
  /** below the data folder; `.` is the folder itself; null: whatever the call is on */
  readonly path: string | null;
  readonly ordinal: number;
  /** which of the driver's threads gets there first */
  readonly thread: 'main' | 'writer' | 'pool';
};

/** Drafts have random names: a path filter cannot be told about them. */
const RANDOM_NAME = /\/draft-/;

/** Stable name of a point, for people and for `--only`. */
export function pointName({ scenario, syscall, path, ordinal }: Point): string {
  return [scenario, syscall, path ?? '*', ordinal].join(':');
}

/** `kill:<point>` or `<errno>:<shape>:<point>` of a violation, taken apart. */
export function parsePointName(name: string): { readonly action: string; readonly shape: Shape | undefined; readonly point: string } | undefined {
  const [action = '', ...rest] = name.split(':');
  if (action === 'kill') return { action, shape: undefined, point: rest.join(':') };
  const shape = SHAPES.find((known) => known === rest[0]);
  return ['ENOSPC', 'EIO'].includes(action) && shape !== undefined ? { action, shape, point: rest.slice(1).join(':') } : undefined;
}

/**
 * Every point of a scenario. strace counts calls per thread and acts on the first thread that gets to the number: of the
 * threads that make a call, the point belongs to the one that is there first.
 */
export function pointsOf(scenario: PreparedScenario, calls: ReadonlySet<string>): Point[] {
  const threads = threadNames(scenario.calls);
  const counts = new Map<string, number>();
  const points = new Map<string, Point>();
  for (const { thread, syscall, paths } of scenario.calls) {
    if (!calls.has(syscall) || paths.length === 0) continue;
    // evidence alone has one thread that changes files, so that no filter is needed and drafts count, too
    for (const path of scenario.hasEvents ? filterable(syscall, paths) : [null]) {
      if (scenario.onlyOn !== undefined && path !== scenario.onlyOn) continue;
      const counter = `${thread} ${syscall} ${path ?? '*'}`;
      const ordinal = (counts.get(counter) ?? 0) + 1;
      counts.set(counter, ordinal);
      const point: Point = { scenario: scenario.name, syscall, path: path === '' ? '.' : path, ordinal, thread: threads.get(thread) ?? 'pool' };
      if (!points.has(pointName(point))) points.set(pointName(point), point);
    }
  }
  return [...points.values()].filter(({ path, syscall }) => path !== null || isOfOneThread(scenario.calls, syscall));
}

/** Paths by which a filter finds the call; a rename is found by its first one only. */
function filterable(syscall: string, paths: readonly string[]): string[] {
  const seen = syscall.startsWith('rename') ? paths.slice(0, 1) : paths;
  return seen.filter((name) => !RANDOM_NAME.test(name));
}

/** Without a path filter the calls of all threads count, also those on files elsewhere. */
function isOfOneThread(calls: readonly TracedCall[], syscall: string): boolean {
  const users = calls.filter((call) => call.syscall === syscall);
  return users.every(({ thread, paths }) => paths.length > 0 && thread === users[0]?.thread);
}

function threadNames(calls: readonly TracedCall[]): Map<number, Point['thread']> {
  const names = new Map<number, Point['thread']>();
  for (const { thread } of calls.slice(0, 1)) names.set(thread, 'main');
  for (const { thread, paths } of calls) if (!names.has(thread) && paths.includes('events.db-lock')) names.set(thread, 'writer');
  return names;
}

/**
 * All points in an order of which every beginning is a fair sample: by turns one of the class (scenario, call, file) that
 * comes next, so that what is rare is there, and one of all, so that what is frequent is there more often.
 */
export function spread(points: readonly Point[], random: () => number): Point[] {
  const shuffled = shuffle(points, random);
  const classes = new Map<string, Point[]>();
  for (const point of shuffled) {
    const name = [point.scenario, point.syscall, point.path].join(' ');
    classes.set(name, [...(classes.get(name) ?? []), point]);
  }
  const members = shuffle([...classes.values()], random);
  const rounds = Array.from({ length: Math.max(0, ...members.map(({ length }) => length)) }, (_, at) => members.flatMap((one) => one.slice(at, at + 1)));
  const byTurns = rounds.flat().flatMap((point, at) => [point, ...shuffled.slice(at, at + 1)]);
  return [...new Set(byTurns)];
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled: T[] = [];
  for (const item of items) shuffled.splice(Math.floor(random() * (shuffled.length + 1)), 0, item);
  return shuffled;
}
