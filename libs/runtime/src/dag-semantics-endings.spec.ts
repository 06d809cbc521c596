import type { AnyEvent, ManifestV1 } from '@maestro/contracts';
import { idOf } from '@maestro/domain';
import type { StreamName } from '@maestro/domain';
import type { CommandAnswer } from '@maestro/ports';
import { cancel, manifest, resume, start, task } from '../fixtures/commands.ts';
import { failedWith, succeededWith, untilAborted } from '../fixtures/scripted-ports.ts';
import type { Play } from '../fixtures/scripted-ports.ts';
import { problemsOf } from '../fixtures/sound-history.ts';
import { World } from '../fixtures/world.ts';

// Rules 6, 8, 9 and 10 of "Semantics" in docs/manifest-v1.md.

async function worldWith(document: ManifestV1, play?: Play): Promise<World> {
  const world = await World.open();
  if (play !== undefined) world.packages.play = play;
  await world.published(document);
  return world;
}

type Data<T extends AnyEvent['type']> = Extract<AnyEvent, { type: T }>['data'];
const data = <T extends AnyEvent['type']>(world: World, id: string, type: T): Data<T>[] =>
  world.of(`execution-${id}`).flatMap(({ event }) => (event.type === type ? [event.data as Data<T>] : []));
const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');
const runIdOf = (answer: CommandAnswer): string => String(answer.kind === 'ok' && answer.result['executionId']);
const never: Play = () => new Promise(() => undefined);

describe('6. cancel', () => {
  it('signals what runs at once; what stops by itself says so, what never started is skipped, and the run is cancelled, not failed', async () => {
    const world = await worldWith(manifest([task('a'), task('b', ['a'])]), untilAborted);
    const id = await world.started();
    await world.settle();
    const before = world.clock.nowMs();
    await world.send(cancel(id, 'cancel', 'not needed any more'));
    await world.settle();
    expect(world.packages.attempts.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(data(world, id, 'execution.task-cancelled.v1').map(({ taskId, reason, runner }) => [taskId, reason, runner])).toEqual([['a', 'run-cancelled', 'runner:test']]);
    expect(data(world, id, 'execution.task-skipped.v1').map(({ taskId, reason }) => [taskId, reason])).toEqual([['b', 'run-cancelled']]);
    expect([world.verdictOf(id), world.clock.nowMs()]).toEqual(['cancelled', before]);
  });

  it('gives what does not listen 10 s, and takes it from its runner then', async () => {
    const world = await worldWith(manifest([task('a')]), never);
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.advance(9_999);
    expect(world.verdictOf(id)).toBeUndefined();
    await world.advance(1);
    expect(world.verdictOf(id)).toBe('cancelled');
    expect(data(world, id, 'execution.task-cancelled.v1')).toMatchObject([{ taskId: 'a', reason: 'run-cancelled', runner: null }]);
  });

  it('lets what finishes within the 10 s count as succeeded', async () => {
    const world = await worldWith(manifest([task('a'), task('b', ['a'])]));
    world.packages.play = () => new Promise((resolve) => void world.clock.after(5_000, () => resolve(succeededWith({}))));
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.ended(id);
    expect(data(world, id, 'execution.completed.v1')).toMatchObject([{ verdict: 'cancelled', counts: { succeeded: 1, skipped: 1, cancelled: 0 } }]);
  });

  it('of a finished run is a refusal; asked for twice it is done once', async () => {
    const world = await worldWith(manifest([task('a')]), never);
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id, 'one'));
    expect(codeOf(await world.send(cancel(id, 'two')))).toBe('ok');
    await world.ended(id);
    expect(data(world, id, 'execution.cancel-requested.v1')).toHaveLength(1);
    expect(codeOf(await world.send(cancel(id, 'three')))).toBe('EXECUTION_ENDED');
  });
});

