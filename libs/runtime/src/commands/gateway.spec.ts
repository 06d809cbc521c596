import { commandValidators } from '@maestro/contracts';
import type { AnyCommand, CommandOf, CommandType } from '@maestro/contracts';
import type { AuthorizationRequest, Authorizer, CommandAnswer, CommandEnvelope } from '@maestro/ports';
import { cancel, fromClient, manifest, promote, publish, resume, rollBack, saveDraft, start, task } from '../../fixtures/commands.ts';
import { failedWith, hexOf, untilAborted } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';

const RUN = '01920000-0000-7000-8000-00000000dead';
const DOCUMENT = manifest([task('a')]);
const DAY_MS = 24 * 3_600_000;
const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');

const REPORT: CommandOf<'workflow.record-policy-decision.v1'>['payload']['report'] = { outcome: 'evaluated', packs: [], durationUs: 1, evaluatedAt: '2026-01-05T10:00:00.000Z', inputCommitment: 'a'.repeat(64), failure: null };
const ATTEMPT = { executionId: RUN, taskId: 'a', attempt: 1, runner: 'runner:test', leaseId: null, startedAt: '2026-01-05T10:00:00.000Z' } as const;

/** One command of every type, of its schema. */
const SAMPLES: { readonly [T in CommandType]: Extract<AnyCommand, { type: T }> } = {
  'workflow.save-draft.v1': saveDraft(DOCUMENT).command as Extract<AnyCommand, { type: 'workflow.save-draft.v1' }>,
  'workflow.publish.v1': { type: 'workflow.publish.v1', payload: { workflowId: 'nobody', version: null } },
  'workflow.promote.v1': { type: 'workflow.promote.v1', payload: { workflowId: 'nobody', comment: '' } },
  'workflow.rollback.v1': { type: 'workflow.rollback.v1', payload: { workflowId: 'nobody', to: null, comment: '' } },
  'workflow.record-policy-decision.v1': { type: 'workflow.record-policy-decision.v1', payload: { workflowId: 'nobody', checkId: 'publish/1', report: REPORT } },
  'workflow.fire-timer.v1': { type: 'workflow.fire-timer.v1', payload: { workflowId: 'nobody', checkId: 'publish/1' } },
  'execution.start.v1': { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'nobody', version: null, inputs: {}, rollout: null, region: null } },
  'execution.resume.v1': { type: 'execution.resume.v1', payload: { executionId: RUN } },
  'execution.cancel.v1': { type: 'execution.cancel.v1', payload: { executionId: RUN, reason: null, comment: '' } },
  'execution.record-policy-decision.v1': { type: 'execution.record-policy-decision.v1', payload: { executionId: RUN, checkId: 'start', report: REPORT } },
  'execution.start-task.v1': { type: 'execution.start-task.v1', payload: ATTEMPT },
  'execution.report-task.v1': { type: 'execution.report-task.v1', payload: { ...ATTEMPT, durationMs: 1, argumentsCommitment: 'a'.repeat(64), log: '', outcome: { kind: 'timed-out' } } },
  'execution.fail-binding.v1': { type: 'execution.fail-binding.v1', payload: { executionId: RUN, taskId: 'a', attempt: 1, checkId: null, code: 'EXPRESSION_UNRESOLVED', message: '' } },
  'execution.fire-timer.v1': { type: 'execution.fire-timer.v1', payload: { executionId: RUN, timer: { kind: 'run-limit' } } },
  'execution.continue-scheduling.v1': { type: 'execution.continue-scheduling.v1', payload: { executionId: RUN, deferredRevision: 1 } },
};

/** Who may send what, written down a second time: `+` may. Columns are ACTORS. */
const MATRIX: { readonly [T in CommandType]: string } = {
  'workflow.save-draft.v1': '+ - - - - - - - -',
  'workflow.publish.v1': '+ - - - - - - - -',
  'workflow.promote.v1': '+ - - - - - - - -',
  'workflow.rollback.v1': '+ - - - - - - - -',
  'workflow.record-policy-decision.v1': '- - - - + - - - -',
  'workflow.fire-timer.v1': '- - - - - + - - -',
  'execution.start.v1': '+ - - - - - - - -',
  'execution.resume.v1': '+ - - - - - - - -',
  'execution.cancel.v1': '+ - - - - - - - -',
  'execution.record-policy-decision.v1': '- - - - + - - - -',
  'execution.start-task.v1': '- - - + - - - - -',
  'execution.report-task.v1': '- - - + - - - - -',
  'execution.fail-binding.v1': '- - - - - + - - -',
  'execution.fire-timer.v1': '- - - - - + - - -',
  'execution.continue-scheduling.v1': '- - - - - + - - -',
};
const ACTORS = ['user:local', 'user:another', 'service:ci', 'role:runner', 'role:policy', 'role:command', 'role:receipt', 'user:', 'local'];

