import type { AnyEvent, ManifestV1 } from '@maestro/contracts';
import type { Recorded } from '@maestro/domain';
import type { CommandAnswer } from '@maestro/ports';
import { cancel, manifest, resume, task } from '../fixtures/commands.ts';
import { failedWith, hexOf, succeededWith } from '../fixtures/scripted-ports.ts';
import type { Play } from '../fixtures/scripted-ports.ts';
import { World } from '../fixtures/world.ts';
import type { WorldOptions } from '../fixtures/world.ts';
import { internalCommandId } from './commands/command-ids.ts';

// The rules of "Semantics" in docs/manifest-v1.md, by their numbers there; the others are in dag-semantics-endings.spec.ts.

async function worldWith(document: ManifestV1, play?: (world: World) => Play, options: WorldOptions = {}): Promise<{ readonly world: World; readonly id: string }> {
  const world = await World.open(options);
  if (play !== undefined) world.packages.play = play(world);
  await world.published(document);
  return { world, id: await world.started() };
}

type Data<T extends AnyEvent['type']> = Extract<AnyEvent, { type: T }>['data'];
const all = (world: World, id: string, type: AnyEvent['type']): Recorded[] => world.of(`execution-${id}`).filter(({ event }) => event.type === type);
const data = <T extends AnyEvent['type']>(world: World, id: string, type: T): Data<T>[] => all(world, id, type).map(({ event }) => event.data as Data<T>);
const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');
const waitOn = (world: World, ms: number): Promise<void> => new Promise((resolve) => void world.clock.after(ms, resolve));

/** A report as a runner sends it, under an id of its own. */
function report(executionId: string, taskId: string, attempt: number, key: string, leaseId: string | null = null): Parameters<World['send']>[0] {
  const command: Parameters<World['send']>[0]['command'] = {
    type: 'execution.report-task.v1',
    payload: { executionId, taskId, attempt, runner: 'runner:other', leaseId, startedAt: '2026-01-05T10:00:00.000Z', durationMs: 1, argumentsCommitment: hexOf('arguments'), log: '', outcome: { kind: 'succeeded', output: {} } },
  };
  return { command, commandId: internalCommandId(executionId, key), tenant: 'default', actor: 'role:runner', correlationId: executionId, causationId: null };
}

describe('1. a task is ready when all its needs succeeded', () => {
  it('and is handed out then, beside the others; nothing else starts it', async () => {
    const { world, id } = await worldWith(manifest([task('a'), task('b'), task('c', ['a', 'b']), task('d', ['c'])]), (w) => async ({ context }) => {
      await waitOn(w, context.taskId === 'a' ? 100 : 50);
      return succeededWith({});
    });
    await world.ended(id);
    const order = world.of(`execution-${id}`).flatMap(({ event }) =>
      event.type === 'execution.task-scheduled.v1' ? [`${event.data.taskId} scheduled`] : event.type === 'execution.task-succeeded.v1' ? [`${event.data.taskId} done`] : [],
    );
    expect(order).toEqual(['a scheduled', 'b scheduled', 'b done', 'a done', 'c scheduled', 'c done', 'd scheduled', 'd done']);
  });
});

describe('2. a task that fails for good makes the run failing', () => {
  it('no new task starts, running ones finish, dependents are skipped as upstream-failed and others as run-failing', async () => {
    const document = manifest([task('bad'), task('slow'), task('after-bad', ['bad']), task('after-slow', ['slow']), task('far', ['after-bad'])]);
    const { world, id } = await worldWith(document, (w) => async ({ context }) => {
      if (context.taskId === 'bad') return failedWith('BOOM', false);
      await waitOn(w, 1_000);
      return succeededWith({});
    });
    await world.ended(id);
    const skipped = data(world, id, 'execution.task-skipped.v1').map(({ taskId, reason }) => [taskId, reason]);
    expect(skipped).toEqual([['after-bad', 'upstream-failed'], ['after-slow', 'run-failing'], ['far', 'upstream-failed']]);
    expect(data(world, id, 'execution.task-succeeded.v1').map(({ taskId }) => taskId)).toEqual(['slow']);
    expect(data(world, id, 'execution.completed.v1')).toMatchObject([{ verdict: 'failed', counts: { succeeded: 1, failed: 1, skipped: 3, cancelled: 0 } }]);
  });
});

