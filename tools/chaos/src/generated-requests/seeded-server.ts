import { eventually } from '../eventually.ts';
import { RestClient, jsonOf } from '../rest-client.ts';

const ENDED_MAX_MS = 30_000;
/** Longer than any run of the generator: one run stays open. */
const NEVER_MS = 600_000;
/** Higher than any version that is generated, so that what the document shows as an example never runs: it would leave this machine. */
const TOP_VERSION = '999999.0.0';
const SAMPLE = 'sample-workflow';

/** What there is to ask for: ids of things that exist, and of some that do not. */
export type Seeded = {
  readonly workflows: readonly string[];
  readonly versions: readonly string[];
  readonly executions: readonly string[];
  readonly commands: readonly string[];
  readonly schemas: readonly string[];
  readonly receipts: readonly string[];
};

/** Publishes two workflows and leaves a run of each kind behind: succeeded, failed, cancelled or still open. */
export async function seedServer(url: string): Promise<Seeded> {
  const client = new RestClient(url);
  try {
    const echo = { id: 'echo', uses: 'pkg:core/echo@1.0.0', with: { value: 1 } };
    await publish(client, { name: SAMPLE, version: TOP_VERSION, tasks: [echo] });
    await publish(client, { name: 'failing', version: '1.0.0', tasks: [{ id: 'fail', uses: 'pkg:core/fail@1.0.0' }] });
    await publish(client, { name: 'waiting', version: '1.0.0', tasks: [{ id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: NEVER_MS } }] });
    const started = await Promise.all([SAMPLE, 'failing', 'waiting'].map((workflowId) => client.start({ workflowId }, `seed-${workflowId}`)));
    const executions = started.map((answer) => jsonOf<{ readonly id: string }>(answer).id);
    const ended = executions.slice(0, -1);
    for (const id of ended) await eventually(`the receipt of ${id}`, ENDED_MAX_MS, async () => (await client.bundle(id)).status === 200);
    const shown = await Promise.all(ended.map((id) => client.get(`/api/executions/${id}/receipt`)));
    return {
      workflows: [SAMPLE, 'failing', 'waiting', 'no-such-workflow'],
      versions: [TOP_VERSION, '1.0.0'],
      executions,
      commands: started.map(({ commandId }) => commandId),
      schemas: ['manifest.v1.json', 'stored-event.v1.json', 'no-such.json'],
      receipts: [...new Set(shown.flatMap(({ body }) => body.toString('utf8').match(/sha256:[0-9a-f]{64}/g) ?? []))].slice(0, 8),
    };
  } finally {
    await client.close();
  }
}

async function publish(client: RestClient, manifest: { readonly name: string; readonly [field: string]: unknown }): Promise<void> {
  jsonOf(await client.saveDraft(manifest));
  jsonOf(await client.publish(manifest.name));
}