const by = (actor: string, command: AnyCommand, name = `${actor} ${command.type}`): CommandEnvelope => ({ command, commandId: hexOf(name), tenant: 'default', actor, correlationId: 'spec', causationId: null });

describe('who may send what', () => {
  const cells = Object.entries(MATRIX).flatMap(([type, row]) => row.split(' ').map((cell, i) => [ACTORS[i] ?? '', cell === '+' ? 'may' : 'may not', type as CommandType] as const));

  it('is a table with a row for every command', () => {
    expect(Object.keys(MATRIX).sort()).toEqual(Object.keys(commandValidators).sort());
    expect(cells).toHaveLength(Object.keys(commandValidators).length * ACTORS.length);
  });

  it.each(cells)('%s %s send %s', async (actor, may, type) => {
    const world = await World.open({ roles: [] });
    const code = codeOf(await world.send(by(actor, SAMPLES[type])));
    expect(code === 'FORBIDDEN').toBe(may === 'may not');
    // it was of its schema, so that what was decided was decided about the command
    expect(['COMMAND_INVALID', 'BUG']).not.toContain(code);
    if (code === 'FORBIDDEN') expect(world.eventLog.events).toHaveLength(0);
  });
});

describe('the authorizer', () => {
  const asked: AuthorizationRequest[] = [];
  const authorizer: Authorizer = {
    authorize: async (request) => {
      asked.push(request);
      return request.command === 'workflow.publish.v1' ? { kind: 'forbidden', reason: 'drafts only' } : { kind: 'allowed' };
    },
  };

  beforeEach(() => void asked.splice(0));

  it('is asked for each command of a client, with who and what, and for none of the roles', async () => {
    const world = await World.open({ authorizer });
    await world.send(saveDraft(DOCUMENT));
    await world.send(start('1', { executionId: RUN }));
    await world.send(by('role:runner', SAMPLES['execution.report-task.v1']));
    expect(asked).toEqual([
      { tenant: 'default', actor: 'user:local', command: 'workflow.save-draft.v1', subject: 'greeting' },
      { tenant: 'default', actor: 'user:local', command: 'execution.start.v1', subject: RUN },
    ]);
  });

  it('is obeyed: nothing is decided, the refusal is counted by its code, and kept with who and what for the audit', async () => {
    const world = await World.open({ authorizer });
    await world.send(saveDraft(DOCUMENT));
    const count = world.eventLog.events.length;
    const answer = await world.send(publish());
    expect(answer).toMatchObject({ kind: 'refused', rejection: { code: 'FORBIDDEN', detail: 'user:local may not send workflow.publish.v1: drafts only' } });
    world.clock.advance(1_000);
    await world.send(by('role:runner', SAMPLES['execution.cancel.v1']));
    await world.settle();
    expect(world.eventLog.events).toHaveLength(count);
    expect(world.counted('mc_commands_total', { type: 'workflow.publish.v1', outcome: 'FORBIDDEN' })).toBe(1);
    const expected = [
      { actor: 'role:runner', type: 'execution.cancel.v1', stream: `execution-${RUN}` },
      { actor: 'user:local', type: 'workflow.publish.v1', stream: 'workflow-greeting' },
    ];
    expect(world.role.ledger.forbidden()).toMatchObject(expected);
    world.crash();
    await world.settle();
    expect(world.role.ledger.forbidden()).toMatchObject(expected);
    world.clock.advance(7 * DAY_MS);
    expect(world.role.ledger.forbidden()).toMatchObject([expected[0]]);
  });

  it('is asked again at every repeat: an earlier answer is not told to who may not hear it, and a refusal does not stay', async () => {
    let isAllowed = true;
    const world = await World.open({ authorizer: { authorize: async () => (isAllowed ? { kind: 'allowed' } : { kind: 'forbidden', reason: 'no more' }) } });
    await world.send(saveDraft(DOCUMENT));
    isAllowed = false;
    expect(codeOf(await world.send(saveDraft(DOCUMENT)))).toBe('FORBIDDEN');
    expect(codeOf(await world.send(publish()))).toBe('FORBIDDEN');
    isAllowed = true;
    expect([codeOf(await world.send(saveDraft(DOCUMENT))), codeOf(await world.send(publish()))]).toEqual(['ok', 'ok']);
  });

  it('that fails lets nothing through', async () => {
    const world = await World.open({ authorizer: { authorize: () => Promise.reject(new Error('the directory is down')) } });
    expect(codeOf(await world.send(saveDraft(DOCUMENT)))).toBe('BUG');
    expect(world.eventLog.events).toHaveLength(0);
  });
});

