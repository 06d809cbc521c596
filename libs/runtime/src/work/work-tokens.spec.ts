import { ManualClock, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import type { AnyCommand } from '@maestro/contracts';
import type { CommandAnswer, CommandEnvelope, Work, WorkKind, WorkQueue } from '@maestro/ports';
import { hexOf } from '../../fixtures/scripted-ports.ts';
import { requireWorkTokens, withWorkTokens } from './work-tokens.ts';

const RUN = '01920000-0000-7000-8000-00000000dead';
const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);
const ATTEMPT = { executionId: RUN, taskId: 'a', attempt: 1, runner: 'py', leaseId: null, startedAt: '2026-01-05T10:00:00.000Z' } as const;
const REPORT: AnyCommand = { type: 'execution.report-task.v1', payload: { ...ATTEMPT, durationMs: 1, argumentsCommitment: 'a'.repeat(64), log: '', outcome: { kind: 'timed-out' } } };
const DECISION: AnyCommand = { type: 'workflow.record-policy-decision.v1', payload: { workflowId: 'Greeting', checkId: 'publish/1', report: { outcome: 'evaluated', packs: [], durationUs: 1, evaluatedAt: '2026-01-05T10:00:00.000Z', inputCommitment: 'a'.repeat(64), failure: null } } };

/** The token that a work carries once it is handed out. */
async function tokenOf(kind: WorkKind, payload: object, key = KEY): Promise<string> {
  const memory = new MemoryWorkQueue({ clock: new ManualClock(), entropy: seededEntropy('tokens') });
  const queue = withWorkTokens(memory, key);
  const work: Work = { kind, intentId: 'i', workClass: kind === 'task' ? 'small' : 'default', executionId: 'execution-x', payload: payload as never };
  const taken = new Promise<Work>((resolve) => queue.consume(kind, async ({ work: leased }) => (resolve(leased), { kind: 'ack' }), { concurrencyMax: 1 }));
  await queue.publish([work]);
  const { token, ...rest } = await taken;
  expect(rest).toEqual(work);
  await queue.close();
  return token ?? '';
}

const gateway = { send: async (): Promise<CommandAnswer> => ({ kind: 'ok', position: '1', result: {} }) };
async function outcome(command: AnyCommand, workToken: string | undefined): Promise<string> {
  const envelope: CommandEnvelope = { command, commandId: hexOf('x'), tenant: 'default', actor: 'role:runner', correlationId: 'c', causationId: null, ...(workToken === undefined ? {} : { workToken }) };
  const answer = await requireWorkTokens(gateway, KEY).send(envelope);
  return answer.kind === 'ok' ? 'ok' : answer.rejection.code;
}

describe('the token of work', () => {
  it('lets its holder report on the attempt that it came with', async () => {
    const token = await tokenOf('task', { executionId: RUN, taskId: 'a', attempt: 1 });
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(await outcome(REPORT, token)).toBe('ok');
    expect(await outcome({ type: 'execution.start-task.v1', payload: ATTEMPT }, token)).toBe('ok');
  });

  it.each([
    ['another attempt', { executionId: RUN, taskId: 'a', attempt: 2 }, KEY],
    ['another task', { executionId: RUN, taskId: 'b', attempt: 1 }, KEY],
    ['another run', { executionId: RUN.replace('dead', 'beef'), taskId: 'a', attempt: 1 }, KEY],
    ['another key', { executionId: RUN, taskId: 'a', attempt: 1 }, OTHER_KEY],
  ])('of %s does not', async (_, payload, key) => {
    expect(await outcome(REPORT, await tokenOf('task', payload, key))).toBe('FORBIDDEN');
  });

  it('is the one of its check for the policy role, whose workflow may be written in capitals', async () => {
    const target = { kind: 'workflow', id: 'greeting' };
    expect(await outcome(DECISION, await tokenOf('policy', { target, checkId: 'publish/1' }))).toBe('ok');
    expect(await outcome(DECISION, await tokenOf('policy', { target, checkId: 'publish/2' }))).toBe('FORBIDDEN');
    expect(await outcome(DECISION, await tokenOf('policy', { target: { kind: 'execution', id: 'greeting' }, checkId: 'publish/1' }))).toBe('FORBIDDEN');
  });

  it('is asked of reports only, and what is malformed has none', async () => {
    expect(await outcome(REPORT, undefined)).toBe('FORBIDDEN');
    expect(await outcome(REPORT, 'short')).toBe('FORBIDDEN');
    expect(await outcome({ ...REPORT, payload: null } as never, await tokenOf('task', { executionId: RUN, taskId: 'a', attempt: 1 }))).toBe('FORBIDDEN');
    expect(await outcome({ type: 'execution.cancel.v1', payload: { executionId: RUN, reason: null, comment: '' } }, undefined)).toBe('ok');
  });

  it('leaves the queue what it can: who publishes still hears that work was lost', () => {
    const memory = new MemoryWorkQueue({ clock: new ManualClock(), entropy: seededEntropy('tokens') });
    expect(withWorkTokens(memory, KEY).onLost).toBeUndefined();
    const heard: string[] = [];
    const losing = Object.assign(memory, { onLost: (listener: () => void) => (listener(), () => void heard.push('ended')) });
    withWorkTokens(losing, KEY).onLost?.(() => heard.push('lost'))();
    expect(heard).toEqual(['lost', 'ended']);
  });

  it('hides nothing of the queue', async () => {
    const heard: string[] = [];
    const memory = new MemoryWorkQueue({ clock: new ManualClock(), entropy: seededEntropy('all') });
    const lossy = Object.assign(Object.create(memory), { onLost: (listener: () => void) => (listener(), () => heard.push('unheard')) }) as WorkQueue;
    const queue = withWorkTokens(lossy, KEY);
    queue.onLost?.(() => heard.push('lost'))();
    expect(heard).toEqual(['lost', 'unheard']);
    expect(withWorkTokens(memory, KEY).onLost).toBeUndefined();
    await withWorkTokens(memory, KEY).revoke(['i']);
    expect([await withWorkTokens(memory, KEY).depth('task'), await withWorkTokens(memory, KEY).parked()]).toEqual([{ waiting: 0, leased: 0 }, []]);
  });

  it('needs a key of 32 bytes', () => {
    expect(() => requireWorkTokens(gateway, Buffer.alloc(31))).toThrow(RangeError);
  });
});
