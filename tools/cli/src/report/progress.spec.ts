import type { AnyEvent } from '@maestro/contracts';
import { goldenRun } from '../../fixtures/fake-conductor.ts';
import { painter } from '../screen.ts';
import { Progress, count, seconds } from './progress.ts';
import type { ProgressEvent } from './progress.ts';

const linesOf = (name: string): string[] => {
  const progress = new Progress(painter(false));
  return goldenRun(name).events.flatMap((text) => progress.line(JSON.parse(text) as ProgressEvent) ?? []);
};
const lineOf = (event: unknown): string | undefined =>
  new Progress(painter(false)).line({ at: '2026-01-05T10:00:00.000Z', ...(event as AnyEvent) });

describe('progress of a run', () => {
  it('has one line for every change, with the time since the request', () => {
    const lines = linesOf('OK-one-task');
    expect(lines[0]).toMatch(/^ +0\.00s {2}run +requested: .+, 1 task/);
    expect(lines.join('\n')).toMatch(
      /policy +allowed by [a-z, ]+\n.+run +started\n.+→ scheduled\n.+✓ succeeded in .+\[1\/1\]\n.+run +✓ succeeded$/,
    );
  });

  it('counts each task once, however many attempts it took', () => {
    const lines = linesOf('OK-retries');
    const counts = lines.flatMap((line) => /\[(\d+)\/(\d+)\]$/.exec(line)?.slice(1, 3).map(Number) ?? []);
    const total = counts[1] ?? 0;
    expect(counts.filter((_, i) => i % 2 === 0)).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(lines.join('\n')).toMatch(/✗ failed: [A-Z_]+.*, tries again\n.+attempt 2 in /);
  });

  it('counts every task of a fan-out', () => {
    const lines = linesOf('OK-fan-out');
    const total = /, (\d+) tasks/.exec(lines[0] ?? '')?.[1];
    expect(lines.at(-2)).toMatch(new RegExp(`\\[${total}/${total}\\]$`));
  });

  it('says who denied a run and why', () => {
    expect(linesOf('OK-denied').join('\n')).toMatch(/policy +denied by .*\([A-Z_, ]+\)\n.+run +✗ denied: POLICY_DENIED, [A-Z_]+/);
    expect(linesOf('OK-undecided').join('\n')).toContain('denied: POLICY_UNAVAILABLE');
  });

  it('tells how a run was stopped', () => {
    expect(linesOf('OK-cancelled').join('\n')).toMatch(/run +is being cancelled[^]+run +✗ cancelled$/);
    expect(linesOf('OK-timed-out').join('\n')).toMatch(/run +✗ timed-out$/);
    expect(linesOf('OK-resumed').join('\n')).toMatch(/✓ taken over from run [0-9a-f-]{36}/);
  });

  it.each([
    [{ type: 'execution.task-skipped.v1', data: { taskId: 'a', reason: 'upstream-failed' } }, '– skipped: upstream-failed'],
    [{ type: 'execution.task-timed-out.v1', data: { taskId: 'a', timeoutMs: 1_500, final: true } }, '✗ timed out after 1.50 s'],
    [{ type: 'execution.task-started.v1', data: { taskId: 'a', runner: 'runner:x' } }, 'running on runner:x'],
    [{ type: 'execution.task-scheduled.v1', data: { taskId: 'a', attempt: 2 } }, '→ scheduled, attempt 2'],
    [{ type: 'execution.scheduling-deferred.v1', data: { remaining: 7 } }, '7 tasks more to schedule'],
    [{ type: 'execution.task-cancelled.v1', data: { taskId: 'a', reason: 'run-cancelled' } }, '– cancelled: run-cancelled'],
  ])('%j', (event, text) => expect(lineOf(event)).toContain(text));

  it('is silent about what is no news', () => {
    expect(lineOf({ type: 'execution.policy-check-requested.v1', data: { checkId: 'start' } })).toBeUndefined();
  });

  it('writes durations and counts for people', () => {
    expect([0.4, 999, 1_000, 9_994, 12_345].map(seconds)).toEqual(['0 ms', '999 ms', '1.00 s', '9.99 s', '12.3 s']);
    expect([count(1, 'task'), count(0, 'task')]).toEqual(['1 task', '0 tasks']);
  });
});
