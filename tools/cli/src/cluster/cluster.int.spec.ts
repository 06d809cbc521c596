import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { someUser } from '../../fixtures/command-line.ts';
import { faultsOf } from '../../fixtures/output-schema.ts';
import { readRecord, writeRecord } from './cluster-record.ts';
import { becomesReady, endMember, endOfLog, isAlive, isReady, startMember } from './member.ts';
import type { Member, MemberPlan } from './member.ts';
import { DEFAULT_SCALE, planRoles } from './plan-roles.ts';
import { findServerBinaries } from './server-binaries.ts';

let user: ReturnType<typeof someUser>;
const started: Member[] = [];
beforeEach(() => {
  user = someUser();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((member) => endMember(member, 0)));
  user.leave();
});

/** A process that does what a script says. */
function plan(script: string, more: Partial<MemberPlan> = {}): MemberPlan {
  const at = { cwd: user.folder, log: join(user.folder, 'member.log'), user: null, url: null };
  return { name: 'member', kind: 'role', command: process.execPath, args: ['-e', script], environment: {}, ready: { port: 1 }, endBy: 'SIGTERM', ...at, ...more };
}
function start(of: MemberPlan): Member {
  const member = startMember(of);
  started.push(member);
  return member;
}
const LISTENS = (port: number): string => `require('node:http').createServer((q, a) => a.end('ok')).listen(${port}, '127.0.0.1'); console.log('listens')`;

async function freePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}

describe('a member of a local cluster', () => {
  it('is ready when its port takes connections, or its address answers, and ends when it is asked to', async () => {
    const port = await freePort();
    const member = start(plan(LISTENS(port), { ready: { url: `http://127.0.0.1:${port}/` } }));
    expect([await becomesReady(member, 30_000), isAlive(member), await isReady({ ...member, ready: { port } })]).toEqual([true, true, true]);
    expect(endOfLog(member)).toBe('listens');
    await endMember(member, 10_000);
    expect([isAlive(member), await isReady(member), await isReady({ ...member, ready: { port } })]).toEqual([false, false, false]);
  });

  it('that ends by itself is not waited for', async () => {
    const member = start(plan('console.error("why"); process.exit(1)'));
    expect([await becomesReady(member, 600_000), endOfLog(member)]).toEqual([false, 'why']);
    expect(await becomesReady(start(plan('', { command: join(user.folder, 'nothing') })), 600_000)).toBe(false);
  });

  it('that does not end is killed', async () => {
    const member = start(plan("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')"));
    while (endOfLog(member) !== 'up') await new Promise((resolve) => setImmediate(resolve));
    await endMember(member, 0);
    expect(isAlive(member)).toBe(false);
  });

  it('is told from a later process with its id', () => {
    const member = start(plan('setInterval(() => {}, 1000)'));
    expect([isAlive(member), isAlive({ ...member, startTicks: '1' }), isAlive({ pid: 0, startTicks: null })]).toEqual([true, false, false]);
  });
});

describe('the record of a local cluster', () => {
  it('is private, and comes back as it was', () => {
    expect(readRecord(user.folder)).toBeUndefined();
    const record = { version: 1, store: 'jetstream', members: [{ ...plan(''), pid: 7, startTicks: '9' }] } as const;
    writeRecord(user.folder, record);
    expect(readRecord(user.folder)).toEqual(record);
    expect(statSync(join(user.folder, 'cluster.json')).mode & 0o077).toBe(0);
    writeFileSync(join(user.folder, 'cluster.json'), '{');
    expect(() => readRecord(user.folder)).toThrow('JSON');
  });
});

