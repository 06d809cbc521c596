import { MemoryEventStore } from '@maestro/adapter-memory';
import type { EventOf, ManifestV1, SealedValue } from '@maestro/contracts';
import type { Json, Recorded } from '@maestro/domain';
import { Fault, VALUE_LIMITS } from '@maestro/ports';
import type { CommandAnswer, EvidenceRef } from '@maestro/ports';
import { internalCommandId } from './commands/command-ids.ts';
import { manifest, resume, start, task } from '../fixtures/commands.ts';
import type { Point } from '../fixtures/gated-ports.ts';
import { failedWith, succeededWith } from '../fixtures/scripted-ports.ts';
import { problemsOf } from '../fixtures/sound-history.ts';
import { World } from '../fixtures/world.ts';
import type { WorldOptions } from '../fixtures/world.ts';
import { SealedValues } from './sealed-values.ts';

/** Found nowhere by chance. */
const MARKER = 'b1a5c0ffee-marker';
const LARGE = { summary: { title: 'short' }, rows: Array.from({ length: 4_000 }, (_, i) => ({ i, text: `${MARKER} of row ${i}` })) };

type Play = World['packages']['play'];

async function ran(document: ManifestV1, play: Play = async ({ input }) => succeededWith(input), inputs: { [key: string]: unknown } = {}, options: WorldOptions = {}): Promise<{ readonly world: World; readonly id: string }> {
  const world = await World.open(options);
  world.packages.play = play;
  await world.published(document);
  const id = await world.started('run', { inputs });
  await world.ended(id);
  return { world, id };
}

/** A large output, then a task with these arguments. */
const readBy = (written: { [key: string]: string }): Promise<{ readonly world: World; readonly id: string }> =>
  ran(manifest([task('large'), task('reads', ['large'], { with: written })]), async ({ context, input }) => succeededWith(context.taskId === 'large' ? LARGE : input));

function found<T extends 'execution.requested.v1' | 'execution.task-succeeded.v1' | 'execution.task-failed.v1' | 'execution.task-reused.v1'>(world: World, id: string, type: T): { readonly recorded: Recorded; readonly data: EventOf<T>['data'] } {
  const recorded = world.of(`execution-${id}`).find(({ event }) => event.type === type);
  if (recorded === undefined) throw new Error(`no ${type}`);
  return { recorded, data: recorded.event.data as EventOf<T>['data'] };
}

/** Another process on the same data: nothing of what was opened before is in its memory. */
function fresh(world: World): SealedValues {
  return new SealedValues(world.vault, { bytes: (count) => new Uint8Array(count) }, new MemoryEventStore({ log: world.eventLog }), world.evidence);
}

const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');
const textOf = (bytes: number): { readonly text: string } => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
const putsOf = (points: readonly Point[]): number => points.filter(({ call, phase }) => call === 'evidence.put' && phase === 'after').length;

