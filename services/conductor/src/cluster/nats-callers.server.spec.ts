import 'reflect-metadata';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@maestro/ports';
import { startTestEngines } from '../../fixtures/engines.ts';
import type { TestEngines } from '../../fixtures/engines.ts';
import { connectClient, startPythonWorker, tapServer } from '../../fixtures/nats-callers.ts';
import type { MaestroClient, Wiretap } from '../../fixtures/nats-callers.ts';
import { parseConfig } from '../config.ts';
import { SHIPPED_PACKAGES } from '../shipped-packages.ts';
import { startClusterProcess } from './start-cluster-process.ts';
import type { ClusterProcess } from './start-cluster-process.ts';

const SHOUT = {
  name: 'shout',
  version: '1.0.0',
  tasks: [
    { id: 'first', uses: 'pkg:core/echo@1.0.0', with: { value: 'hello' }, needs: [] },
    { id: 'second', uses: 'pkg:py/upper@1.0.0', with: { text: '${{ tasks.first.outputs.value }}' }, needs: ['first'] },
  ],
};
/** Asks until it is so; the test's own time limit ends it. */
async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await delay(50);
}
const quiet: Log = { log: () => undefined };

describe('a cluster that is used over NATS alone', () => {
  let engines: TestEngines;
  let conductor: ClusterProcess;
  let worker: ChildProcess;
  let tap: Wiretap;
  const clients: MaestroClient[] = [];
  const clientOf = async (user: string): Promise<MaestroClient> => {
    const client = await connectClient({ servers: engines.nats.url, user });
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    engines = await startTestEngines();
    tap = await tapServer(engines.nats.url);
    const parsed = parseConfig([...engines.flags, '--name', 'all', '--nats-callers', 'alice', '--nats-workers', 'py'], engines.environment, engines.folder);
    if (parsed.kind === 'faults' || parsed.config.cluster === null) throw new Error(JSON.stringify(parsed));
    conductor = await startClusterProcess(parsed.config, parsed.config.cluster, quiet, new AbortController().signal, SHIPPED_PACKAGES);
    worker = await startPythonWorker(engines.nats.url);
  });
  afterAll(async () => {
    worker?.kill('SIGKILL');
    await Promise.all(clients.map((client) => client.close()));
    await conductor?.stop();
    await tap?.close();
    await engines?.dispose();
  });

  it('publishes a workflow, runs it with a package of a worker outside, and its receipt verifies', async () => {
    const alice = await clientOf('alice');
    // the announcement is on its way to the roles that resolve it
    const saved = async (): Promise<boolean> => alice.send({ type: 'workflow.save-draft.v1', payload: { manifest: SHOUT } }).then(() => true, (error: { code?: string }) => error.code !== 'MANIFEST_INVALID' && Promise.reject(error));
    await until(saved);
    const { commandId } = await alice.intake({ type: 'workflow.publish.v1', payload: { workflowId: 'shout', version: null } });
    await until(async () => (await alice.outcome(commandId))?.outcome?.kind === 'published');
    const { result } = await alice.send({ type: 'execution.start.v1', payload: { executionId: null, workflowId: 'shout', version: null, inputs: {}, rollout: null, region: null } });
    const id = String(result['executionId']);
    let succeeded = '';
    const following = alice.follow(id);
    let step = await following.next();
    for (; step.done !== true; step = await following.next()) if (step.value.event['type'] === 'execution.task-succeeded.v1') succeeded += JSON.stringify(step.value.event);
    expect([step.value?.verdict, succeeded]).toEqual(['succeeded', expect.stringContaining('HELLO')]);
    const verdict = async (): Promise<unknown> => ((await (await fetch(`${conductor.url}/api/executions/${id}/verify`)).json()) as { readonly verdict?: unknown }).verdict;
    await until(async () => (await verdict()) === 'VERIFIED');
  });

  it('knows no caller that was not named', async () => {
    const bob = await clientOf('bob');
    await expect(bob.send({ type: 'execution.start.v1', payload: { executionId: null, workflowId: 'shout', version: null, inputs: {}, rollout: null, region: null } })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('publishes nothing that contracts/asyncapi.yaml does not say', () => {
    expect(tap.problems).toEqual([]);
    expect(tap.seen.get('routedCommand')).toBeGreaterThan(5);
    expect(tap.seen.get('taskWork')).toBeGreaterThan(1);
  });
});
