import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { eventually } from '../eventually.ts';
import { RestClient, jsonOf } from '../rest-client.ts';

const ENDED_MAX_MS = 60_000;
/** More than the head mark may lag behind a commit, and than the process state's loops wait. */
const QUIET_MS = 400;
/** Text of a value that is too large to lie beside its event. */
const LARGE = 'large value '.repeat(9_000);

const WORKFLOWS = [
  {
    name: 'sound',
    version: '1.0.0',
    labels: { team: 'records', tier: 'gold' },
    inputs: { n: 1, text: '' },
    tasks: [
      { id: 'compute', uses: 'pkg:json/query@1.0.0', with: { query: 'n * 2', data: { n: '${{ inputs.n }}' } } },
      { id: 'keep', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ inputs.text }}' } },
      { id: 'join', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ tasks.compute.outputs.result }}' }, needs: ['compute', 'keep'] },
    ],
  },
  { name: 'breaks', version: '1.0.0', tasks: [{ id: 'fail', uses: 'pkg:core/fail@1.0.0', with: { message: 'as asked' } }] },
] as const;

export type SoundFolders = {
  /** left by a conductor that was asked to end: logs emptied into their databases */
  readonly closed: string;
  /** as it lay there after a kill in a quiet moment: the newest events only in the log of the store */
  readonly killed: string;
  readonly runCount: number;
};

/**
 * Two data folders of one history, made by a real conductor under `place`: runs that succeed and one that fails, each
 * with its receipt, large values, labels, versions of workflows.
 */
export async function makeSoundFolders(place: string, runCount: number, random: () => number): Promise<SoundFolders> {
  const [closed, killed] = [join(place, 'closed'), join(place, 'killed')];
  const start = async (): Promise<ConductorProcess> => ConductorProcess.start({ dataDir: closed, port: await freePort(random) });
  const half = Math.ceil(runCount / 2);
  await serve(await start(), async (client) => {
    for (const manifest of WORKFLOWS) {
      jsonOf(await client.saveDraft(manifest));
      jsonOf(await client.publish(manifest.name));
    }
    await runAll(client, 0, half);
  });
  const second = await start();
  const client = new RestClient(second.url);
  try {
    await runAll(client, half, runCount);
    await wait(QUIET_MS);
  } finally {
    await client.close();
    await second.kill();
    second.clear();
  }
  cpSync(closed, killed, { recursive: true });
  // a start and an end without anything in between: what the log held is in the database now
  await serve(await start(), async () => undefined);
  return { closed, killed, runCount };
}

async function serve(conductor: ConductorProcess, use: (client: RestClient) => Promise<void>): Promise<void> {
  const client = new RestClient(conductor.url);
  try {
    await use(client);
    await wait(QUIET_MS);
  } finally {
    await client.close();
    await conductor.stop();
    conductor.clear();
  }
}

/** Every third run carries a large value, every fifth fails. */
async function runAll(client: RestClient, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) {
    const request = n % 5 === 4 ? { workflowId: 'breaks' } : { workflowId: 'sound', inputs: { n, text: n % 3 === 0 ? LARGE : `run ${n}` } };
    const { id } = jsonOf<{ readonly id: string }>(await client.start(request, `sound-${n}`));
    await eventually(`the receipt of run ${n}`, ENDED_MAX_MS, async () => (await client.bundle(id)).status === 200);
  }
}
