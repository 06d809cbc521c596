import type { ManifestV1, ReceiptV1 } from '@maestro/contracts';
import type { StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { CommandAnswer } from '@maestro/ports';
import { assembleSet, eventsJsonl } from '@maestro/receipt';
import { cancel, manifest, publish, resume, saveDraft, task } from '../../fixtures/commands.ts';
import { failedWith, hexOf, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';

const DOCUMENT = manifest(
  [
    task('a', [], { with: { text: '${{ inputs.name }}' } }),
    task('b', ['a'], { with: { text: '${{ tasks.a.outputs.text }}!' } }),
    task('c', ['b'], { with: { text: '${{ tasks.b.outputs.text }}?' } }),
  ],
  { inputs: { name: 'Ada' }, labels: { team: 'blue' } },
);

const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');
const dataOf = <T>(world: World, id: string, type: string): T[] => world.of(`execution-${id}`).flatMap(({ event }) => (event.type === type ? [event.data as T] : []));

type Requested = { readonly executionId: string; readonly dataKeyId: string; readonly requestTag: string; readonly inputs: unknown; readonly resumedFrom: Record<string, unknown> | null };
type Reused = { readonly taskId: string; readonly from: Record<string, unknown>; readonly output: unknown };
const requestOf = (world: World, id: string): Requested => dataOf<Requested>(world, id, 'execution.requested.v1')[0] as Requested;

/** A run in which task `b` failed; from then on everything succeeds. */
async function failedRun(document: ManifestV1 = DOCUMENT, failing = 'b', inputs: Record<string, unknown> = { name: 'Grace' }): Promise<{ readonly world: World; readonly id: string }> {
  const world = await World.open();
  await world.published(document);
  world.packages.play = async ({ input, context }) => (context.taskId === failing ? failedWith('BOOM', false) : succeededWith(input));
  const id = await world.started('run', { inputs: inputs as never });
  await world.ended(id);
  world.packages.play = async ({ input }) => succeededWith(input);
  world.packages.attempts.length = 0;
  return { world, id };
}

async function resumed(world: World, id: string, key?: string): Promise<string> {
  const answer = await world.send(resume(id, key));
  if (answer.kind === 'refused') throw new Error(JSON.stringify(answer.rejection));
  expect(answer.result['resumedFrom']).toBe(id);
  return String(answer.result['executionId']);
}

describe('a resumed run', () => {
  it('takes over what succeeded and runs the rest, with values that the first run made', async () => {
    const { world, id } = await failedRun();
    const next = await resumed(world, id);
    await world.ended(next);
    expect(world.types(next)).toEqual([
      'requested', 'policy-check-requested', 'policy-decided', 'started', 'task-reused',
      'task-policy-check-requested', 'policy-decided', 'task-scheduled', 'task-succeeded',
      'task-policy-check-requested', 'policy-decided', 'task-scheduled', 'task-succeeded', 'completed',
    ]);
    expect(world.packages.attempts.map(({ context, input }) => [context.taskId, input])).toEqual([['b', { text: 'Grace!' }], ['c', { text: 'Grace!?' }]]);
    expect([world.verdictOf(id), world.verdictOf(next)]).toEqual(['failed', 'succeeded']);
    expect(await problemsOf(world, next)).toEqual([]);
  });

  it('is pinned as the first one, linked to its last event, and sealed under a key of its own', async () => {
    const { world, id } = await failedRun();
    const next = await resumed(world, id);
    const [first, second] = [requestOf(world, id), requestOf(world, next)];
    const head = world.of(`execution-${id}`).at(-1);
    expect(second.resumedFrom).toEqual({ executionId: id, rootExecutionId: id, headRevision: head?.revision, headHash: head?.hash });
    expect(second.dataKeyId).not.toBe(first.dataKeyId);
    const { executionId: _, dataKeyId: __, requestTag: ___, resumedFrom: ____, ...pinned } = first;
    expect(second).toMatchObject(pinned);
    expect(second.inputs).toEqual(first.inputs);
  });

  it('names the event whose output it took over, under the same commitment', async () => {
    const { world, id } = await failedRun();
    const next = await resumed(world, id);
    await world.ended(next);
    const source = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-succeeded.v1');
    const [reused] = dataOf<Reused>(world, next, 'execution.task-reused.v1');
    expect(reused).toMatchObject({ taskId: 'a', from: { executionId: id, revision: source?.revision, eventHash: source?.hash, attempt: 1 } });
    expect(source?.event.data).toMatchObject({ output: reused?.output });
  });

  it('gives its tasks the idempotency keys of the first run, however long the chain', async () => {
    const { world, id } = await failedRun(DOCUMENT, 'c');
    world.packages.play = async () => failedWith('BOOM', false);
    const second = await resumed(world, id, 'second');
    await world.ended(second);
    world.packages.play = async ({ input }) => succeededWith(input);
    const third = await resumed(world, second, 'third');
    await world.ended(third);
    expect(world.packages.attempts.map(({ context }) => context.idempotencyKey)).toEqual([`${id}:c`, `${id}:c`]);
    expect(requestOf(world, third).resumedFrom).toMatchObject({ executionId: second, rootExecutionId: id });
    expect(dataOf<Reused>(world, third, 'execution.task-reused.v1').map(({ taskId, from }) => [taskId, from['executionId'], from['attempt']])).toEqual([['a', second, 1], ['b', second, 1]]);
    expect(world.packages.attempts.at(-1)?.input).toEqual({ text: 'Grace!?' });
    expect(await problemsOf(world, third)).toEqual([]);
  });

  it('keeps its values when the key of the first run is destroyed after it took them over', async () => {
    const { world, id } = await failedRun(DOCUMENT, 'c');
    world.packages.play = async () => failedWith('BOOM', false);
    const second = await resumed(world, id, 'second');
    await world.ended(second);
    await world.vault.destroy(requestOf(world, id).dataKeyId);
    world.crash();
    world.packages.play = async ({ input }) => succeededWith(input);
    const third = await resumed(world, second, 'third');
    await world.ended(third);
    expect(world.verdictOf(third)).toBe('succeeded');
    expect(world.packages.attempts.at(-1)?.input).toEqual({ text: 'Grace!?' });
  });

  it('of a run that was cancelled, or over its limit, can be resumed too', async () => {
    const world = await World.open();
    await world.published(DOCUMENT);
    world.packages.play = untilAborted;
    const cancelled = await world.started('cancelled');
    await world.settle();
    await world.send(cancel(cancelled));
    await world.ended(cancelled);
    const late = await world.started('late');
    await world.ended(late, 30 * 3_600_000);
    world.packages.play = async ({ input }) => succeededWith(input);
    for (const id of [cancelled, late]) {
      const next = await resumed(world, id, id);
      await world.ended(next);
      expect(world.verdictOf(next)).toBe('succeeded');
    }
    expect([world.verdictOf(cancelled), world.verdictOf(late)]).toEqual(['cancelled', 'timed-out']);
  });

  it('takes over a thousand outputs in commits that stores accept, before it hands out anything', async () => {
    const ids = Array.from({ length: 999 }, (_, i) => `t${i}`);
    const { world, id } = await failedRun(manifest([...ids.map((one) => task(one)), task('last', ids)]), 'last');
    const sizes: number[] = [];
    world.hook = ({ call, phase, args }) => void (call === 'store.append' && phase === 'before' && sizes.push((args[2] as readonly unknown[]).length));
    const next = await resumed(world, id);
    await world.ended(next);
    expect(dataOf<Reused>(world, next, 'execution.task-reused.v1').map(({ taskId }) => taskId)).toEqual(ids);
    expect(world.packages.attempts.map(({ context }) => context.taskId)).toEqual(['last']);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
    expect(await problemsOf(world, next)).toEqual([]);
  });

  it('takes over large outputs a few at a time', async () => {
    const text = 'x'.repeat(60 * 1024);
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const world = await World.open();
    await world.published(manifest([...ids.map((one) => task(one)), task('last', ids, { with: { text: '${{ tasks.f.outputs.text }}' } })]));
    world.packages.play = async ({ context }) => (context.taskId === 'last' ? failedWith('BOOM', false) : succeededWith({ text }));
    const id = await world.started();
    await world.ended(id);
    const sizes: number[] = [];
    world.hook = ({ call, phase, args }) => {
      if (call !== 'store.append' || phase !== 'before') return;
      const events = args[2] as readonly { readonly bytes: Uint8Array; readonly sealed: Uint8Array | null }[];
      sizes.push(events.reduce((sum, { bytes, sealed }) => sum + bytes.length + (sealed?.length ?? 0), 0));
    };
    world.packages.play = async ({ input }) => succeededWith(input);
    const next = await resumed(world, id);
    await world.ended(next);
    expect(world.types(next).filter((type) => type === 'task-reused' || type === 'scheduling-deferred')).toEqual([
      'task-reused', 'task-reused', 'task-reused', 'scheduling-deferred', 'task-reused', 'task-reused', 'task-reused',
    ]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
    expect(world.packages.attempts.at(-1)?.input).toEqual({ text });
    expect(await problemsOf(world, next)).toEqual([]);
  });

  it('takes over an output that is a blob under the key of its own, so that the first key may go', async () => {
    const text = 'x'.repeat(300 * 1024);
    const world = await World.open();
    await world.published(manifest([task('a'), task('last', ['a'], { with: { text: '${{ tasks.a.outputs.text }}' } })]));
    world.packages.play = async ({ context }) => (context.taskId === 'last' ? failedWith('BOOM', false) : succeededWith({ text }));
    const id = await world.started();
    await world.ended(id);
    const second = await resumed(world, id, 'second');
    await world.ended(second);
    await world.vault.destroy(requestOf(world, id).dataKeyId);
    world.crash();
    world.packages.play = async ({ input }) => succeededWith(input);
    const third = await resumed(world, second, 'third');
    await world.ended(third);
    expect(world.packages.attempts.at(-1)?.input).toEqual({ text });
    const [reused] = dataOf<{ readonly output: { readonly commitment: string; readonly blob?: { readonly dataKeyId: string } } }>(world, third, 'execution.task-reused.v1');
    expect(reused?.output.blob?.dataKeyId).toBe(requestOf(world, third).dataKeyId);
    expect(await problemsOf(world, third)).toEqual([]);
  });

  it('goes on after a crash at any commit, and takes over each output once', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => `t${i}`);
    const { world, id } = await failedRun(manifest([...ids.map((one) => task(one)), task('last', ids)]), 'last');
    let appends = 0;
    world.hook = ({ call, phase }) => {
      if (call !== 'store.append') return;
      appends += 1;
      if (appends % 3 === 0) world.crash();
      if (phase === 'after' && appends % 7 === 0) world.crash();
    };
    const next = await resumed(world, id);
    await world.ended(next);
    expect(world.lives).toBeGreaterThan(1);
    const reused = dataOf<Reused>(world, next, 'execution.task-reused.v1').map(({ taskId }) => taskId);
    expect(reused).toEqual(ids);
    expect(await problemsOf(world, next)).toEqual([]);
  });

  it('runs a task again whose output was erased on the way, also where the output is still remembered', async () => {
    const { world, id } = await failedRun();
    world.policies.verdictOf = () => {
      void world.vault.destroy(requestOf(world, id).dataKeyId);
      return 'allow';
    };
    const next = await resumed(world, id);
    await world.ended(next);
    expect(world.types(next)).not.toContain('task-reused');
    expect(world.packages.attempts.map(({ context }) => context.idempotencyKey)).toEqual([`${id}:a`, `${id}:b`, `${id}:c`]);
    expect(world.verdictOf(next)).toBe('succeeded');
  });

  it('keeps what it took over before the rest was erased', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => `t${i}`);
    const { world, id } = await failedRun(manifest([...ids.map((one) => task(one)), task('last', ids)]), 'last');
    const isReuse = (next: string): boolean => world.types(next).includes('task-reused');
    let next = '';
    world.hook = ({ call, phase }) => void (call === 'store.append' && phase === 'after' && next !== '' && isReuse(next) && world.vault.destroy(requestOf(world, id).dataKeyId));
    next = await resumed(world, id);
    await world.ended(next);
    const reused = dataOf<Reused>(world, next, 'execution.task-reused.v1').map(({ taskId }) => taskId);
    expect(reused.length).toBeGreaterThan(0);
    const again = world.packages.attempts.map(({ context }) => context.taskId);
    expect([...reused, ...again].sort()).toEqual([...ids, 'last'].sort());
    expect(world.verdictOf(next)).toBe('succeeded');
  });

  it('waits for a vault that cannot answer now, and takes over then', async () => {
    const { world, id } = await failedRun();
    const first = requestOf(world, id).dataKeyId;
    const derive = world.vault.derive.bind(world.vault);
    let asked = 0;
    world.vault.derive = async (keyId, context) => {
      if (keyId === first) asked += 1;
      // the first question is that of the command itself
      if (keyId === first && asked > 1 && asked < 5) throw new Fault('STORE_READ_ONLY', 'the vault is being opened again', { retryable: true });
      return derive(keyId, context);
    };
    const next = await resumed(world, id);
    await world.ended(next);
    expect(asked).toBeGreaterThan(4);
    expect(world.types(next)).toContain('task-reused');
    expect(world.verdictOf(next)).toBe('succeeded');
  });

  it('has a receipt that names what it took over, and that can be assembled again', async () => {
    const { world, id } = await failedRun();
    const next = await resumed(world, id);
    const run = await world.ended(next);
    const stored = world.eventLog.streams.get(`execution-${next}` as StreamName) ?? [];
    const set = assembleSet(run, { jsonl: eventsJsonl(stored.map(({ bytes }) => bytes)) });
    const [signed] = world.of(`receipt-${next}`);
    expect(signed?.event.data).toMatchObject({ verdict: 'succeeded', receiptDigest: hexOf(Buffer.from(set.receiptJson).toString()) });
    const receipt = JSON.parse(Buffer.from(set.receiptJson).toString()) as ReceiptV1;
    expect(receipt.links.resumedFrom).toMatchObject({ executionId: id, rootExecutionId: id });
    expect(receipt.steps.map(({ id: taskId, status, attempt, reusedFrom }) => [taskId, status, attempt, reusedFrom?.executionId])).toEqual([
      ['a', 'ok', null, id],
      ['b', 'ok', 1, undefined],
      ['c', 'ok', 1, undefined],
    ]);
  });
});