describe('servers of a local cluster', () => {
  const program = (folder: string, name: string): string => {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, name);
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, 0o755);
    return path;
  };

  it('are found by their variables, on PATH and in the cache of tools', () => {
    const bin = join(user.folder, 'bin');
    const natsServer = program(bin, 'nats-server');
    const versitygw = program(join(user.folder, 'cache', 'versitygw-1.7.0'), 'versitygw');
    for (const name of ['initdb', 'postgres', 'pg_isready']) program(join(user.folder, 'pg'), name);
    const environment = { PATH: bin, MAESTRO_TOOL_CACHE: join(user.folder, 'cache'), PG_BIN: join(user.folder, 'pg') };
    expect(findServerBinaries(environment)).toEqual({ natsServer, versitygw, postgres: join(user.folder, 'pg') });
    expect(findServerBinaries({ ...environment, NATS_SERVER: versitygw }).natsServer).toBe(versitygw);
  });

  it('that are missing are named together, each with how to get it', async () => {
    Object.assign(user.environment, { PATH: user.folder, HOME: user.folder, PG_BIN: user.folder, NATS_SERVER: join(user.folder, 'none') });
    const { exitCode, notes } = await user.call('cluster', 'up', '--folder', 'c');
    expect([exitCode, notes]).toEqual([2, expect.stringMatching(/CLUSTER_BINARY_MISSING: .*not found: nats-server, versitygw, postgres[^]*NATS_SERVER[^]*VERSITYGW[^]*apt-get install postgresql/)]);
    expect(existsSync(join(user.folder, 'c'))).toBe(false);
  });
});

describe('roles of a local cluster', () => {
  it('are one process each, with a configuration that holds no secret', () => {
    mkdirSync(join(user.folder, 'secrets'));
    const s3 = { endpoint: 'http://127.0.0.1:1', accessKey: 'access', secretKey: 'hush-s3' };
    const servers = { members: [], natsUrl: 'nats://127.0.0.1:1', natsMonitor: 'http://127.0.0.1:2', postgresUrl: 'postgres://hush@h/db', s3, esdb: 'esdb://hush@h' };
    const plans = planRoles({ folder: user.folder, scale: DEFAULT_SCALE, servers, ports: Array.from({ length: 30 }, (_, i) => 4_000 + i), workspace: user.folder });
    expect(plans.map(({ name }) => name)).toEqual(['api-1', 'api-2', 'command-1', 'command-2', 'command-3', 'policy-1', 'policy-2', 'runner-1', 'runner-2', 'runner-3', 'runner-4', 'projector-1', 'projector-2', 'receipt-1', 'receipt-2']);
    expect(new Set(plans.flatMap(({ args }) => args.filter((_, i) => (args[i - 1] ?? '').endsWith('port')))).size).toBe(30);
    expect(readFileSync(join(user.folder, 'cluster.yaml'), 'utf8')).not.toContain('hush');
    expect(JSON.stringify(plans)).not.toContain('hush');
    expect(statSync(join(user.folder, 'secrets', 'postgres-url')).mode & 0o077).toBe(0);
  });
});

describe('cluster', () => {
  it('tells which processes run and are ready, and ends those that do', async () => {
    const port = await freePort();
    const running = start(plan(LISTENS(port), { name: 'runner-1', ready: { port }, url: `http://127.0.0.1:${port}` }));
    await becomesReady(running, 30_000);
    const dead: Member = { ...plan(''), name: 'api-1', pid: 2 ** 22, startTicks: '1' };
    writeRecord(user.folder, { version: 1, store: 'jetstream', members: [running, dead] });
    const told = await user.call('cluster', 'status', '--folder', '.', '--json');
    expect([told.exitCode, faultsOf('clusterStatus', told.out)]).toEqual([6, []]);
    expect(JSON.parse(told.out)).toMatchObject({ ok: false, members: [{ name: 'runner-1', isAlive: true, isReady: true }, { name: 'api-1', isAlive: false, isReady: false }] });
    expect((await user.call('cluster', 'status', '--folder', '.')).out).toMatch(/runner-1 +\d+ +ready {2}http[^]*api-1 +\d+ +gone/);
    const down = await user.call('cluster', 'down', '--folder', '.', '--json');
    expect([faultsOf('clusterEnded', down.out), JSON.parse(down.out)]).toEqual([[], expect.objectContaining({ ended: 1, isDeleted: false })]);
    expect(isAlive(running)).toBe(false);
    expect((await user.call('cluster', 'down', '--folder', '.')).out).toContain('0 processes ended; their data stays in');
  });

  it('says that there is none, and what it expects', async () => {
    expect(await user.call('cluster', 'status', '--folder', 'none')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('CLUSTER_MISSING') });
    expect(await user.call('cluster', 'down', '--folder', 'none')).toMatchObject({ exitCode: 0 });
    expect(await user.call('cluster', 'up', '--folder', 'none', '--scale', 'cook=1')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('--scale cook=1: expected role=number') });
    expect(await user.call('cluster', 'up', '--folder', 'none', '--scale', 'api=0')).toMatchObject({ exitCode: 2 });
  });
});
