import { MemoryEventStore } from '@maestro/adapter-memory';
import { evolveExecution, evolveWorkflow, initialExecution, initialWorkflow, intentsOf } from '@maestro/domain';
import type { ExecutionEvent, ExecutionState, Intent, Recorded, StreamName, WorkflowEvent } from '@maestro/domain';
import { commit } from '@maestro/receipt';
import type { WorkflowCommands } from '../commands/workflow-commands.ts';
import { manifest, task } from '../../fixtures/commands.ts';
import { failedWith, succeededWith } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';
import { ManifestSource } from '../manifest-source.ts';
import { SealedValues } from '../sealed-values.ts';
import { WorkOrders } from './work-orders.ts';

const LATE = manifest([task('a', [], { with: { text: '${{ inputs.name }}', run: '${{ run.id }}' } }), task('late', ['a'], { with: { text: '${{ tasks.a.outputs.text }}' } })], { inputs: { name: 'Ada' } });

async function ranWith(document = LATE, play: World['packages']['play'] = async ({ input }) => succeededWith(input)): Promise<{ readonly world: World; readonly id: string }> {
  const world = await World.open();
  world.packages.play = play;
  await world.published(document);
  const id = await world.started();
  await world.ended(id);
  return { world, id };
}

/** Orders as another process makes them, of a run as it was after some of its events. */
function ordersAt(world: World, id: string, count: number, change: (state: ExecutionState) => ExecutionState = (state) => state): { readonly orders: WorkOrders; readonly values: SealedValues; readonly intents: readonly Intent[] } {
  const store = new MemoryEventStore({ log: world.eventLog });
  const values = new SealedValues(world.vault, { bytes: (size) => new Uint8Array(size) }, store, world.evidence);
  const events = world.of(`execution-${id}`).slice(0, count);
  const state = events.reduce((at, recorded) => evolveExecution(at, recorded as Recorded<ExecutionEvent>), initialExecution());
  const workflow = world.of('workflow-greeting').reduce((at, recorded) => evolveWorkflow(at, recorded as Recorded<WorkflowEvent>), initialWorkflow());
  const workflows = { find: async () => ({ state: workflow, stream: 'workflow-greeting' as StreamName }) } as unknown as WorkflowCommands;
  const orders = new WorkOrders(store, workflows, new ManifestSource(store, world.packages), values, async () => change(state));
  return { orders, values, intents: events.flatMap((recorded) => intentsOf(recorded).opens) };
}

const placeOf = (world: World, id: string, type: string, nth = 0): number => world.types(id).flatMap((one, i) => (one === type ? [i] : []))[nth] ?? -1;
const taskIntent = (intents: readonly Intent[], taskId: string) => intents.filter((intent) => intent.kind === 'task').find((intent) => intent.taskId === taskId);

