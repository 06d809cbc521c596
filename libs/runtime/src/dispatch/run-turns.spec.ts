import { IN_FLIGHT_MAX, RunTurns } from './run-turns.ts';
import type { Dispatched } from './run-turns.ts';

const RUN = 'execution-1';
const base = (stream: string, key: string): { key: string; stream: string; eventId: string; revision: number; at: string } => ({ key, stream, eventId: `event of ${key}`, revision: 1, at: '2026-01-05T10:00:00.000Z' });
const task = (taskId: string, stream = RUN, attempt = 1): Dispatched => ({ ...base(stream, `${stream}/task/${taskId}/${attempt}/run`), kind: 'task', taskId, attempt });
const check = (taskId: string, stream = RUN): Dispatched => ({ ...base(stream, `${stream}/task/${taskId}/1/check`), kind: 'policy-check', checkId: `task/${taskId}/1` });
const more = (eventId: string): Dispatched => ({ ...base(RUN, `${RUN}/more`), eventId, kind: 'schedule-more' });
const many = (count: number, of: (id: string) => Dispatched): Dispatched[] => Array.from({ length: count }, (_, i) => of(`t${i}`));

/** Offers all; answers how many were let out at once. */
const offerAll = (turns: RunTurns, intents: readonly Dispatched[]): number => intents.flatMap((intent) => turns.offer(intent)).length;
const keysOf = (intents: readonly Dispatched[]): string[] => intents.map(({ key }) => key.slice(RUN.length + 1));

describe('the turns of runs', () => {
  it('let 32 tasks of a run out at once, and the next in order whenever one is closed', () => {
    const turns = new RunTurns();
    const wide = many(100, task);
    expect(offerAll(turns, wide)).toBe(IN_FLIGHT_MAX);
    expect(keysOf(turns.close(RUN, `${RUN}/task/t7/`))).toEqual(['task/t32/1/run']);
    expect(keysOf(turns.close(RUN, `${RUN}/task/t32/`))).toEqual(['task/t33/1/run']);
    const rest = wide.flatMap(({ stream, key }) => turns.close(stream, key));
    expect(keysOf(rest)).toEqual(Array.from({ length: 66 }, (_, i) => `task/t${i + 34}/1/run`));
    expect(wide.some((intent) => turns.holds(intent))).toBe(false);
  });

  it('count every run for itself', () => {
    const turns = new RunTurns();
    offerAll(turns, many(1_000, task));
    expect(offerAll(turns, many(5, (id) => task(id, 'execution-2')))).toBe(5);
  });

  it('never let a policy check wait for a task: it has a deadline', () => {
    const turns = new RunTurns();
    offerAll(turns, many(1_000, task));
    expect(offerAll(turns, many(100, (id) => check(`late-${id}`)))).toBe(IN_FLIGHT_MAX);
    expect(keysOf(turns.close(RUN, `${RUN}/task/late-t0/1/`))).toEqual(['task/late-t32/1/check']);
  });

  it('schedule more of a run behind the tasks that are scheduled already', () => {
    const turns = new RunTurns();
    offerAll(turns, many(33, task));
    expect(turns.offer(more('first'))).toEqual([]);
    expect(keysOf(turns.close(RUN, `${RUN}/task/t0/`))).toEqual(['task/t32/1/run']);
    expect(keysOf(turns.close(RUN, `${RUN}/task/t1/`))).toEqual(['more']);
    expect(turns.close(RUN, `${RUN}/more`)).toEqual([]);
  });

  it('take an intent once while they hold it, and again after it was released', () => {
    const turns = new RunTurns();
    expect(offerAll(turns, [task('a'), task('a')])).toBe(1);
    expect([turns.holds(task('a')), turns.holds(task('a', 'execution-2'))]).toEqual([true, false]);
    expect(turns.release(task('a'))).toEqual([]);
    expect(turns.holds(task('a'))).toBe(false);
    expect(offerAll(turns, [task('a')])).toBe(1);
  });

  it('give the slot of what could not be handed out to the next', () => {
    const turns = new RunTurns();
    offerAll(turns, many(34, task));
    expect(keysOf(turns.release(task('t3')))).toEqual(['task/t32/1/run']);
    // it comes back at the end of the row
    expect(turns.offer(task('t3'))).toEqual([]);
    expect(keysOf([...turns.release(task('t0')), ...turns.release(task('t1'))])).toEqual(['task/t33/1/run', 'task/t3/1/run']);
  });

  it('release nothing that is not held, and nothing that a close does not name', () => {
    const turns = new RunTurns();
    offerAll(turns, many(33, task));
    expect(turns.release(task('t0', RUN, 2))).toEqual([]);
    expect(turns.release(task('t0', 'execution-2'))).toEqual([]);
    expect(turns.close(RUN, `${RUN}/task/t0/2/`)).toEqual([]);
    expect(turns.close(RUN, `${RUN}/grace`)).toEqual([]);
    expect(turns.holds(task('t0'))).toBe(true);
  });

  it('hold one intent of a subject: a later one takes the place of an earlier', () => {
    const turns = new RunTurns();
    offerAll(turns, many(34, task));
    expect(keysOf(turns.offer(task('t0', RUN, 2)))).toEqual(['task/t32/1/run']);
    expect([turns.holds(task('t0')), turns.holds(task('t0', RUN, 2))]).toEqual([false, true]);
    turns.offer(more('first'));
    turns.offer(more('second'));
    expect([turns.holds(more('first')), turns.holds(more('second'))]).toEqual([false, true]);
  });

  it('of a cancelled run let no waiting task out, and what ends it', () => {
    const turns = new RunTurns();
    offerAll(turns, [...many(40, task), more('first')]);
    expect(turns.dropWaitingTasks(RUN)).toEqual([]);
    expect(keysOf(turns.close(RUN, `${RUN}/task/t0/`))).toEqual(['more']);
    expect(turns.close(RUN, `${RUN}/task/t1/`)).toEqual([]);
    expect(turns.dropWaitingTasks('execution-2')).toEqual([]);
  });

  it('forget a run that ended', () => {
    const turns = new RunTurns();
    offerAll(turns, many(40, task));
    expect(turns.close(RUN, `${RUN}/`)).toEqual([]);
    expect(turns.holds(task('t39'))).toBe(false);
    expect(offerAll(turns, many(40, task))).toBe(IN_FLIGHT_MAX);
  });
});