describe('8. verdicts', () => {
  const endings: readonly [string, (world: World) => Promise<string>][] = [
    ['succeeded', (world) => world.started()],
    [
      'failed',
      async (world) => {
        world.packages.play = async () => failedWith('BOOM', false);
        return world.started();
      },
    ],
    [
      'cancelled',
      async (world) => {
        world.packages.play = untilAborted;
        const id = await world.started();
        await world.settle();
        await world.send(cancel(id));
        return id;
      },
    ],
    [
      'timed-out',
      async (world) => {
        world.packages.play = never;
        return world.started();
      },
    ],
    [
      'denied',
      async (world) => {
        world.policies.verdictOf = () => ({ deny: 'NOT_NOW' });
        return world.started();
      },
    ],
  ];

  it.each(endings)('%s: exactly one terminal event, nothing after it, and a receipt that says so', async (verdict, run) => {
    const world = await worldWith(manifest([task('a'), task('b', ['a'])]));
    const id = await run(world);
    await world.ended(id, 25 * 3_600_000);
    expect(world.verdictOf(id)).toBe(verdict);
    expect(world.of(`receipt-${id}`).map(({ event }) => event.type === 'receipt.signed.v1' && event.data.verdict)).toEqual([verdict]);
    expect(await problemsOf(world, id)).toEqual([]);
    const count = world.of(`execution-${id}`).length;
    await world.advance(48 * 3_600_000);
    expect(world.of(`execution-${id}`).length).toBe(count);
  });
});

describe('9. resume', () => {
  it('is a new run, linked to the last event of the old one, that reuses its outputs and runs the rest', async () => {
    const world = await worldWith(manifest([task('a', [], { with: { text: 'kept' } }), task('b', ['a'], { with: { text: '${{ tasks.a.outputs.text }}' } })]));
    world.packages.play = async ({ context, input }) => (context.taskId === 'b' ? failedWith('BOOM', false) : succeededWith(input));
    const id = await world.started();
    const old = await world.ended(id);
    world.packages.play = async ({ input }) => succeededWith(input);
    const next = runIdOf(await world.send(resume(id)));
    await world.ended(next);
    expect(data(world, next, 'execution.requested.v1')[0]?.resumedFrom).toEqual({ executionId: id, rootExecutionId: id, headRevision: old.length - 1, headHash: old.at(-1)?.hash });
    const source = old.find(({ event }) => event.type === 'execution.task-succeeded.v1');
    expect(data(world, next, 'execution.task-reused.v1')).toMatchObject([{ taskId: 'a', from: { executionId: id, revision: source?.revision, eventHash: source?.hash } }]);
    expect(world.packages.attempts.at(-1)?.input).toEqual({ text: 'kept' });
    expect(data(world, next, 'execution.completed.v1')).toMatchObject([{ verdict: 'succeeded', counts: { reused: 1, succeeded: 1, attempts: 1 } }]);
    expect(world.of(`execution-${id}`)).toEqual(old);
    expect(await problemsOf(world, next)).toEqual([]);
  });

  it('asks policy again, and a deny ends the new run only', async () => {
    const world = await worldWith(manifest([task('a')]), async () => failedWith('BOOM', false));
    const id = await world.started();
    await world.ended(id);
    world.policies.verdictOf = () => ({ deny: 'NOT_NOW' });
    const next = runIdOf(await world.send(resume(id)));
    await world.ended(next);
    expect([world.verdictOf(id), world.verdictOf(next)]).toEqual(['failed', 'denied']);
  });

  it('of a run whose key was destroyed is refused: VALUES_ERASED', async () => {
    const world = await worldWith(manifest([task('a')]), async () => failedWith('BOOM', false));
    const id = await world.started();
    await world.ended(id);
    await world.vault.destroy(data(world, id, 'execution.requested.v1')[0]?.dataKeyId ?? '');
    expect(codeOf(await world.send(resume(id)))).toBe('VALUES_ERASED');
  });
});

describe('10. an idempotent start', () => {
  it('with the same key and the same body is the same run; with another body it is refused', async () => {
    const world = await worldWith(manifest([task('a')]));
    const first = await world.send(start('key', { inputs: { name: 'Ada' } }));
    const again = await world.send(start('key', { inputs: { name: 'Ada' } }));
    expect(runIdOf(again)).toBe(runIdOf(first));
    expect(codeOf(await world.send(start('key', { inputs: { name: 'Grace' } })))).toBe('COMMAND_ID_REUSED');
    await world.ended(runIdOf(first));
    const runs = [...world.eventLog.streams.keys()].filter((stream: StreamName) => stream.startsWith('execution-'));
    expect(runs.map(idOf)).toEqual([runIdOf(first)]);
  });

  it('is remembered as long as its run, over restarts', async () => {
    const world = await worldWith(manifest([task('a')]));
    const id = runIdOf(await world.send(start('key')));
    await world.ended(id);
    world.crash();
    await world.settle();
    expect(runIdOf(await world.send(start('key')))).toBe(id);
    expect(data(world, id, 'execution.requested.v1')).toHaveLength(1);
  });
});
