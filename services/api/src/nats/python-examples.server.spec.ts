import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectClient, startDistributed } from '../../fixtures/distributed.ts';
import type { Distributed, MaestroClient } from '../../fixtures/distributed.ts';

const EXAMPLES = fileURLToPath(new URL('../../../../examples/python/', import.meta.url));
const UPPER = 'pkg:py/upper@1.0.0';

/** The Python that tools/ci/tools.sh made for the examples. */
function python(): string {
  const path = join(dirname(process.env['NATS_PY'] ?? ''), 'bin', 'python3');
  try {
    accessSync(path);
    return path;
  } catch {
    throw new Error('NATS_PY names no environment with nats-py: run "./maestro test --servers", which installs it by tools/ci/tools.sh');
  }
}

describe('the examples in Python, under the permissions of infra/nats', () => {
  let conductor: Distributed;
  let alice: MaestroClient;
  const children: ChildProcess[] = [];

  /** Starts an example as the user; what it writes to both outputs. */
  const start = (file: string, user: string, ...args: readonly string[]): { readonly child: ChildProcess; readonly said: () => string; readonly ended: Promise<number | null>; readonly hears: (text: string) => Promise<void> } => {
    const { server } = conductor;
    const env = { MC_USER: user, NATS_URL: `nats://${server.url}`, NATS_CA: server.caFile, NATS_SEED_FILE: server.seedOf(user), PATH: process.env['PATH'] };
    const child = spawn(python(), [join(EXAMPLES, file), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let text = '';
    const listeners = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => ((text += String(bytes)), listeners.forEach((listen) => listen())));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const hears = (wanted: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => void (text.includes(wanted) && resolve());
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`${file} ended without saying "${wanted}":\n${text}`)));
      });
    return { child, said: () => text, ended, hears };
  };
  const publish = async (version: string): Promise<void> => {
    const manifest = { name: 'shout', version, tasks: [{ id: 'first', uses: 'pkg:core/echo@1.0.0', with: { text: 'hello' }, needs: [] }, { id: 'second', uses: UPPER, with: { text: '${{ tasks.first.outputs.text }}' }, needs: ['first'] }] };
    await alice.send({ type: 'workflow.save-draft.v1', payload: { manifest } });
    const commandId = `publish ${version}`.replace(' ', '-');
    await alice.send({ type: 'workflow.publish.v1', payload: { workflowId: 'shout', version: null } }, { commandId });
    const abort = new AbortController();
    for await (const item of conductor.parts.store.subscribe({ after: null, filter: { types: ['workflow.published.v1'] }, signal: abort.signal })) if (item.kind === 'event' && Buffer.from(item.event.bytes).includes(`"version":"${version}"`)) abort.abort();
  };
  const eventsOf = async (type: string): Promise<readonly string[]> => (await conductor.parts.store.readAll({ after: null, limit: 1_000 })).events.filter((event) => event.type === type).map(({ bytes }) => Buffer.from(bytes).toString());

  beforeAll(async () => {
    conductor = await startDistributed();
    alice = await connectClient({ servers: conductor.server.url, user: 'alice', nkeySeedFile: conductor.server.seedOf('alice'), tls: { caFile: conductor.server.caFile } });
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await alice.close();
    await conductor.stop();
  });

  it('are 40 lines each at most', () => {
    for (const file of ['send_and_follow.py', 'upper_worker.py']) expect([file, readFileSync(join(EXAMPLES, file), 'utf8').trimEnd().split('\n').length <= 40]).toEqual([file, true]);
  });

  it('a worker announces its package, and a run that one starts and follows uses it', async () => {
    const worker = start('upper_worker.py', 'py');
    await worker.hears('serving');
    await publish('1.0.0');
    const caller = start('send_and_follow.py', 'alice', 'shout');
    expect([await caller.ended, caller.said()]).toEqual([0, expect.stringMatching(/0 execution\.requested\.v1[^]*execution\.completed\.v1\n[^]*[0-9a-f-]{36} succeeded\n/)]);
    const succeeded = await eventsOf('execution.task-succeeded.v1');
    expect(succeeded).toHaveLength(2);
    expect(succeeded.filter((text) => text.includes('HELLO'))).toHaveLength(1);
    const found = conductor.packages.resolve(UPPER);
    expect(found).toMatchObject({ kind: 'resolved', workClass: 'py', digest: /serving ([0-9a-f]{64})/.exec(worker.said())?.[1] });
    const [requested] = await eventsOf('execution.requested.v1');
    expect(requested).toContain(`"packageDigest":"${found.kind === 'resolved' ? found.digest : ''}"`);
  });

  it('work waits for a worker that was killed, and is done by the next one', async () => {
    for (const child of children.splice(0)) {
      const gone = once(child, 'close');
      if (child.kill('SIGKILL')) await gone;
    }
    const started = await alice.send({ type: 'execution.start.v1', payload: { executionId: null, workflowId: 'shout', version: null, inputs: {}, rollout: null, region: null } });
    const types: unknown[] = [];
    const executionId = String(started.result['executionId']);
    const following = alice.follow(executionId);
    const py = await conductor.server.as('py');
    const advice = async (attempt: number): Promise<unknown> => (await py.connection.request('mc.in.py.task.heartbeat', JSON.stringify({ executionId, taskId: 'second', attempt }), { timeout: 5_000 })).json();
    for (let step = await following.next(); ; step = await following.next()) {
      if (step.done === true) {
        expect(step.value?.verdict).toBe('succeeded');
        break;
      }
      types.push(step.value.event['type']);
      // nobody is there to take the second task
      if (types.filter((type) => type === 'execution.task-scheduled.v1').length === 2 && children.length === 0) {
        expect([await advice(1), await advice(2)]).toEqual([{ advice: 'continue' }, { advice: 'cancel' }]);
        start('upper_worker.py', 'py');
      }
    }
    expect(await advice(1)).toEqual({ advice: 'cancel' });
    expect(types.at(-1)).toBe('execution.completed.v1');
  });

  it('a caller that the conductor does not know is told so', async () => {
    const caller = start('send_and_follow.py', 'bob', 'shout');
    expect([await caller.ended, caller.said()]).toEqual([1, expect.stringContaining('FORBIDDEN')]);
  });

  it('a durable command is carried out, and tells later what became of it', async () => {
    const { commandId } = await alice.intake({ type: 'execution.start.v1', payload: { executionId: null, workflowId: 'nobody', version: null, inputs: {}, rollout: null, region: null } });
    const id = createHash('sha256').update(JSON.stringify(['default', 'user:alice', 'nats', commandId])).digest('hex');
    const counted = (): boolean => conductor.parts.counted.some(({ labels }) => labels['edge'] === 'intake' && labels['code'] === 'WORKFLOW_NOT_FOUND');
    while (!counted()) await new Promise((resolve) => setTimeout(resolve, 20));
    conductor.parts.records.set(id, { commandId: id, type: 'execution.start.v1', state: 'refused', at: '2026-01-01T00:00:00.000Z', position: null, result: null, rejection: { code: 'WORKFLOW_NOT_FOUND', detail: 'no' } });
    expect(await alice.outcome(commandId)).toMatchObject({ commandId: id, state: 'refused', rejection: { code: 'WORKFLOW_NOT_FOUND' } });
  });

  it('nothing was published that contracts/asyncapi.yaml does not say', () => {
    expect(conductor.tap.problems).toEqual([]);
    const seen = [...conductor.tap.seen].filter(([, count]) => count > 0).map(([name]) => name);
    expect(seen).toEqual(expect.arrayContaining(['command', 'command/answer', 'intake', 'queryExecution', 'queryExecution/answer', 'routedCommand', 'routedCommand/answer', 'taskWork', 'policyWork', 'packages']));
  });
});