describe('the order of a task', () => {
  it('is the same however often and wherever it is made, and is what ran', async () => {
    const { world, id } = await ranWith();
    const count = placeOf(world, id, 'task-scheduled') + 1;
    const made = [];
    for (let i = 0; i < 2; i += 1) {
      const { orders, intents } = ordersAt(world, id, count);
      const intent = taskIntent(intents, 'a');
      made.push(intent && (await orders.taskOrder(intent)), intent && (await orders.taskOrder(intent)));
    }
    expect(made[0]).toMatchObject({ taskId: 'a', attempt: 1, arguments: { text: 'Ada', run: id }, idempotencyKey: `${id}:a`, uses: 'pkg:test/echo@1.0.0', timeoutMs: 300_000, workClass: 'small' });
    for (const one of made) expect(one).toEqual(made[0]);
    const reported = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-succeeded.v1');
    expect(reported?.event.data).toMatchObject({ argumentsCommitment: (made[0] as { argumentsCommitment: string }).argumentsCommitment });
  });

  it('keeps its idempotency key from attempt to attempt', async () => {
    const { world } = await ranWith(manifest([task('a', [], { retries: 2 })]), async ({ context }) => (context.attempt < 3 ? failedWith('FLAKY', true) : succeededWith({})));
    const keys = world.packages.attempts.map(({ context: { attempt, idempotencyKey } }) => [attempt, idempotencyKey]);
    expect(keys.map(([attempt]) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(keys.map(([, key]) => key)).size).toBe(1);
  });

  it('is none once the attempt is over, or another one is on', async () => {
    const { world, id } = await ranWith();
    const scheduled = placeOf(world, id, 'task-scheduled') + 1;
    const intent = taskIntent(ordersAt(world, id, scheduled).intents, 'a');
    if (intent === undefined) throw new Error('no intent');
    expect(await ordersAt(world, id, scheduled + 1).orders.taskOrder(intent)).toBeUndefined();
    expect(await ordersAt(world, id, scheduled).orders.taskOrder({ ...intent, attempt: 2 })).toBeUndefined();
    expect(await ordersAt(world, id, 100).orders.taskOrder(intent)).toBeUndefined();
  });
});

describe('a task whose arguments are known late', () => {
  it('runs with the arguments that policy saw: one value, one commitment, from the question to the report', async () => {
    const { world, id } = await ranWith();
    const [asked] = world.policies.asked.filter(({ stage }) => stage === 'task');
    expect(asked?.input['tasks']).toMatchObject([{ id: 'late', with: { text: 'Ada' }, lateBound: true }]);
    expect(world.packages.attempts.at(-1)?.input).toEqual({ text: 'Ada' });
    const events = world.of(`execution-${id}`).map(({ event }) => event);
    const scheduled = events.filter((event) => event.type === 'execution.task-scheduled.v1').at(-1);
    const succeeded = events.filter((event) => event.type === 'execution.task-succeeded.v1').at(-1);
    expect(scheduled?.data.argumentsCommitment).toMatch(/^[0-9a-f]{64}$/);
    expect(succeeded?.data.argumentsCommitment).toBe(scheduled?.data.argumentsCommitment);
  });

  it('commits to its arguments under the salt of the event that asked for the check', async () => {
    const { world, id } = await ranWith();
    const events = world.of(`execution-${id}`);
    const asked = events.find(({ event }) => event.type === 'execution.task-policy-check-requested.v1');
    const [requested] = events;
    const scheduled = events.map(({ event }) => event).filter((event) => event.type === 'execution.task-scheduled.v1').at(-1);
    if (requested?.event.type !== 'execution.requested.v1') throw new Error('no request');
    const { values } = ordersAt(world, id, 1);
    const salt = await values.derivedSalt(requested.event.data.dataKeyId, `arguments/${asked?.id}`);
    expect(scheduled?.data.argumentsCommitment).toBe(commit(salt, '/arguments', { text: 'Ada' }));
  });

  it('does not run with other arguments than policy saw', async () => {
    const { world, id } = await ranWith();
    const count = placeOf(world, id, 'task-scheduled', 1) + 1;
    const other = (state: ExecutionState): ExecutionState => {
      const late = state.tasks.get('late');
      if (late !== undefined) state.tasks.set('late', { ...late, argumentsCommitment: 'f'.repeat(64) });
      return state;
    };
    const { orders, intents } = ordersAt(world, id, count, other);
    const intent = taskIntent(intents, 'late');
    expect(intent && (await orders.taskOrder(intent))).toMatchObject({ kind: 'unbound', code: 'ARGUMENTS_CHANGED', taskId: 'late', attempt: 1 });
  });

  it('is not run, and the run fails, where policy denies what it would do', async () => {
    const world = await World.open();
    world.policies.verdictOf = (stage) => (stage === 'task' ? { deny: 'PII_FOUND' } : 'allow');
    await world.published(LATE);
    const id = await world.started();
    await world.ended(id);
    expect(world.verdictOf(id)).toBe('failed');
    expect(world.packages.attempts.map(({ context }) => context.taskId)).toEqual(['a']);
    expect(world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-failed.v1')?.event.data).toMatchObject({ taskId: 'late', error: { code: 'POLICY_DENIED' } });
  });
});

describe('an expression that finds nothing', () => {
  it.each([
    ['in an input', manifest([task('a', [], { with: { text: '${{ inputs.absent.deep }}' } })], { inputs: { absent: {} } }), 'inputs.absent.deep'],
    ['in the output of a task', manifest([task('a'), task('b', ['a'], { with: { text: 'got ${{ tasks.a.outputs.absent }}' } })]), 'tasks.a.outputs.absent'],
  ])('%s ends its task by name, sealed, and no runner sees it', async (_, document, path) => {
    const { world, id } = await ranWith(document);
    expect(world.verdictOf(id)).toBe('failed');
    const recorded = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-failed.v1');
    if (recorded?.event.type !== 'execution.task-failed.v1') throw new Error('nothing failed');
    const { error, runner } = recorded.event.data;
    expect([error.code, error.retryable, runner]).toEqual(['EXPRESSION_UNRESOLVED', false, null]);
    const { values } = ordersAt(world, id, 1);
    expect(String(await values.open(recorded, '/error/detail', error.detail ?? { commitment: '' }))).toContain(`\${{ ${path} }}`);
  });
});

describe('what policy is asked', () => {
  it('at the start is every task with the arguments that are known, and at publish the manifest as written', async () => {
    const { world, id } = await ranWith();
    const [atPublish, atStart] = world.policies.asked;
    expect(atPublish).toMatchObject({ stage: 'publish', input: { tasks: [{ id: 'a', with: { text: '${{ inputs.name }}' } }, { id: 'late', lateBound: true }] } });
    expect(atStart).toMatchObject({ stage: 'start', input: { inputs: { name: 'Ada' }, actor: 'user:local', tasks: [{ id: 'a', with: { text: 'Ada', run: id } }, { id: 'late', with: { text: '${{ tasks.a.outputs.text }}' } }] } });
  });

  it('is committed to: the same question makes the same commitment, and the decision carries it', async () => {
    const { world, id } = await ranWith();
    const { orders, intents } = ordersAt(world, id, 2);
    const [intent] = intents.filter((one) => one.kind === 'policy-check');
    const order = intent && (await orders.policyOrder(intent));
    const decided = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.policy-decided.v1');
    expect(decided?.event.data).toMatchObject({ input: { commitment: (order as { inputCommitment: string }).inputCommitment } });
  });
});
