import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { tapServer, type Wiretap } from '../fixtures/nats.ts';
import { ProgramUser } from '../fixtures/compiled-program.ts';
import { endToEnd, prepareWorkspace } from '../fixtures/end-to-end.ts';

/** milliseconds; a bound for what hangs: many processes start on few cores */
jest.setTimeout(300_000);

type Told = { readonly exitCode: number; readonly members: readonly { readonly name: string; readonly pid: number; readonly url: string; readonly isReady: boolean }[] };

describe.each(['eventstoredb', 'jetstream'])('a local cluster on %s', (store) => {
  let folder = '';
  let user: ProgramUser;
  let told: Told = { exitCode: -1, members: [] };
  let tap: Wiretap;
  const cluster = (...args: readonly string[]) => user.run(['cluster', ...args, '--folder', folder]);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-cluster-'));
    const { NATS_SERVER, VERSITYGW, PG_BIN, MAESTRO_ESDB_URL } = process.env;
    user = new ProgramUser({ NATS_SERVER, VERSITYGW, PG_BIN, MAESTRO_ESDB_URL });
    prepareWorkspace(user.home);
    const { out, notes } = await cluster('up', '--store', store, '--json');
    told = JSON.parse(out || '{}') as Told;
    if (told.members === undefined) throw new Error(`${out}${notes}`);
    tap = await tapServer(told.members.find(({ name }) => name === 'nats')?.url ?? '');
  });
  afterAll(async () => {
    await cluster('down', '--delete');
    rmSync(folder, { recursive: true, force: true });
    user.leave();
  });

  it('has two api, three command, two policy, four runner, two projector and two receipt processes, all ready', () => {
    const count = (role: string): number => told.members.filter(({ name, isReady }) => isReady && name.startsWith(`${role}-`)).length;
    expect(['api', 'command', 'policy', 'runner', 'projector', 'receipt'].map(count)).toEqual([2, 3, 2, 4, 2, 2]);
    expect(told.exitCode).toBe(0);
  });

  endToEnd(store, () => ({ home: user.home, urls: told.members.filter(({ name }) => name.startsWith('api-')).map(({ url }) => url), run: (args) => user.run(args) }));

  it('publishes nothing that contracts/asyncapi.yaml does not say', async () => {
    // before the server ends
    await tap.close();
    expect(tap.problems).toEqual([]);
    expect([...tap.seen.keys()]).toEqual(expect.arrayContaining(['routedCommand', 'policyWork', 'taskWork']));
  });

  it('ends everything that it started, and nothing is left', async () => {
    const { exitCode, out } = await cluster('down', '--json');
    expect({ exitCode, ended: (JSON.parse(out) as { ended: number }).ended }).toEqual({ exitCode: 0, ended: told.members.length });
    const after = JSON.parse((await cluster('status', '--json')).out) as { readonly members: readonly { readonly isAlive: boolean }[] };
    expect(after.members.filter(({ isAlive }) => isAlive)).toEqual([]);
    await cluster('down', '--delete');
    expect((await cluster('status')).exitCode).toBe(2);
  });
});