describe('3. retries', () => {
  it('n means n more attempts after the first', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 3 })]), () => async () => failedWith('BOOM', true));
    await world.ended(id);
    expect(data(world, id, 'execution.task-failed.v1').map(({ attempt, final }) => [attempt, final])).toEqual([[1, false], [2, false], [3, false], [4, true]]);
  });

  it('wait a share of 1 s × 2^k, at most 60 s, that derives from the event which opened the attempt', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 8 })]), () => async () => failedWith('BOOM', true));
    await world.ended(id);
    const opened = all(world, id, 'execution.task-scheduled.v1');
    const waits = data(world, id, 'execution.task-retry-scheduled.v1').map(({ delayMs }) => delayMs);
    const ceilings = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    const shareOf = (eventId: string): number => Number.parseInt(internalCommandId(eventId, 'report-task').slice(0, 8), 16) / 2 ** 32;
    expect(waits).toEqual(ceilings.map((ceilingMs, i) => Math.floor(ceilingMs * shareOf(opened[i]?.id ?? ''))));
  });

  it('are handed out when their wait is over, not before', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 2 })]), () => async () => failedWith('BOOM', true));
    await world.ended(id);
    const due = data(world, id, 'execution.task-retry-scheduled.v1').map(({ notBefore }) => notBefore);
    expect(all(world, id, 'execution.task-scheduled.v1').slice(1).map(({ at }) => at)).toEqual(due);
  });

  it('do not follow an error that its package calls not retryable', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 5 })]), () => async () => failedWith('BAD_INPUT', false));
    await world.ended(id);
    expect(data(world, id, 'execution.task-failed.v1')).toMatchObject([{ attempt: 1, final: true, error: { code: 'BAD_INPUT', retryable: false } }]);
  });

  it('follow a time-out and a lost runner as well', async () => {
    let calls = 0;
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 2 })]), () => async () => {
      calls += 1;
      return calls === 1 ? { kind: 'timed-out', log: '' } : calls === 2 ? { kind: 'cancelled', log: '' } : succeededWith({});
    });
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('succeeded');
    expect(data(world, id, 'execution.task-timed-out.v1')).toMatchObject([{ attempt: 1, final: false }]);
    expect(data(world, id, 'execution.task-failed.v1')).toMatchObject([{ attempt: 2, final: false, error: { code: 'LOST_RUNNER', retryable: true } }]);
  });
});

describe('4. time limits', () => {
  it('timeoutSeconds is given to each attempt anew; one that uses it up is timed out, and retried while attempts are left', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 1, timeoutSeconds: 7 })]), (w) => async ({ context }) => {
      await waitOn(w, context.timeoutMs);
      return { kind: 'timed-out', log: '' };
    });
    await world.ended(id);
    expect(world.packages.attempts.map(({ context }) => context.timeoutMs)).toEqual([7_000, 7_000]);
    expect(data(world, id, 'execution.task-timed-out.v1').map(({ attempt, timeoutMs, final, durationMs }) => [attempt, timeoutMs, final, durationMs])).toEqual([[1, 7_000, false, 7_000], [2, 7_000, true, 7_000]]);
    expect(world.verdictOf(id)).toBe('failed');
  });

  it('an attempt has 300 s where its task says nothing', async () => {
    const { world, id } = await worldWith(manifest([task('a')]));
    await world.ended(id);
    expect(world.packages.attempts.map(({ context }) => context.timeoutMs)).toEqual([300_000]);
  });

  it('a run has 24 h from its request, queue time included: what nobody took is stopped, the rest skipped, the verdict timed-out', async () => {
    const { world, id } = await worldWith(manifest([task('a'), task('b', ['a'])]), undefined, { roles: ['policy', 'projector', 'receipt'] });
    await world.settle();
    await world.advance(24 * 3_600_000 - 1);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.ended(id, 60_000);
    expect(data(world, id, 'execution.task-cancelled.v1').map(({ taskId, reason }) => [taskId, reason])).toEqual([['a', 'run-timed-out']]);
    expect(data(world, id, 'execution.task-skipped.v1').map(({ taskId, reason }) => [taskId, reason])).toEqual([['b', 'run-timed-out']]);
    expect(world.verdictOf(id)).toBe('timed-out');
  });
});