/** A world with a stable version, a candidate, a run that can be cancelled and one that can be resumed. */
async function busy(): Promise<{ readonly world: World; readonly running: string; readonly failed: string }> {
  const world = await World.open();
  await world.published(DOCUMENT);
  world.packages.play = async () => failedWith('BROKEN', false);
  const failed = await world.started('failed');
  await world.ended(failed);
  world.packages.play = untilAborted;
  const running = await world.started('running');
  for (const version of ['1.1.0', '1.2.0']) await world.published({ ...DOCUMENT, version });
  await world.send(saveDraft({ ...DOCUMENT, version: '1.3.0' }));
  await world.settle();
  return { world, running, failed };
}

/** Each command of a client, and the same with another body, or for something else. */
const CLIENT: readonly (readonly [CommandType, (of: { running: string; failed: string }) => readonly [CommandEnvelope, AnyCommand]])[] = [
  ['workflow.save-draft.v1', () => [saveDraft({ ...DOCUMENT, version: '2.0.0' }, 'k'), saveDraft({ ...DOCUMENT, version: '2.0.1' }).command]],
  ['workflow.publish.v1', () => [publish('greeting', '1.3.0', 'k'), publish('greeting', '1.2.0').command]],
  ['workflow.promote.v1', () => [promote('greeting', 'k', 'as agreed'), promote('greeting', 'k', 'on purpose').command]],
  ['workflow.rollback.v1', () => [rollBack(null, 'k', 'it broke'), rollBack(null, 'k', 'on purpose').command]],
  ['execution.start.v1', () => [start('k'), start('k', { inputs: { n: 1 } }).command]],
  ['execution.resume.v1', ({ running, failed }) => [resume(failed, 'k'), resume(running, 'k').command]],
  ['execution.cancel.v1', ({ running }) => [cancel(running, 'k'), cancel(running, 'k', 'on purpose').command]],
];

