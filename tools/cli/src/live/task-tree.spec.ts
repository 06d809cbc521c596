import type { ProgressEvent } from '../report/progress.ts';
import { painter } from '../screen.ts';
import { goldenRun } from '../../fixtures/fake-conductor.ts';
import { TaskTree } from './task-tree.ts';

const AT = Date.parse('2026-01-05T10:00:00Z');
const WIDE = { columns: 80, rows: 30 };

function event(type: string, data: object, afterMs = 0): ProgressEvent {
  return { type, data, at: new Date(AT + afterMs).toISOString() } as unknown as ProgressEvent;
}

function requested(tasks: readonly (readonly [id: string, ...needs: string[]])[]): ProgressEvent {
  const workflow = { id: 'flow', version: '1.0.0', channel: 'stable' };
  return event('execution.requested.v1', { workflow, tasks: tasks.map(([id, ...needs]) => ({ id, needs })) });
}

function treeOf(...events: readonly ProgressEvent[]): TaskTree {
  const tree = new TaskTree(painter(false));
  for (const one of events) tree.take(one);
  return tree;
}

describe('a tree of tasks', () => {
  it('shows tasks by level with state, duration and attempt', () => {
    const tree = treeOf(
      requested([['last', 'left', 'right'], ['left'], ['right']]),
      event('execution.started.v1', {}),
      event('execution.task-scheduled.v1', { taskId: 'left', attempt: 1 }),
      event('execution.task-started.v1', { taskId: 'left', runner: 'r1' }),
      event('execution.task-succeeded.v1', { taskId: 'left', durationMs: 12 }),
      event('execution.task-scheduled.v1', { taskId: 'right', attempt: 1 }),
      event('execution.task-started.v1', { taskId: 'right', runner: 'r1' }, 100),
      event('execution.task-failed.v1', { taskId: 'right', final: false, error: { code: 'NOPE' }, durationMs: 100 }, 200),
    );
    expect(tree.frame(AT + 250, WIDE)).toEqual([
      'flow 1.0.0 (stable)  running  250 ms  [1/3]',
      '   1 ✓ left   succeeded  12 ms',
      '     ↻ right  NOPE, tries again  100 ms',
      '   2 ○ last   waiting',
    ]);
    tree.take(event('execution.task-scheduled.v1', { taskId: 'right', attempt: 2 }, 300));
    expect(tree.frame(AT + 300, WIDE)[2]).toBe('     ◔ right  scheduled  attempt 2');
    tree.take(event('execution.task-started.v1', { taskId: 'right', runner: 'r1' }, 400));
    expect(tree.frame(AT + 1_900, WIDE)[2]).toBe('     ● right  running  1.50 s  attempt 2');
  });

  it('says why tasks did not succeed, and how the run ended', () => {
    const tree = treeOf(
      requested([['a'], ['b', 'a'], ['c', 'a'], ['d'], ['e']]),
      event('execution.task-timed-out.v1', { taskId: 'a', timeoutMs: 1_000, final: true }),
      event('execution.task-skipped.v1', { taskId: 'b', reason: 'NEEDS_FAILED' }),
      event('execution.task-cancelled.v1', { taskId: 'c', reason: 'CANCELLED' }),
      event('execution.task-reused.v1', { taskId: 'd', from: { executionId: 'x' } }),
      event('execution.task-failed.v1', { taskId: 'e', final: true, error: { code: 'NOPE' }, durationMs: null }),
      event('execution.completed.v1', { verdict: 'failed' }, 2_000),
    );
    expect(tree.frame(AT + 99_000, WIDE)).toEqual([
      'flow 1.0.0 (stable)  ✗ failed  2.00 s  [5/5]',
      '   1 ✗ a  timed out  1.00 s',
      '     ✓ d  succeeded, taken over',
      '     ✗ e  NOPE',
      '   2 – b  skipped: NEEDS_FAILED',
      '     – c  cancelled: CANCELLED',
    ]);
  });

  it('fits any terminal: what is at work comes first, one line counts the rest', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => [`task-${i}`] as const);
    const tree = treeOf(
      requested(ids),
      event('execution.task-succeeded.v1', { taskId: 'task-3', durationMs: 1 }),
      event('execution.task-started.v1', { taskId: 'task-998', runner: 'r' }),
      event('execution.task-failed.v1', { taskId: 'task-999', final: true, error: { code: 'NOPE' }, durationMs: 1 }),
    );
    const frame = tree.frame(AT, { columns: 60, rows: 6 });
    expect(frame).toHaveLength(6);
    expect(frame.map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual([
      'flow 1.0.0 (stable) waits for policy 0 ms [2/1000]',
      '1 ○ task-0 waiting',
      '○ task-1 waiting',
      '● task-998 running 0 ms',
      '✗ task-999 NOPE 1 ms',
      '996 more tasks: 995 waiting, 1 succeeded',
    ]);
    for (const rows of [1, 2, 3]) expect(tree.frame(AT, { columns: 60, rows }).length).toBeLessThanOrEqual(3);
    for (const line of tree.frame(AT, { columns: 20, rows: 6 })) expect(line.length).toBeLessThanOrEqual(19);
  });

  it('cuts long ids in place', () => {
    const long = 'x'.repeat(40);
    expect(treeOf(requested([[long], ['b']])).frame(AT, WIDE)).toContain(`   1 ○ ${'x'.repeat(31)}…  waiting`);
  });

  it.each(['OK-fan-out', 'OK-denied', 'OK-cancelled', 'OK-timed-out'])('ends with what the recorded run %s ended with', (name) => {
    const tree = treeOf(...goldenRun(name).events.map((text) => JSON.parse(text) as ProgressEvent));
    const [head = ''] = tree.frame(Number.MAX_SAFE_INTEGER, { columns: 200, rows: 30 });
    expect(head).toMatch(/ [✓✗] (succeeded|denied: .+|cancelled|timed-out) {2}[\d.]+ m?s {2}\[\d+\/\d+\]$/);
  });

  it('shows that a run is being cancelled', () => {
    expect(treeOf(requested([['a']]), event('execution.cancel-requested.v1', {})).frame(AT, WIDE)[0]).toContain('is being cancelled');
  });
});