describe('the inputs of a run', () => {
  it.each([
    ['64 KiB', 64 * 1_024, false],
    ['64 KiB and a byte', 64 * 1_024 + 1, true],
    ['1 MiB', 1_024 * 1_024, true],
  ])('of %s are accepted; policy and tasks see all of them', async (_, bytes, isBlob) => {
    const inputs = textOf(bytes);
    const { world, id } = await ran(manifest([task('a', [], { with: { copy: '${{ inputs.text }}' } })]), async () => succeededWith({}), inputs);
    expect(found(world, id, 'execution.requested.v1').data.inputs.blob !== undefined).toBe(isBlob);
    const asked = world.policies.asked.find(({ stage }) => stage === 'start')?.input;
    expect([asked?.['inputs'], (asked?.['tasks'] as { with: Json }[] | undefined)?.[0]?.with]).toEqual([inputs, { copy: inputs.text }]);
    expect(world.packages.attempts.map(({ input }) => input)).toEqual([{ copy: inputs.text }]);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('of 1 MiB and a byte are refused', async () => {
    const world = await World.open();
    await world.published(manifest([task('a')]));
    expect(codeOf(await world.send(start('over', { inputs: textOf(1_024 * 1_024 + 1) })))).toBe('INPUT_TOO_LARGE');
  });

  it('that many tasks would repeat are denied, once policy could not be shown all of them', async () => {
    const tasks = Array.from({ length: 5 }, (_, i) => task(`t${i}`, [], { with: { copy: '${{ inputs.text }}' } }));
    const allowed = await ran(manifest(tasks.slice(0, 4)), async () => succeededWith({}), textOf(1_000_000));
    const denied = await ran(manifest(tasks), async () => succeededWith({}), textOf(1_000_000));
    expect([allowed.world.verdictOf(allowed.id), denied.world.verdictOf(denied.id)]).toEqual(['succeeded', 'denied']);
    const decided = denied.world.of(`execution-${denied.id}`).find(({ event }) => event.type === 'execution.policy-decided.v1')?.event.data;
    expect(decided).toMatchObject({ allow: false, reason: 'EVALUATION_FAILED' });
    expect(denied.world.packages.attempts).toEqual([]);
  });
});

describe('a large output', () => {
  it('is a blob of its own, opens to what it was, and no length of it shows', async () => {
    const { world, id } = await readBy({ title: '${{ tasks.large.outputs.summary.title }}' });
    const { recorded, data } = found(world, id, 'execution.task-succeeded.v1');
    expect(await fresh(world).open(recorded, '/output', data.output)).toEqual(LARGE);
    const stored = await world.evidence.get(data.output.blob as EvidenceRef);
    expect([data.output.blob?.paddedBytes, stored.length]).toEqual([256 * 1_024, 256 * 1_024 + 28]);
    expect(Buffer.from(stored).includes(MARKER)).toBe(false);
    expect(data.output.blob?.dataKeyId).toBe(found(world, id, 'execution.requested.v1').data.dataKeyId);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('is read by the parts that arguments refer to, through objects and lists', async () => {
    const { world } = await readBy({ title: '${{ tasks.large.outputs.summary.title }}', row: '${{ tasks.large.outputs.rows.7 }}', both: '${{ tasks.large.outputs.rows.3.i }} of ${{ tasks.large.outputs.summary }}' });
    expect(world.packages.attempts.at(-1)?.input).toEqual({ title: 'short', row: LARGE.rows[7], both: '3 of {"title":"short"}' });
  });

  it('fits into arguments as a whole up to 1 MiB', async () => {
    const { world } = await readBy({ all: '${{ tasks.large.outputs }}' });
    expect(world.packages.attempts.at(-1)?.input).toEqual({ all: LARGE });
  });

  it.each([['rows.4000'], ['rows.length'], ['summary.title.length'], ['__proto__'], ['constructor.name']])('has no part %s', async (path) => {
    const { world, id } = await readBy({ text: `\${{ tasks.large.outputs.${path} }}` });
    expect(found(world, id, 'execution.task-failed.v1').data.error.code).toBe('EXPRESSION_UNRESOLVED');
  });

  it.each([
    ['once, where it is over the limit', { all: '${{ tasks.large.outputs.text }}' }, 1_100_000],
    ['often, in one text', { all: '${{ tasks.large.outputs.text }}'.repeat(30) }, 40_000],
    ['often, in many', Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, '${{ tasks.large.outputs.text }}'])), 40_000],
    ['with characters that take three bytes each', { all: '${{ tasks.large.outputs.text }}' }, 400_000],
  ])('makes no arguments over 1 MiB: %s', async (how, written, count) => {
    const output = { text: (how.startsWith('with') ? '€' : 'x').repeat(count) };
    const { world, id } = await ran(manifest([task('large'), task('reads', ['large'], { with: written })]), async ({ context, input }) => succeededWith(context.taskId === 'large' ? output : input));
    const { error } = found(world, id, 'execution.task-failed.v1').data;
    expect([error.code, error.retryable, world.verdictOf(id), world.packages.attempts.length]).toEqual(['ARGUMENTS_TOO_LARGE', false, 'failed', 1]);
  });

  it('of a report that does not count is written nowhere', async () => {
    const points: Point[] = [];
    const { world, id } = await ran(manifest([task('a')]), async () => succeededWith(LARGE), {}, { hook: (point) => void points.push(point) });
    const before = putsOf(points);
    const { data } = found(world, id, 'execution.task-succeeded.v1');
    const payload = { executionId: id, taskId: 'a', attempt: 1, runner: 'runner:late', leaseId: null, startedAt: '2026-01-05T10:00:00.000Z', durationMs: 1, argumentsCommitment: String(data.argumentsCommitment), log: '', outcome: { kind: 'succeeded' as const, output: LARGE } };
    const late = { command: { type: 'execution.report-task.v1' as const, payload }, commandId: internalCommandId('late', 'report-task'), tenant: 'default', actor: 'role:runner', correlationId: 'x', causationId: null };
    expect([codeOf(await world.send(late)), before, putsOf(points)]).toEqual(['EXECUTION_ENDED', 1, 1]);
  });
});

describe('a large value that cannot be trusted', () => {
  async function damaged(change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    const { world, id } = await readBy({ title: '${{ tasks.large.outputs.summary.title }}' });
    const { recorded, data } = found(world, id, 'execution.task-succeeded.v1');
    const get = world.evidence.get.bind(world.evidence);
    world.evidence.get = async (ref) => change(await get(ref));
    await fresh(world).open(recorded, '/output', data.output);
  }

  it('is never served: a flipped bit, a cut, another value of the same key', async () => {
    const at = (i: number) => (bytes: Uint8Array): Uint8Array => bytes.map((byte, j) => (j === i ? byte ^ 1 : byte));
    for (const change of [at(0), at(20), at(100_000), (bytes: Uint8Array) => bytes.subarray(0, -1), () => new Uint8Array(28), () => new Uint8Array(0)]) {
      await expect(damaged(change)).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    }
  });

  it('is not served under another commitment or at another place', async () => {
    const { world, id } = await ran(manifest([task('a')]), async () => succeededWith(LARGE, 'y'.repeat(100_000)));
    const { recorded, data } = found(world, id, 'execution.task-succeeded.v1');
    const log = data.log as SealedValue;
    const mixed = [{ ...data.output, commitment: log.commitment }, { ...data.output, ...(log.blob && { blob: log.blob }) }];
    for (const sealed of mixed) await expect(fresh(world).open(recorded, '/output', sealed)).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    await expect(fresh(world).open(recorded, '/log', data.output)).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    expect(await fresh(world).open(recorded, '/log', log)).toBe('y'.repeat(100_000));
  });

  it('is named when its bytes are gone', async () => {
    const { world, id } = await readBy({ title: 'x' });
    const { recorded, data } = found(world, id, 'execution.task-succeeded.v1');
    const gone = { ...data.output, blob: { ...(data.output.blob as NonNullable<SealedValue['blob']>), location: 'memory:999' } };
    await expect(fresh(world).open(recorded, '/output', gone)).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
  });

  it('is gone with its key, also where it was opened before', async () => {
    const { world, id } = await readBy({ title: 'x' });
    const { recorded, data } = found(world, id, 'execution.task-succeeded.v1');
    const values = fresh(world);
    await values.open(recorded, '/output', data.output);
    await world.vault.destroy(found(world, id, 'execution.requested.v1').data.dataKeyId);
    await expect(values.open(recorded, '/output', data.output)).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    expect(await problemsOf(world, id)).toEqual([]);
  });
});

describe('a process that dies between a blob and the event that names it', () => {
  it('leaves a run that its successor ends once, whose values open', async () => {
    const document = manifest([task('large'), task('reads', ['large'], { with: { title: '${{ tasks.large.outputs.summary.title }}', input: '${{ inputs.text }}' } })]);
    const inputs = textOf(70_000);
    const play: Play = async ({ context, input }) => succeededWith(context.taskId === 'large' ? LARGE : input, 'z'.repeat(70_000));
    let crashes = 0;
    for (let at = 0; ; at += 1) {
      let seen = 0;
      const hook = (point: Point): void => {
        if (point.call === 'evidence.put' && seen++ === at) void ((crashes += 1), world.crash());
      };
      const world = await World.open({ seed: `crash ${at}` });
      world.hook = hook;
      world.packages.play = play;
      await world.published(document);
      const id = await world.started('run', { inputs });
      await world.ended(id);
      expect([at, world.verdictOf(id), await problemsOf(world, id)]).toEqual([at, 'succeeded', []]);
      for (const recorded of world.of(`execution-${id}`)) {
        if (recorded.event.type !== 'execution.task-succeeded.v1') continue;
        expect(await fresh(world).open(recorded, '/log', recorded.event.data.log as SealedValue)).toBe('z'.repeat(70_000));
      }
      if (seen <= at) break;
    }
    // inputs, one output and two logs, each before and after
    expect(crashes).toBeGreaterThanOrEqual(8);
  });

  it('and a store that cannot take it now only delays the run', async () => {
    let refusals = 0;
    const hook = ({ call, phase }: Point): void => {
      if (call === 'evidence.put' && phase === 'before' && refusals++ < 3) throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
    };
    const { world, id } = await ran(manifest([task('a')]), async () => succeededWith(LARGE), {}, { hook });
    expect([world.verdictOf(id), refusals, world.packages.attempts.length]).toEqual(['succeeded', 4, 1]);
  });
});

describe('a resumed run', () => {
  it('takes over large values: the same commitments, sealed again under a key of its own', async () => {
    const document = manifest([task('large'), task('fails', ['large'], { with: { title: '${{ tasks.large.outputs.summary.title }}', input: '${{ inputs.text }}' } })]);
    const inputs = textOf(200_000);
    const { world, id } = await ran(document, async ({ context }) => (context.taskId === 'large' ? succeededWith(LARGE) : failedWith('BOOM', false)), inputs);
    world.packages.play = async ({ input }) => succeededWith(input);
    const answer = await world.send(resume(id));
    const next = answer.kind === 'refused' ? '' : String(answer.result['executionId']);
    await world.ended(next);
    const [old, again] = [found(world, id, 'execution.task-succeeded.v1').data.output, found(world, next, 'execution.task-reused.v1').data.output];
    expect([again.commitment === old.commitment, again.blob?.digest === old.blob?.digest, again.blob?.dataKeyId === old.blob?.dataKeyId]).toEqual([true, false, false]);
    expect(world.packages.attempts.at(-1)?.input).toEqual({ title: 'short', input: inputs.text });
    await world.vault.destroy(String(old.blob?.dataKeyId));
    const { recorded, data } = found(world, next, 'execution.task-reused.v1');
    expect(await fresh(world).open(recorded, '/output', data.output)).toEqual(LARGE);
    expect(await problemsOf(world, next)).toEqual([]);
  });
});

it('limits are what they are said to be', () => {
  expect(VALUE_LIMITS).toEqual({ inlineBytesMax: 65_536, inputBytesMax: 1_048_576, outputBytesMax: 67_108_736, publicBytesMax: 65_536, argumentBytesMax: 1_048_576, checkedBytesMax: 4_194_304 });
});
