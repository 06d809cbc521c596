import { MemoryEvidenceStore, MemoryKeyVault, MemoryProcessState, MemoryWorkQueue, seededEntropy, systemClock } from '@maestro/adapter-memory';
import type { AnyCommand } from '@maestro/contracts';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { CommandAnswer, TaskPackages } from '@maestro/ports';
import { clientCommandId, consumePolicyWork, consumeTaskWork, openCommandRole } from '@maestro/runtime';
import type { CommandRole } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';
import { fakePackages } from '../../fixtures/fakes.ts';

const quiet = { log: () => undefined };
const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
const FAILED = '01920000-0000-7000-8000-0000000000f1';
const RUNNING = '01920000-0000-7000-8000-0000000000f2';
const document = (version: string): { [key: string]: unknown } => ({ name: 'greeting', version, tasks: [{ id: 'a', uses: 'pkg:core/echo@1.0.0', with: { text: 'hello' }, needs: [] }] });
const COMMENT = 'as agreed';

type Asked = {
  readonly method: string;
  readonly path: string;
  readonly body: object;
  readonly command: AnyCommand;
  /** the parts of the REST answer that the gateway's answer holds too */
  readonly told: (result: { readonly [key: string]: unknown }) => object;
};

/** Each command of a client, as REST asks for it and as any other caller of the gateway sends it. */
const COMMANDS: readonly Asked[] = [
  { method: 'POST /api/workflows', path: '/api/workflows', body: document('2.0.0'), command: { type: 'workflow.save-draft.v1', payload: { manifest: document('2.0.0') } }, told: ({ id, version, digest }) => ({ id, version, digest }) },
  { method: 'POST /api/workflows/greeting/publish', path: '/api/workflows/greeting/publish', body: { version: '2.0.0' }, command: { type: 'workflow.publish.v1', payload: { workflowId: 'greeting', version: '2.0.0' } }, told: ({ id, version, digest }) => ({ id, version, digest }) },
  { method: 'POST /api/workflows/greeting/promote', path: '/api/workflows/greeting/promote', body: { comment: COMMENT }, command: { type: 'workflow.promote.v1', payload: { workflowId: 'greeting', comment: COMMENT } }, told: ({ id, version }) => ({ id, version }) },
  { method: 'POST /api/workflows/greeting/rollback', path: '/api/workflows/greeting/rollback', body: { to: '1.0.0', comment: COMMENT }, command: { type: 'workflow.rollback.v1', payload: { workflowId: 'greeting', to: '1.0.0', comment: COMMENT } }, told: ({ id }) => ({ id }) },
  { method: 'POST /api/executions', path: '/api/executions', body: { workflowId: 'greeting', inputs: { n: 1 } }, command: { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'greeting', version: null, inputs: { n: 1 }, rollout: null, region: null } }, told: ({ executionId }) => ({ id: executionId }) },
  { method: `POST /api/executions/${RUNNING}/cancel`, path: `/api/executions/${RUNNING}/cancel`, body: { comment: COMMENT }, command: { type: 'execution.cancel.v1', payload: { executionId: RUNNING, reason: null, comment: COMMENT } }, told: () => ({ id: RUNNING }) },
  { method: `POST /api/executions/${FAILED}/resume`, path: `/api/executions/${FAILED}/resume`, body: {}, command: { type: 'execution.resume.v1', payload: { executionId: FAILED } }, told: ({ executionId }) => ({ id: executionId }) },
];

/** What makes the body of a request another one. */
const OTHER: { readonly [type in AnyCommand['type']]?: object } = {
  'workflow.save-draft.v1': { version: '2.0.1' },
  'workflow.publish.v1': { version: '1.1.0' },
  'workflow.promote.v1': { comment: 'on purpose' },
  'workflow.rollback.v1': { comment: 'on purpose' },
  'execution.start.v1': { inputs: { n: 2 } },
  'execution.cancel.v1': { comment: 'on purpose' },
};

