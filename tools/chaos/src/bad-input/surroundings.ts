import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { eventually } from '../eventually.ts';
import type { RestClient } from '../rest-client.ts';
import { jsonOf } from '../rest-client.ts';
import type { Surroundings } from './bad-input.ts';
import { changedManifest } from './bad-requests.ts';

const QUIET_MAX_MS = 30_000;
/** The run that stays open outlives every row. */
const LONG_MS = 3_600_000;

/** Makes what the rows speak of, and waits until nothing more is written. `dataDir` is the conductor's. */
export async function surround(client: RestClient, dataDir: string): Promise<Surroundings> {
  const echo = { id: 'echo', uses: 'pkg:core/echo@1.0.0', with: { value: 1 } };
  const wait = { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: LONG_MS }, timeoutSeconds: LONG_MS / 1_000 };
  for (const manifest of [{ name: 'known', version: '1.0.0', tasks: [echo] }, { name: 'waiting', version: '1.0.0', tasks: [wait] }, changedManifest(1)]) {
    jsonOf(await client.saveDraft(manifest));
    jsonOf(await client.publish(manifest.name));
  }
  jsonOf(await client.saveDraft(changedManifest(2)));
  jsonOf(await client.saveDraft({ name: 'draft-only', version: '1.0.0', tasks: [echo] }));
  const [succeeded, running] = await Promise.all(['known', 'waiting'].map(async (workflowId) => jsonOf<{ readonly id: string }>(await client.start({ workflowId }, `seed-${workflowId}`)).id));
  if (succeeded === undefined || running === undefined) throw new Error('two runs were started');
  await eventually('the receipt of the run that ends', QUIET_MAX_MS, async () => (await client.bundle(succeeded)).status === 200);
  await eventually('the start of the task that waits', QUIET_MAX_MS, async () => String((await client.get(`/api/executions/${running}/events`)).body).includes('execution.task-started.v1'));
  return { succeeded, running, none: join(dataDir, 'no-such-folder') };
}

/** How many events there are, as a reader beside the conductor sees it. */
export function eventCount(dataDir: string): number {
  const store = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true });
  try {
    return Number((store.prepare('SELECT count(*) AS n FROM events').get() as { readonly n: number }).n);
  } finally {
    store.close();
  }
}
