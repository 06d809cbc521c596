import { MemoryEventStore } from '@maestro/adapter-memory';
import type { ExecutionId } from '@maestro/domain';
import { cancel, manifest, resume, task } from '../../fixtures/commands.ts';
import { failedWith, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';
import { SealedValues } from '../sealed-values.ts';
import { readTaskLog } from './task-log.ts';

const DOCUMENT = manifest([task('a', [], { retries: 1 }), task('b', ['a']), task('c', ['b'])]);

/** Task `a` succeeds at its second attempt, `b` fails; each attempt says which it is. */
async function failedRun(size = 0): Promise<{ readonly world: World; readonly id: string }> {
  const world = await World.open();
  world.packages.play = async ({ context: { taskId, attempt } }) => {
    const log = `${taskId}/${attempt}${'x'.repeat(size)}`;
    if (taskId === 'a' && attempt === 1) return { ...failedWith('FLAKY', true), log };
    return taskId === 'b' ? { ...failedWith('BOOM', false), log } : succeededWith({}, log);
  };
  await world.published(DOCUMENT);
  const id = await world.started();
  await world.ended(id);
  return { world, id };
}

const valuesOf = (world: World): SealedValues => new SealedValues(world.vault, { bytes: (count) => new Uint8Array(count) }, new MemoryEventStore({ log: world.eventLog }), world.evidence);
const logOf = (world: World, id: string, taskId: string, attempt: number | null = null, values = valuesOf(world)) => readTaskLog(new MemoryEventStore({ log: world.eventLog }), values, id as ExecutionId, taskId, attempt);

describe('the log of a task', () => {
  it('is that of its latest attempt, or of the one that is asked for', async () => {
    const { world, id } = await failedRun();
    expect(await logOf(world, id, 'a')).toEqual({ kind: 'log', executionId: id, taskId: 'a', attempt: 2, text: 'a/2' });
    expect(await logOf(world, id, 'a', 1)).toMatchObject({ attempt: 1, text: 'a/1' });
    expect(await logOf(world, id, 'b')).toMatchObject({ attempt: 1, text: 'b/1' });
  });

  it('is the same where it is too large for its event', async () => {
    const { world, id } = await failedRun(200_000);
    expect(await logOf(world, id, 'a')).toMatchObject({ text: `a/2${'x'.repeat(200_000)}` });
  });

  it('is not there for a run, a task or an attempt that is not', async () => {
    const { world, id } = await failedRun();
    expect(await logOf(world, '01920000-0000-7000-8000-00000000dead', 'a')).toEqual({ kind: 'missing' });
    for (const name of ['ghost', '__proto__', '']) expect(await logOf(world, id, name)).toEqual({ kind: 'task-missing' });
    expect(await logOf(world, id, 'a', 3)).toEqual({ kind: 'attempt-missing', attempt: 3, reusedFrom: null });
    expect(await logOf(world, id, 'c')).toEqual({ kind: 'attempt-missing', attempt: null, reusedFrom: null });
  });

  it('is still to come while the attempt runs, waits, or may yet be made; it is empty where nothing was said', async () => {
    const world = await World.open();
    world.packages.play = untilAborted;
    await world.published(DOCUMENT);
    const id = await world.started();
    await world.until(() => world.packages.attempts.length === 1);
    expect(await logOf(world, id, 'a')).toEqual({ kind: 'not-ended', attempt: 1 });
    expect(await logOf(world, id, 'a', 2)).toEqual({ kind: 'not-ended', attempt: 2 });
    expect(await logOf(world, id, 'a', 3)).toMatchObject({ kind: 'attempt-missing' });
    expect(await logOf(world, id, 'b')).toEqual({ kind: 'not-ended', attempt: null });
    await world.send(cancel(id));
    await world.ended(id);
    expect(await logOf(world, id, 'a')).toMatchObject({ kind: 'log', attempt: 1, text: '' });
    expect(await logOf(world, id, 'b')).toMatchObject({ kind: 'attempt-missing' });
  });

  it('of an attempt that policy ended is empty', async () => {
    const world = await World.open();
    world.policies.verdictOf = (stage) => (stage === 'task' ? { deny: 'NO' } : 'allow');
    await world.published(manifest([task('a'), task('late', ['a'], { with: { text: '${{ tasks.a.outputs }}' } })]));
    const id = await world.started();
    await world.ended(id);
    expect(await logOf(world, id, 'late')).toMatchObject({ kind: 'log', attempt: 1, text: '' });
  });

  it('of a task that was taken over lies in the run where it ran', async () => {
    const { world, id } = await failedRun();
    const answer = await world.send(resume(id));
    const next = answer.kind === 'refused' ? '' : String(answer.result['executionId']);
    await world.ended(next);
    expect(await logOf(world, next, 'a')).toEqual({ kind: 'attempt-missing', attempt: null, reusedFrom: id });
  });

  it('is erased with its key, also where it was read before; a damaged one is named, never served', async () => {
    const { world, id } = await failedRun(100_000);
    const get = world.evidence.get.bind(world.evidence);
    world.evidence.get = async (ref) => (await get(ref)).map((byte, i) => (i === 5_000 ? byte ^ 1 : byte));
    await expect(logOf(world, id, 'a')).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    world.evidence.get = get;
    const values = valuesOf(world);
    expect(await logOf(world, id, 'a', null, values)).toMatchObject({ kind: 'log' });
    const { event } = world.of(`execution-${id}`)[0] ?? {};
    await world.vault.destroy(event?.type === 'execution.requested.v1' ? event.data.dataKeyId : '');
    expect(await logOf(world, id, 'a', null, values)).toEqual({ kind: 'erased' });
  });
});