describe('a command id', () => {
  it('table has a row for every command of a client', () => {
    expect(CLIENT.map(([type]) => type).sort()).toEqual(Object.keys(MATRIX).filter((type) => MATRIX[type as CommandType].startsWith('+')).sort());
  });

  describe.each(CLIENT)('of %s', (type, make) => {
    it('answers the same to the same command, and appends nothing, also after a restart', async () => {
      const { world, ...runs } = await busy();
      const [envelope] = make(runs);
      const first = await world.send(envelope);
      expect(codeOf(first)).toBe('ok');
      await world.settle();
      const of = (): number => world.eventLog.events.filter(({ bytes }) => Buffer.from(bytes).includes(envelope.commandId)).length;
      const count = of();
      const resultOf = (answer: CommandAnswer): unknown => (answer.kind === 'ok' ? answer.result : answer.rejection);
      // what became of a publication is told as it is then
      const stable = ({ kind, ...result }: { kind: string; [key: string]: unknown }): unknown => ({ kind, ...result, checkId: 0, channel: 0 });
      const told = (answer: CommandAnswer): unknown => stable({ kind: answer.kind, ...(resultOf(answer) as object) });
      expect(told(await world.send(envelope))).toEqual(told(first));
      world.crash();
      await world.settle();
      expect(told(await world.send(envelope))).toEqual(told(first));
      expect(of()).toBe(count);
    });

    it('is not used for another body, another verb or another target', async () => {
      const { world, ...runs } = await busy();
      const [envelope, other] = make(runs);
      const { commandId } = envelope;
      expect(codeOf(await world.send(envelope))).toBe('ok');
      await world.settle();
      const count = world.eventLog.events.length;
      const send = async (command: AnyCommand): Promise<string> => codeOf(await world.send({ ...fromClient(command, 'k'), commandId }));
      expect(await send(other)).toBe('COMMAND_ID_REUSED');
      for (const [verb, makeOther] of CLIENT) if (verb !== type) expect([verb, await send(makeOther(runs)[0].command)]).toEqual([verb, 'COMMAND_ID_REUSED']);
      expect(world.eventLog.events.length).toBe(count);
    });
  });

  it('is not used for another workflow or run', async () => {
    const { world, running, failed } = await busy();
    await world.send(saveDraft(DOCUMENT, 'k'));
    expect(codeOf(await world.send(saveDraft({ ...DOCUMENT, name: 'other' }, 'k')))).toBe('COMMAND_ID_REUSED');
    await world.send(cancel(running, 'k'));
    expect(codeOf(await world.send(cancel(failed, 'k')))).toBe('COMMAND_ID_REUSED');
  });

  it('of a refused command stands for that refusal for 7 days, and for nothing else; then the command is decided anew', async () => {
    const world = await World.open();
    const early = start('k');
    expect(codeOf(await world.send(early))).toBe('WORKFLOW_NOT_FOUND');
    await world.published(DOCUMENT);
    expect(codeOf(await world.send(early))).toBe('WORKFLOW_NOT_FOUND');
    expect(codeOf(await world.send(start('k', { inputs: { n: 1 } })))).toBe('COMMAND_ID_REUSED');
    expect(codeOf(await world.send({ ...publish(), commandId: early.commandId }))).toBe('COMMAND_ID_REUSED');
    expect(world.role.ledger.find(early.commandId)?.rejection.code).toBe('WORKFLOW_NOT_FOUND');
    await world.settle();
    world.crash();
    await world.settle();
    expect(codeOf(await world.send(early))).toBe('WORKFLOW_NOT_FOUND');
    await world.advance(7 * DAY_MS + 1);
    expect(codeOf(await world.send(early))).toBe('ok');
  });

  it('of a command that could not be decided on yet is decided on when it comes again', async () => {
    const world = await World.open();
    world.policies.verdictOf = () => 'silent';
    await world.send(saveDraft(DOCUMENT));
    await world.send(publish('greeting', null, 'first'));
    await world.send(saveDraft({ ...DOCUMENT, version: '1.1.0' }));
    const second = publish('greeting', '1.1.0', 'second');
    expect(codeOf(await world.send(second))).toBe('PUBLISH_PENDING');
    await world.advance(30_000);
    expect(codeOf(await world.send(second))).toBe('ok');
  });
});

describe('under load', () => {
  it('a cancel is handled while more starts wait than may be in hand', async () => {
    const world = await World.open();
    await world.published(DOCUMENT);
    world.packages.play = untilAborted;
    const running = await world.started('running');
    await world.settle();
    let go: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    world.hook = ({ call, phase, args }) => (call === 'store.append' && phase === 'before' && args[1] === 'none' ? gone : undefined);
    let startedCount = 0;
    const starts = Array.from({ length: 400 }, (_, i) => world.role.gateway.send(start(`many ${i}`)).then(() => void (startedCount += 1)));
    expect(codeOf(await world.send(cancel(running)))).toBe('ok');
    await world.ended(running).catch(() => undefined);
    expect([startedCount, world.verdictOf(running)]).toEqual([0, 'cancelled']);
    go();
    await Promise.all(starts);
    expect(startedCount).toBe(400);
  });
});

describe('a stream that cannot be decided on', () => {
  it('is set aside by name, the others are served, and it is no more once a command gets through', async () => {
    const { world, running } = await busy();
    const failed = await world.started('late');
    const broken = world.eventLog.streams.get(`execution-${running}` as never);
    const [first] = broken ?? [];
    if (broken === undefined || first === undefined) throw new Error('no run');
    world.crash();
    broken[0] = { ...first, bytes: Buffer.from('{}') };
    await world.settle();
    await expect(world.role.gateway.send(cancel(running))).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    expect(world.life.supervision.quarantine.rows()).toMatchObject(expect.arrayContaining([expect.objectContaining({ stream: `execution-${running}`, by: 'commands', code: 'STORE_DAMAGED' })]) as object);
    expect(codeOf(await world.send(cancel(failed)))).toBe('ok');
    broken[0] = first;
    expect(codeOf(await world.send(cancel(running)))).toBe('ok');
    expect(world.life.supervision.quarantine.streamsOf('commands')).toEqual([]);
  });
});
