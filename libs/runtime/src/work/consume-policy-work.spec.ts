import { MemoryWorkQueue, ManualClock, seededEntropy } from '@maestro/adapter-memory';
import type { AnyCommand } from '@maestro/contracts';
import { reject } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope } from '@maestro/ports';
import { ScriptedPolicies } from '../../fixtures/scripted-ports.ts';
import type { PolicyOrder } from '../dispatch/work-orders.ts';
import { consumePolicyWork } from './consume-policy-work.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const OK: CommandAnswer = { kind: 'ok', position: 'p', result: {} };
const RUN_ID = '01920000-0000-7000-8000-000000000001';

type World = { readonly policies: ScriptedPolicies; readonly sent: CommandEnvelope[]; readonly queue: MemoryWorkQueue; readonly advance: (ms: number) => Promise<void>; answer: () => CommandAnswer | Promise<CommandAnswer> };

async function asked(setUp: (world: World) => void = () => undefined, more: Partial<PolicyOrder> = {}): Promise<World> {
  const clock = new ManualClock();
  const queue = new MemoryWorkQueue({ clock, entropy: seededEntropy('policy') });
  const world: World = {
    policies: new ScriptedPolicies(),
    sent: [],
    queue,
    answer: () => OK,
    advance: async (ms) => {
      clock.advance(ms);
      await settle();
    },
  };
  const gateway = {
    send: async (envelope: CommandEnvelope): Promise<CommandAnswer> => {
      world.sent.push(envelope);
      return world.answer();
    },
  };
  setUp(world);
  consumePolicyWork({ queue, gateway, policies: world.policies, clock, metrics: { count: () => undefined, gauge: () => undefined, observe: () => undefined }, tenant: 'default' });
  const order: PolicyOrder = { target: { kind: 'execution', id: RUN_ID }, checkId: 'start', stage: 'start', setDigest: world.policies.set.setDigest, input: { tasks: [] }, inputCommitment: 'b'.repeat(64), ...more };
  await queue.publish([{ kind: 'policy', intentId: 'intent-1', workClass: 'default', executionId: `execution-${RUN_ID}`, payload: order as never }]);
  await settle();
  return world;
}

const commandOf = ({ sent }: World): AnyCommand | undefined => sent[0]?.command;

describe('the policy role', () => {
  it('evaluates what it is asked and reports every pack with the commitment of the input', async () => {
    const world = await asked();
    expect(commandOf(world)).toEqual({
      type: 'execution.record-policy-decision.v1',
      payload: {
        executionId: RUN_ID,
        checkId: 'start',
        report: {
          outcome: 'evaluated',
          packs: ['cost', 'pii'].map((pack) => ({ pack, ready: true, allow: true, violations: [], obligations: [] })),
          durationUs: 7,
          evaluatedAt: '2026-01-05T00:00:00.000Z',
          inputCommitment: 'b'.repeat(64),
          failure: null,
        },
      },
    });
    expect(world.sent[0]).toMatchObject({ actor: 'role:policy', causationId: 'intent-1' });
    expect(await world.queue.depth('policy')).toEqual({ waiting: 0, leased: 0 });
  });

  it('answers a publication to its workflow', async () => {
    const world = await asked(undefined, { target: { kind: 'workflow', id: 'greeting' }, checkId: 'publish/1', stage: 'publish' });
    expect(commandOf(world)).toMatchObject({ type: 'workflow.record-policy-decision.v1', payload: { workflowId: 'greeting', checkId: 'publish/1' } });
  });

  it('reports a fault of the engine as a failed evaluation, cut to what a command carries', async () => {
    const world = await asked(({ policies }) => {
      policies.evaluate = () => Promise.reject(new Fault('EVALUATION_FAILED', 'x'.repeat(5_000)));
    });
    const command = commandOf(world);
    const report = command?.type === 'execution.record-policy-decision.v1' ? command.payload.report : undefined;
    expect(report).toMatchObject({ outcome: 'failed', packs: [], durationUs: 0 });
    expect(report?.failure).toHaveLength(1_024);
  });

  it.each([
    [2, 'evaluated'],
    [3, 'failed'],
  ])('is asked again where the engine was only too slow, %d times, before it is a deny', async (times, outcome) => {
    let calls = 0;
    const world = await asked(({ policies }) => {
      const evaluate = policies.evaluate.bind(policies);
      policies.evaluate = (...args) => (calls++ < times ? Promise.reject(new Fault('EVALUATION_FAILED', 'no result within 500 ms', { retryable: true })) : evaluate(...args));
    });
    expect(world.sent).toEqual([]);
    for (let i = 0; i < 5; i += 1) await world.advance(500);
    expect(world.sent.map(({ command }) => command)).toEqual([expect.objectContaining({ payload: expect.objectContaining({ report: expect.objectContaining({ outcome }) }) })]);
    expect(calls).toBe(3);
  });

  it('asks again after a bug in the engine, and says nothing meanwhile', async () => {
    let calls = 0;
    const world = await asked(({ policies }) => {
      const evaluate = policies.evaluate.bind(policies);
      policies.evaluate = (...args) => (calls++ === 0 ? Promise.reject(new TypeError('a bug')) : evaluate(...args));
    });
    expect(world.sent).toEqual([]);
    await world.advance(1_000);
    expect(world.sent).toHaveLength(1);
  });

  it.each([
    ['meets a fault', () => Promise.reject(new Fault('STORE_READ_ONLY', 'full', { retryable: true }))],
    ['was not decided on', () => reject('CONFLICT_RETRIES_EXHAUSTED', 'busy')],
  ])('tells its decision again where it %s, under the same command id', async (_, first) => {
    let calls = 0;
    const world = await asked((one) => {
      one.answer = () => (calls++ < 4 ? first() : OK);
    });
    for (let i = 0; i < 5; i += 1) await world.advance(500);
    expect(world.sent).toHaveLength(5);
    expect(new Set(world.sent.map(({ commandId }) => commandId)).size).toBe(1);
    expect(await world.queue.depth('policy')).toEqual({ waiting: 0, leased: 0 });
  });

  it('forgets what was decided without it, and parks what meets a bug three times', async () => {
    const late = await asked((one) => {
      one.answer = () => reject('CHECK_NOT_OPEN', 'answered before');
    });
    await late.advance(60_000);
    expect(late.sent).toHaveLength(1);
    const bug = await asked((one) => {
      one.answer = () => reject('BUG', 'a bug');
    });
    for (let i = 0; i < 5; i += 1) await bug.advance(500);
    expect(bug.sent).toHaveLength(3);
    expect((await bug.queue.parked()).map(({ intentId, reason }) => [intentId, reason])).toEqual([['intent-1', 'BUG: a bug']]);
  });
});
