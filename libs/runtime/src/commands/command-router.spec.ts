import type { AnyCommand } from '@maestro/contracts';
import { Fault } from '@maestro/ports';
import type { CommandAnswer } from '@maestro/ports';
import { cancel, fromClient, manifest, publish, saveDraft, start, task } from '../../fixtures/commands.ts';
import { failedWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';

const DOCUMENT = manifest([task('a', [], { with: { text: '${{ inputs.name }}' } })], { inputs: { name: 'Ada' } });

async function published(): Promise<World> {
  const world = await World.open();
  await world.published(DOCUMENT);
  return world;
}

const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');
const resultOf = (answer: CommandAnswer): unknown => (answer.kind === 'ok' ? answer.result : answer.rejection);
const eventCount = (world: World): number => world.eventLog.events.length;

describe('a command sent twice', () => {
  it('starts one run, and answers the same', async () => {
    const world = await published();
    const first = await world.send(start('key', { inputs: { name: 'Grace' } }));
    await world.settle();
    const count = eventCount(world);
    const again = await world.send(start('key', { inputs: { name: 'Grace' } }));
    expect(resultOf(again)).toEqual(resultOf(first));
    expect(eventCount(world)).toBe(count);
  });

  it('starts one run, also while the first is in hand', async () => {
    const world = await published();
    const answers = await Promise.all(Array.from({ length: 5 }, () => world.role.gateway.send(start('key'))));
    expect(new Set(answers.map((answer) => JSON.stringify(resultOf(answer)))).size).toBe(1);
    await world.settle();
    expect(world.of(`execution-${String((answers[0]?.kind === 'ok' && answers[0].result['executionId']) || '')}`).filter(({ event }) => event.type === 'execution.requested.v1')).toHaveLength(1);
  });

  it('saves, publishes and cancels once, and answers the same', async () => {
    const world = await World.open();
    world.policies.verdictOf = (stage) => (stage === 'publish' ? 'silent' : 'allow');
    for (const envelope of [saveDraft(DOCUMENT), publish()]) {
      const first = await world.send(envelope);
      const count = eventCount(world);
      expect(await world.send(envelope)).toEqual(first);
      expect(eventCount(world)).toBe(count);
    }
    const running = await published();
    running.packages.play = untilAborted;
    const id = await running.started();
    await running.settle();
    const first = await running.send(cancel(id));
    await running.ended(id);
    const count = eventCount(running);
    expect(resultOf(await running.send(cancel(id)))).toEqual(resultOf(first));
    expect(eventCount(running)).toBe(count);
  });

  it.each([
    ['inputs', start('key', { inputs: { name: 'Grace' } })],
    ['no inputs', start('key', { inputs: {} })],
    ['version', start('key', { inputs: { name: 'Ada' }, version: '1.0.0' })],
    ['rollout', start('key', { inputs: { name: 'Ada' }, rollout: 'all' })],
    ['region', start('key', { inputs: { name: 'Ada' }, region: 'eu-1' })],
    ['workflow', start('key', { inputs: { name: 'Ada' }, workflowId: 'Greeting' })],
  ])('with other %s for a start is a reuse of its id', async (_, other) => {
    const world = await published();
    await world.send(start('key', { inputs: { name: 'Ada' } }));
    await world.settle();
    const count = eventCount(world);
    expect(codeOf(await world.send(other))).toBe('COMMAND_ID_REUSED');
    expect(eventCount(world)).toBe(count);
  });

  it('with other content for a draft, a publication or a cancel is a reuse of its id', async () => {
    const world = await World.open();
    await world.send(saveDraft(DOCUMENT, 'draft'));
    expect(codeOf(await world.send(saveDraft({ ...DOCUMENT, version: '1.0.1' }, 'draft')))).toBe('COMMAND_ID_REUSED');
    await world.send(publish('greeting', '1.0.0', 'publish'));
    await world.settle();
    await world.send(saveDraft({ ...DOCUMENT, version: '1.1.0' }, 'second'));
    expect(codeOf(await world.send(publish('greeting', '1.1.0', 'publish')))).toBe('COMMAND_ID_REUSED');
    world.packages.play = untilAborted;
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id, 'cancel', 'by mistake'));
    expect(codeOf(await world.send(cancel(id, 'cancel', 'on purpose')))).toBe('COMMAND_ID_REUSED');
    expect(codeOf(await world.send(cancel(id, 'cancel', 'by mistake')))).toBe('ok');
  });

  it('for something else of the same stream is a reuse of its id', async () => {
    const world = await World.open();
    const draft = saveDraft(DOCUMENT, 'one');
    await world.send(draft);
    expect(codeOf(await world.send({ ...publish(), commandId: draft.commandId }))).toBe('COMMAND_ID_REUSED');
    await world.published(DOCUMENT);
    world.packages.play = untilAborted;
    const begun = start('run');
    const id = await world.started('run');
    expect(codeOf(await world.send({ ...cancel(id), commandId: begun.commandId }))).toBe('COMMAND_ID_REUSED');
    const cancelled = cancel(id);
    await world.send(cancelled);
    expect(codeOf(await world.send({ ...start('run', { executionId: id }), commandId: cancelled.commandId }))).toBe('COMMAND_ID_REUSED');
  });
});

