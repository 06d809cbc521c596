import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { importDeployment, migrationConfig } from '@maestro/conductor';
import { ProgramUser, root, until } from '../fixtures/compiled-program.ts';
import { faultsOf } from '../fixtures/output-schema.ts';

/** milliseconds; a bound for what hangs: many processes start on few cores */
jest.setTimeout(480_000);

type Document = { readonly [name: string]: unknown };
type Member = { readonly name: string; readonly url: string };

/** Its second task needs a value that is too large for its event; the export is made while the first one sleeps. */
const SLOW = {
  name: 'slow',
  version: '1.0.0',
  inputs: { text: '', ms: 20_000 },
  tasks: [
    { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: '${{ inputs.ms }}' } },
    { id: 'tell', needs: ['wait'], uses: 'pkg:core/echo@1.0.0', with: { value: '${{ inputs.text }}' } },
  ],
};
const SCALE = 'api=1,command=1,policy=1,runner=1,projector=1,receipt=1';

let place = '';
let user: ProgramUser;
/** each by itself: Postgres may have to run as another user, who has to pass through */
const clusters = new Map<string, string>();
const folderOf = (name: string): string => clusters.get(name) ?? '';
const runs: string[] = [];
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'maestro-moves-'));
  for (const name of ['first', 'second']) clusters.set(name, mkdtempSync(join(tmpdir(), `maestro-${name}-`)));
  const { NATS_SERVER, VERSITYGW, PG_BIN } = process.env;
  user = new ProgramUser({ NATS_SERVER, VERSITYGW, PG_BIN });
});
afterAll(async () => {
  for (const folder of clusters.values()) {
    await user.run(['cluster', 'down', '--delete', '--folder', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(place, { recursive: true, force: true });
  user.leave();
});

async function json(...args: readonly string[]): Promise<Document> {
  const { exitCode, out, notes } = await user.run([...args, '--json']);
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${out}${notes}`);
  return JSON.parse(out) as Document;
}

async function post(url: string, body: unknown): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return String(((await answer.json()) as Document)['id']);
}

async function asks(url: string, path: string): Promise<Document | undefined> {
  const answer = await fetch(new URL(path, url));
  return answer.status === 200 ? ((await answer.json()) as Document) : undefined;
}

/** tries of 100 ms; a bound for what hangs */
const TRIES = 1_200;

async function verdictOf(url: string, id: string): Promise<unknown> {
  for (let left = TRIES; left > 0; left -= 1) {
    const answer = await asks(url, `/api/executions/${id}/verify`);
    if (answer !== undefined) return answer['verdict'];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return 'no receipt in time';
}

/** A cluster of real servers with the history of an export; the address of its api. */
async function clusterOf(name: string, store: string, from: string): Promise<string> {
  const folder = folderOf(name);
  await json('cluster', 'up', '--store', store, '--scale', SCALE, '--folder', folder);
  const refused = await user.run(['import', '--from', from, '--config', join(folder, 'cluster.yaml')]);
  expect(refused).toMatchObject({ exitCode: 1, notes: expect.stringContaining('DEPLOYMENT_IN_USE') });
  expect(await json('cluster', 'down', '--roles', '--folder', folder)).toMatchObject({ ended: 6 });
  await interruptImport(from, join(folder, 'cluster.yaml'));
  const imported = await user.run(['import', '--from', from, '--config', join(folder, 'cluster.yaml'), '--json']);
  expect(faultsOf('imported', imported.out)).toEqual([]);
  expect(JSON.parse(imported.out)).toMatchObject({ ok: true, isCluster: true, keys: join(folder, 'keys') });
  const { events, alreadyThere } = JSON.parse(imported.out) as { readonly events: number; readonly alreadyThere: number };
  expect([alreadyThere >= STOP_AT, alreadyThere < events]).toEqual([true, true]);
  const again = await user.run(['import', '--from', from, '--config', join(folder, 'cluster.yaml')]);
  expect(again).toMatchObject({ exitCode: 0, out: expect.stringMatching(/every one read back[^]+were there already[^]+give .*keys to every host with role receipt[^]+up --role <list> --config/) });
  expect(again.out).toContain(`${events} of the events`);
  const { members } = (await json('cluster', 'up', '--folder', folder)) as { readonly members: readonly Member[] };
  return members.find((member) => member.name.startsWith('api-'))?.url ?? '';
}

/** In the middle of a stream: the next import has to ask where that one stands. */
const STOP_AT = 9;

async function interruptImport(from: string, file: string): Promise<void> {
  const configured = migrationConfig([`--config=${file}`], {}, place);
  if (configured.kind === 'faults') throw new Error(configured.faults.join('; '));
  const onProgress = (doing: string, done: number): void => {
    if (doing === 'importing events' && done >= STOP_AT) throw new Error('interrupted here');
  };
  const log = { log: () => undefined };
  await expect(importDeployment({ from, config: configured.config, now: new Date().toISOString(), onProgress, log, signal: new AbortController().signal })).rejects.toThrow('interrupted here');
}

/** Every run is listed, and its receipt verifies: for the deployment, and without it. */
async function expectAll(url: string, name: string): Promise<void> {
  for (const id of runs) {
    expect([id, await verdictOf(url, id)]).toEqual([id, 'VERIFIED']);
    const set = join(place, `${name}-${id}`);
    await json('export', id, '--url', url, '--out', set);
    expect(await user.run(['verify', set])).toMatchObject({ exitCode: 0, out: expect.stringContaining('VERIFIED') });
  }
  const { items } = (await asks(url, '/api/executions?limit=200')) as { readonly items: readonly { readonly id: string }[] };
  expect(items.map(({ id }) => id).sort()).toEqual([...runs].sort());
}

it('moves a data folder to a cluster, and that one to another cluster on another engine, while both serve', async () => {
  const data = join(place, 'data');
  const up = user.start(['up', '--data', data, '--port', '0', '--json']);
  const { url } = JSON.parse(await until(up, 'stdout', /\n/)) as { readonly url: string };
  runs.push(String((await json('run', '-m', join(root, 'examples/hello.yaml'), '--data', data, '--follow', '--out', join(place, 'hello')))['executionId']));
  writeFileSync(join(place, 'slow.json'), JSON.stringify(SLOW));
  await json('publish', '-m', join(place, 'slow.json'), '--data', data);
  runs.push(await post(`${url}/api/executions`, { workflowId: 'slow', inputs: { text: 'x'.repeat(100_000), ms: 20_000 } }));
  const exported = await user.run(['export', '--all', '--data', data, '--out', join(place, 'whole'), '--json']);
  expect(faultsOf('exportedAll', exported.out)).toEqual([]);
  expect(JSON.parse(exported.out)).toMatchObject({ receipts: 1, evidence: { items: 2 } });
  up.kill('SIGTERM');

  const first = await clusterOf('first', 'jetstream', join(place, 'whole'));
  await expectAll(first, 'first');
  runs.push(String((await json('run', '-m', join(root, 'examples/hello.yaml'), '--url', first, '--follow', '--out', join(place, 'again')))['executionId']));

  expect(await json('export', '--all', '--config', join(folderOf('first'), 'cluster.yaml'), '--out', join(place, 'restored'))).toMatchObject({ receipts: 3, deployment: 'the cluster with prefix mc' });
  await json('cluster', 'down', '--folder', folderOf('first'));
  await expectAll(await clusterOf('second', 'eventstoredb', join(place, 'restored')), 'second');
});