describe('a command to resume', () => {
  it('sent twice makes one run and answers the same; another command makes another', async () => {
    const { world, id } = await failedRun();
    const next = await resumed(world, id, 'one');
    await world.ended(next);
    const count = world.eventLog.events.length;
    expect(await resumed(world, id, 'one')).toBe(next);
    expect(world.eventLog.events.length).toBe(count);
    expect(await resumed(world, id, 'two')).not.toBe(next);
  });

  it('under an id that resumed another run is refused', async () => {
    const { world, id } = await failedRun();
    world.packages.play = async () => failedWith('BOOM', false);
    const other = await world.started('other');
    await world.ended(other);
    await resumed(world, id, 'key');
    expect(codeOf(await world.send(resume(other, 'key')))).toBe('COMMAND_ID_REUSED');
  });

  it('of a run that is unknown, goes on, succeeded or was denied is refused, and leaves no event', async () => {
    const world = await World.open();
    await world.published(DOCUMENT);
    const succeeded = await world.started('succeeded');
    await world.ended(succeeded);
    world.packages.play = untilAborted;
    const running = await world.started('running');
    await world.settle();
    world.policies.verdictOf = () => ({ deny: 'NOT_NOW' });
    const denied = await world.started('denied');
    await world.ended(denied);
    const count = world.eventLog.events.length;
    const codes: string[] = [];
    for (const id of ['0192dead-0000-7000-8000-000000000001', 'no-id-at-all', running, succeeded, denied]) codes.push(codeOf(await world.role.gateway.send(resume(id, id))));
    expect(codes).toEqual(['EXECUTION_NOT_FOUND', 'COMMAND_INVALID', 'EXECUTION_RUNNING', 'EXECUTION_NOT_RESUMABLE', 'EXECUTION_NOT_RESUMABLE']);
    expect(world.eventLog.events.length).toBe(count);
  });

  it('of a run whose key was destroyed is refused, also while its values are remembered', async () => {
    const { world, id } = await failedRun();
    await world.vault.destroy(requestOf(world, id).dataKeyId);
    expect(codeOf(await world.send(resume(id)))).toBe('VALUES_ERASED');
  });

  it('passes on what the vault says of a key that it should have', async () => {
    const { world, id } = await failedRun();
    world.vault.derive = async () => {
      throw Object.assign(new Error('the key cannot be read'), { name: 'Fault', code: 'KEY_DAMAGED', retryable: false });
    };
    await expect(world.role.gateway.send(resume(id))).rejects.toMatchObject({ message: 'the key cannot be read' });
  });

  it('of a run whose packages or policy are not here any more names all of them', async () => {
    const { world, id } = await failedRun(manifest([task('a'), task('b', ['a'], { uses: 'pkg:test/fenced@1.0.0' })]));
    world.packages.remove('pkg:test/echo@1.0.0');
    world.packages.define('pkg:test/fenced@1.0.0', { fenced: true }, hexOf('another build'));
    world.policies.sets = () => [];
    const answer = await world.send(resume(id));
    const errors = answer.kind === 'refused' ? (answer.rejection.errors ?? []) : [];
    expect([codeOf(answer), errors.map(({ pointer, code }) => `${pointer} ${code}`)]).toEqual([
      'PINNED_UNAVAILABLE',
      ['/tasks/0/uses PACKAGE_UNKNOWN', '/tasks/1/uses PACKAGE_CHANGED', '/policySetDigest POLICY_SET_UNKNOWN'],
    ]);
  });

  it('runs the version of the first run, whatever is stable by now', async () => {
    const { world, id } = await failedRun();
    const newer = { ...DOCUMENT, version: '2.0.0', tasks: [task('other')] as unknown as ManifestV1['tasks'] };
    await world.send(saveDraft(newer));
    await world.send(publish('greeting', '2.0.0'));
    await world.settle();
    const next = await resumed(world, id);
    await world.ended(next);
    expect(world.packages.attempts.map(({ context }) => context.taskId)).toEqual(['b', 'c']);
  });
});