describe('a command that cannot be carried out', () => {
  it('is refused by name, whatever is wrong with it', async () => {
    const world = await published();
    const codes = [
      await world.send(start('1', { workflowId: 'nobody' })),
      await world.send(start('2', { version: '9.9.9' })),
      await world.send(start('3', { inputs: { n: 2 ** 53 } })),
      await world.send(start('4', { inputs: { text: 'x'.repeat(1_024 * 1_024) } })),
      await world.send(cancel('01920000-0000-7000-8000-00000000dead')),
      await world.send(publish('nobody')),
      await world.send(publish('greeting', '2.0.0')),
      await world.send(saveDraft({ ...DOCUMENT, name: 'GREETING' }, '8')),
      await world.send(saveDraft(manifest([task('a', ['a'])]), '9')),
    ].map(codeOf);
    expect(codes).toEqual(['WORKFLOW_NOT_FOUND', 'VERSION_NOT_FOUND', 'INVALID_JSON_VALUE', 'INPUT_TOO_LARGE', 'EXECUTION_NOT_FOUND', 'WORKFLOW_NOT_FOUND', 'VERSION_NOT_FOUND', 'WORKFLOW_NAME_TAKEN', 'MANIFEST_INVALID']);
  });

  it('is refused where the defaults of the workflow make its inputs too large to keep', async () => {
    const world = await World.open();
    await world.published(manifest([task('a')], { inputs: { one: 'x'.repeat(60_000), two: 'y'.repeat(60_000) } }));
    const three = 'z'.repeat(1_024 * 1_024 - 120_000);
    expect(codeOf(await world.send(start('all', { inputs: { three } })))).toBe('INPUT_TOO_LARGE');
    expect(codeOf(await world.send(start('less', { inputs: { three, two: 'short' } })))).toBe('ok');
  });

  it('is refused where it does not fit its schema, with every problem, and where nobody knows it', async () => {
    const world = await published();
    const unfit = fromClient({ type: 'execution.start.v1', payload: { workflowId: 'x', extra: 1 } } as unknown as AnyCommand, 'k');
    const answer = await world.send(unfit);
    expect(answer).toMatchObject({ kind: 'refused', rejection: { code: 'COMMAND_INVALID', errors: expect.arrayContaining([expect.objectContaining({ code: 'SCHEMA' })]) as unknown } });
    const unknown = fromClient({ type: 'execution.explode.v1', payload: {} } as unknown as AnyCommand, 'k');
    expect(codeOf(await world.send(unknown))).toBe('COMMAND_INVALID');
    const inherited = fromClient({ type: 'toString', payload: {} } as unknown as AnyCommand, 'k');
    expect(codeOf(await world.send(inherited))).toBe('COMMAND_INVALID');
  });

  it('is refused where it would start a run that exists already', async () => {
    const world = await published();
    const id = await world.started('run', { executionId: '01920000-0000-7000-8000-000000000077' });
    expect(codeOf(await world.send(start('other', { executionId: id })))).toBe('EXECUTION_EXISTS');
  });

  it('and meets a bug says so, harms nobody else, and can be sent again once the bug is gone', async () => {
    const world = await published();
    world.packages.remove('pkg:test/echo@1.0.0');
    world.crash();
    await world.settle();
    expect(codeOf(await world.send(start('run')))).toBe('BUG');
    expect(codeOf(await world.send(saveDraft({ ...manifest([task('x', [], { uses: 'pkg:test/fenced@1.0.0' })]), name: 'other' })))).toBe('ok');
    world.packages.define('pkg:test/echo@1.0.0');
    const id = await world.started('run');
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('succeeded');
  });

  it('because the store cannot take it passes the fault on, and is carried out when sent again', async () => {
    const world = await published();
    let full = true;
    world.hook = ({ call }) => {
      if (full && call === 'store.append') throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
    };
    await expect(world.role.gateway.send(start('run'))).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    full = false;
    expect(codeOf(await world.role.gateway.send(start('run')))).toBe('ok');
  });
});

describe('what was refused', () => {
  it('is remembered with its reason, also after a restart', async () => {
    const world = await published();
    const refused = start('1', { version: '9.9.9' });
    await world.send(refused);
    await world.settle();
    expect(world.role.ledger.find(refused.commandId)).toMatchObject({ type: 'execution.start.v1', rejection: { code: 'VERSION_NOT_FOUND' } });
    world.crash();
    await world.settle();
    expect(world.role.ledger.find(refused.commandId)).toMatchObject({ rejection: { code: 'VERSION_NOT_FOUND' } });
  });
});

describe('a report that comes late', () => {
  it('is refused, and changes nothing of what was recorded', async () => {
    const world = await published();
    let release: () => void = () => undefined;
    world.packages.play = () => new Promise((resolve) => (release = () => resolve(failedWith('TOO_LATE', false))));
    const id = await world.started();
    await world.settle();
    await world.send(cancel(id));
    await world.advance(11_000);
    expect(world.verdictOf(id)).toBe('cancelled');
    const count = world.of(`execution-${id}`).length;
    release();
    await world.settle();
    expect(world.of(`execution-${id}`)).toHaveLength(count);
    expect(await world.life.queue.depth('task')).toEqual({ waiting: 0, leased: 0 });
  });
});
