import type { PersistentClient } from '../persistent-client.ts';

/** What one piece of work does; of every 20, by its number, so that a repeated run of the harness does the same. */
const TURN = 20;

/** Two tasks in a pooled child and inline, a value handed on, so policy is asked again. Now and then the outside fails at first. */
const ORDINARY = {
  name: 'survivor',
  version: '1.0.0',
  inputs: { n: 1 },
  tasks: [
    { id: 'compute', uses: 'pkg:json/query@1.0.0', with: { query: 'n * 2', data: { n: '${{ inputs.n }}' } } },
    { id: 'join', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ tasks.compute.outputs.result }}' }, needs: ['compute'] },
  ],
};
const RETRYING = {
  name: 'survivor-retrying',
  version: '1.0.0',
  inputs: { service: 'http://127.0.0.1:1/flaky' },
  tasks: [{ id: 'fetch', uses: 'pkg:http/get@1.0.0', with: { url: '${{ inputs.service }}/${{ run.id }}' }, retries: 2 }],
};
const FAILING = {
  name: 'survivor-failing',
  version: '1.0.0',
  tasks: [
    { id: 'kept', uses: 'pkg:core/echo@1.0.0', with: { value: 1 } },
    { id: 'broken', uses: 'pkg:core/fail@1.0.0', with: { code: 'AS_MEANT', message: 'as it should', retryable: false }, needs: ['kept'] },
  ],
};
const ENDLESS = { name: 'survivor-endless', version: '1.0.0', tasks: [{ id: 'sleep', uses: 'pkg:core/sleep@1.0.0', with: { ms: 3_600_000 } }] };
const SHORT = { name: 'survivor-short', version: '1.0.0', tasks: [{ id: 'echo', uses: 'pkg:core/echo@1.0.0', with: { value: 'short' } }] };

export const WORKFLOWS = [ORDINARY, RETRYING, FAILING, ENDLESS, SHORT] as const;

/** The same, as people write them where runners may die: an attempt that comes for the third time is not run, but retried. */
export const WORKFLOWS_OF_CLUSTERS = WORKFLOWS.map((workflow) => ({ ...workflow, tasks: workflow.tasks.map((task) => ({ retries: 2, ...task })) }));

/**
 * The n-th piece of work: starts, cancels, resumes, drafts, publications, promotions and rollbacks. Throws where a run ends
 * otherwise than it would have ended had nobody been killed. `own`: names the workflows that it makes, for each load one.
 */
export function mixedWork(origin: string, own = 'v'): (client: PersistentClient, n: number, key: string) => Promise<void> {
  return async (client, n, key) => {
    const turn = n % TURN;
    if (turn < 3) await cancelled(client, key);
    else if (turn < 5) await resumed(client, key);
    else if (turn < 6) await versioned(client, `survivor-${own}${n}`, key);
    else if (turn < 7) await ended(client, { workflowId: RETRYING.name, inputs: { service: `${origin}/flaky` } }, key, 'succeeded');
    else if (turn < 12) await ended(client, { workflowId: ORDINARY.name, inputs: { n } }, key, 'succeeded');
    else await ended(client, { workflowId: SHORT.name }, key, 'succeeded');
  };
}

/** One run for each piece of work, every other of two tasks: for loads that are about how many wait. */
export function plainStarts(): (client: PersistentClient, n: number, key: string) => Promise<void> {
  return async (client, n, key) => void (await ended(client, n % 2 === 0 ? { workflowId: SHORT.name } : { workflowId: ORDINARY.name, inputs: { n } }, key, 'succeeded'));
}

async function ended(client: PersistentClient, request: object, key: string, verdict: string): Promise<string> {
  const id = await client.start(request, key);
  await client.follow(id, verdict);
  return id;
}

async function cancelled(client: PersistentClient, key: string): Promise<void> {
  const id = await client.start({ workflowId: ENDLESS.name }, key);
  await client.cancel(id, `${key}-cancel`);
  await client.follow(id, 'cancelled');
}

async function resumed(client: PersistentClient, key: string): Promise<void> {
  const id = await ended(client, { workflowId: FAILING.name }, key, 'failed');
  await client.follow(await client.resume(id, `${key}-resume`), 'failed');
}

/** A workflow of its own: published, a candidate made stable, the next one withdrawn, a run of what is left. */
async function versioned(client: PersistentClient, name: string, key: string): Promise<void> {
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await client.saveDraft({ ...SHORT, name, version } as typeof SHORT, `${key}-save-${version}`);
    await client.ofWorkflow('publish', name, `${key}-publish-${version}`);
    if (version === '1.1.0') await client.ofWorkflow('promote', name, `${key}-promote`);
  }
  await client.ofWorkflow('rollback', name, `${key}-rollback`);
  await ended(client, { workflowId: name, rollout: 'all' }, key, 'succeeded');
}