describe('a command over REST and the same one to the gateway', () => {
  let parts: Parts;
  let role: CommandRole;
  let app: NestFastifyApplication;
  let stop: () => Promise<void>;

  const send = (command: AnyCommand, route: string, key: string): Promise<CommandAnswer> => {
    const commandId = clientCommandId('default', 'user:local', route, key);
    return role.gateway.send({ command, commandId, tenant: 'default', actor: 'user:local', correlationId: 'spec', causationId: null });
  };
  const eventsOf = async (commandId: string): Promise<number> => (await parts.store.readAll({ after: null, limit: 1_000 })).events.filter(({ bytes }) => Buffer.from(bytes).includes(`"commandId":"${commandId}"`)).length;

  /** Waits for an event of a type in a stream. */
  async function seen(stream: string, type: string): Promise<void> {
    const abort = new AbortController();
    for await (const item of parts.store.subscribe({ after: null, filter: { types: [type] }, signal: abort.signal })) if (item.kind === 'event' && item.event.stream === stream) abort.abort();
  }

  async function publishedAs(version: string): Promise<void> {
    await send({ type: 'workflow.save-draft.v1', payload: { manifest: document(version) } }, 'setup', `draft ${version}`);
    await send({ type: 'workflow.publish.v1', payload: { workflowId: 'greeting', version: null } }, 'setup', `publish ${version}`);
    const abort = new AbortController();
    for await (const item of parts.store.subscribe({ after: null, filter: { types: ['workflow.published.v1'] }, signal: abort.signal })) {
      if (item.kind === 'event' && Buffer.from(item.event.bytes).includes(`"version":"${version}"`)) abort.abort();
    }
  }

  beforeAll(async () => {
    parts = new Parts();
    const queue = new MemoryWorkQueue({ clock: systemClock, entropy: seededEntropy('queue') });
    let outcome: 'fail' | 'hang' = 'fail';
    const packages: TaskPackages = {
      ...fakePackages,
      run: (_uses, _input, _context, signal) =>
        outcome === 'fail'
          ? Promise.resolve({ kind: 'failed', failure: { code: 'BROKEN', message: '', retryable: false }, log: '' })
          : new Promise((resolve) => signal.addEventListener('abort', () => resolve({ kind: 'cancelled', log: '' }))),
    };
    const shared = { store: parts.store, queue, state: new MemoryProcessState(), vault: new MemoryKeyVault(), evidence: new MemoryEvidenceStore(), policies: parts.policies, packages, clock: systemClock, entropy: seededEntropy('role'), metrics, log: quiet, tenant: 'default' };
    const environment = { maestro: '0.1.0', build: 'test', node: '24.21.0', profile: 'embedded', store: 'memory', storeVersion: '1', durability: 'none', queue: 'memory', policyEngine: 'fake', region: null, acceptedRisks: [] } as const;
    role = openCommandRole({ ...shared, settings: { tenant: 'default', prices: { digest: 'e'.repeat(64), microUsdPerSecond: { small: 1, medium: 2, large: 3 } }, region: null, requireRegion: false, conductorUrl: () => null, environment: { ...environment, acceptedRisks: [] }, inputBytesMax: 65_536 } });
    await role.start();
    const { gateway } = role;
    const policy = consumePolicyWork({ ...shared, gateway });
    const runner = consumeTaskWork({ ...shared, gateway, runner: 'runner:test', classes: ['small', 'medium', 'large'], concurrencyMax: 8 });
    app = await openApi(parts, {}, { gateway, packages });
    stop = async () => {
      await app.close();
      await policy.stop(0);
      await runner.stop(0);
      await role.stop();
      await queue.close();
    };
    await publishedAs('1.0.0');
    const start = (executionId: string): AnyCommand => ({ type: 'execution.start.v1', payload: { executionId, workflowId: 'greeting', version: '1.0.0', inputs: {}, rollout: null, region: null } });
    await send(start(FAILED), 'setup', 'failed');
    await seen(`execution-${FAILED}`, 'execution.completed.v1');
    outcome = 'hang';
    await send(start(RUNNING), 'setup', 'running');
    await seen(`execution-${RUNNING}`, 'execution.task-scheduled.v1');
    await publishedAs('1.1.0');
  });

  afterAll(() => stop());

  it.each(COMMANDS.map((asked) => [asked.command.type, asked] as const))('%s: one command under one id, with one answer', async (_, { method, path, body, command, told }) => {
    const key = 'the-same-key';
    const commandId = clientCommandId('default', 'user:local', method, key);
    const direct = await send(command, method, key);
    if (direct.kind !== 'ok') throw new Error(JSON.stringify(direct.rejection));
    const made = await eventsOf(commandId);
    const answer = await app.inject({ method: 'POST', url: path, headers: { 'idempotency-key': key, 'content-type': 'application/json' }, payload: body });
    expect(answer.headers['maestro-command-id']).toBe(commandId);
    expect([200, 201, 202]).toContain(answer.statusCode);
    expect(answer.json()).toMatchObject(told(direct.result));
    // what REST asked for was that command, and it had been carried out
    expect(made).toBeGreaterThan(0);
    expect(await eventsOf(commandId)).toBe(made);
    const other = await app.inject({ method: 'POST', url: path, headers: { 'idempotency-key': key, 'content-type': 'application/json' }, payload: { ...body, ...OTHER[command.type] } });
    if (OTHER[command.type] !== undefined) expect(other.json()).toMatchObject({ status: 422, code: 'COMMAND_ID_REUSED' });
  });

  it.each([
    ['execution.cancel.v1', '/api/executions/01920000-0000-7000-8000-00000000dead/cancel', {}, { type: 'execution.cancel.v1', payload: { executionId: '01920000-0000-7000-8000-00000000dead', reason: null, comment: '' } }],
    ['execution.resume.v1', '/api/executions/01920000-0000-7000-8000-00000000dead/resume', {}, { type: 'execution.resume.v1', payload: { executionId: '01920000-0000-7000-8000-00000000dead' } }],
    ['execution.start.v1', '/api/executions', { workflowId: 'nobody' }, { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'nobody', version: null, inputs: {}, rollout: null, region: null } }],
    ['workflow.publish.v1', '/api/workflows/nobody/publish', {}, { type: 'workflow.publish.v1', payload: { workflowId: 'nobody', version: null } }],
    ['workflow.promote.v1', '/api/workflows/nobody/promote', {}, { type: 'workflow.promote.v1', payload: { workflowId: 'nobody', comment: '' } }],
    ['workflow.rollback.v1', '/api/workflows/nobody/rollback', {}, { type: 'workflow.rollback.v1', payload: { workflowId: 'nobody', to: null, comment: '' } }],
  ] as const)('%s is refused with the same code and text', async (_, path, body, command) => {
    const direct = await send(command as AnyCommand, 'direct', path);
    const answer = await app.inject({ method: 'POST', url: path, headers: { 'content-type': 'application/json' }, payload: body });
    if (direct.kind !== 'refused') throw new Error('it was not refused');
    expect(answer.json()).toMatchObject({ code: direct.rejection.code, detail: direct.rejection.detail });
  });
});