describe('5. a task may run twice', () => {
  it('every attempt of it, also in a resumed run, has the idempotency key of the first run', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 1 })]), () => async () => failedWith('BOOM', true));
    await world.ended(id);
    const answer = await world.send(resume(id));
    await world.ended(String(answer.kind === 'ok' && answer.result['executionId']));
    expect(world.packages.attempts.map(({ context }) => context.idempotencyKey)).toEqual(Array(4).fill(`${id}:a`));
  });

  it('the first report of an attempt wins: one that comes twice or late is refused and changes nothing', async () => {
    const { world, id } = await worldWith(manifest([task('a'), task('b', ['a'])]), (w) => async ({ context }) => {
      if (context.taskId === 'b') await waitOn(w, 1_000);
      return succeededWith({ by: 'the first' });
    });
    await world.settle();
    const twice = await world.role.gateway.send(report(id, 'a', 1, 'twice'));
    const early = await world.role.gateway.send(report(id, 'b', 2, 'early'));
    await world.ended(id);
    const count = world.of(`execution-${id}`).length;
    const late = await world.role.gateway.send(report(id, 'b', 1, 'late'));
    expect([twice, early, late].map(codeOf)).toEqual(['TASK_NOT_OPEN', 'TASK_NOT_OPEN', 'EXECUTION_ENDED']);
    expect(world.of(`execution-${id}`).length).toBe(count);
    expect(data(world, id, 'execution.task-succeeded.v1').map(({ taskId, runner }) => [taskId, runner])).toEqual([['a', 'runner:test'], ['b', 'runner:test']]);
  });

  it('a report of an earlier attempt is refused while a later one runs', async () => {
    const { world, id } = await worldWith(manifest([task('a', [], { retries: 1 })]), (w) => async ({ context }) => {
      if (context.attempt === 1) return failedWith('BOOM', true);
      await waitOn(w, 1_000);
      return succeededWith({});
    });
    await world.until(() => data(world, id, 'execution.task-scheduled.v1').some(({ attempt }) => attempt === 2));
    expect(codeOf(await world.role.gateway.send(report(id, 'a', 1, 'stale')))).toBe('TASK_NOT_OPEN');
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('succeeded');
  });

  it('a fenced package starts under a lease that is written down first, and only that lease may report', async () => {
    const fenced = manifest([task('a', [], { uses: 'pkg:test/fenced@1.0.0' })]);
    const { world, id } = await worldWith(fenced, (w) => async () => {
      await waitOn(w, 1_000);
      return succeededWith({});
    });
    await world.settle();
    const [started] = data(world, id, 'execution.task-started.v1');
    expect([started?.taskId, typeof started?.leaseId]).toEqual(['a', 'string']);
    expect(codeOf(await world.role.gateway.send(report(id, 'a', 1, 'foreign', 'another-lease')))).toBe('LEASE_LOST');
    expect(codeOf(await world.role.gateway.send(report(id, 'a', 1, 'none')))).toBe('LEASE_LOST');
    await world.ended(id);
    expect(data(world, id, 'execution.task-succeeded.v1')).toMatchObject([{ leaseId: started?.leaseId, runner: 'runner:test' }]);
  });

  it('a report after a cancel took effect is refused', async () => {
    const { world, id } = await worldWith(manifest([task('a')]), () => () => new Promise(() => undefined));
    await world.settle();
    await world.send(cancel(id));
    await world.ended(id);
    expect(codeOf(await world.role.gateway.send(report(id, 'a', 1, 'late')))).toBe('EXECUTION_ENDED');
    expect(world.verdictOf(id)).toBe('cancelled');
  });
});
