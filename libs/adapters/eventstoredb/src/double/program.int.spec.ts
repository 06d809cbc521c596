import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newEvents, newStream } from '@maestro/conformance';
import { isFault, type EventStore } from '@maestro/ports';
import { openEventStoreDb } from '../event-store.ts';
import { DOUBLE_PROGRAM } from './index.ts';
import type { DoubleStatus } from './index.ts';

type Started = { readonly process: ChildProcess; readonly connectionString: string; readonly controlPort: number };

/** The double as a process of its own; its ports stay the same over restarts where they are given. */
async function start(args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, ['--conditions=source', fileURLToPath(DOUBLE_PROGRAM), '--with-parent', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {},
  });
  if (child.stdout === null) throw new Error('no stdout');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { process: child, ...(JSON.parse(line) as Omit<Started, 'process'>) };
}

async function command(double: Started, path: string, method = 'POST'): Promise<{ status: number; body: DoubleStatus & { error?: string } }> {
  const response = await fetch(`http://127.0.0.1:${double.controlPort}/${path}`, { method });
  return { status: response.status, body: (await response.json()) as DoubleStatus & { error?: string } };
}

describe('the double as a program', () => {
  let folder: string;
  let double: Started;
  let store: EventStore;
  const portOf = (s: string): string => /:(\d+)/.exec(s)?.[1] ?? '';
  const open = (): Promise<EventStore> =>
    openEventStoreDb({ connectionString: `${double.connectionString}&discoveryInterval=20&gossipTimeout=1`, attemptMs: 500 });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-esdb-'));
    double = await start(['--nodes', '3', '--log', join(folder, 'log')]);
    store = await open();
  });
  afterEach(async () => {
    await store.close();
    if (double.process.exitCode === null && double.process.signalCode === null) {
      const ended = once(double.process, 'exit');
      double.process.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true });
  });

  it('fails on command of another process, and says how it stands', async () => {
    await store.append(newStream(), 'none', newEvents(1));
    await command(double, 'hang');
    const fault: unknown = await store.readAll({ after: null, limit: 1, timeoutMs: 100 }).then(
      () => 'answered',
      (e: unknown) => e,
    );
    expect(isFault(fault, 'STORE_UNAVAILABLE')).toBe(true);
    await command(double, 'resume');
    await command(double, 'kill?node=0');
    const { body } = await command(double, 'move-leader');
    expect(body.nodes.map((n) => [n.isAlive, n.isLeader])).toEqual([[false, false], [true, true], [true, false]]);
    expect(await store.append(newStream(), 'none', newEvents(2), { timeoutMs: 20_000 })).toMatchObject({ kind: 'appended' });
    expect((await command(double, 'start?node=0')).body.nodes[0]?.isAlive).toBe(true);
    for (const path of ['drop-replies?count=1', 'drop-connections', 'break-batches', 'hang-features', 'answer-features', 'begin-election']) {
      expect([path, (await command(double, path)).status]).toEqual([path, 200]);
    }
    expect((await command(double, 'move-leader')).body.eventCount).toBeGreaterThan(3);
    expect((await command(double, 'kill?node=9')).body.error).toContain('nodes 0 to 2');
    expect((await command(double, 'explode')).status).toBe(404);
    expect((await command(double, 'status', 'GET')).status).toBe(405);
  });
  it('keeps over a kill -9 of its process all that it acknowledged', async () => {
    const stream = newStream();
    const events = newEvents(5);
    const first = await store.append(stream, 'none', events);
    if (first.kind !== 'appended') throw new Error('a conflict');
    const head = await store.head();
    const ended = once(double.process, 'exit');
    double.process.kill('SIGKILL');
    await ended;
    const port = portOf(double.connectionString);
    const single = await start(['--nodes', '1', '--port', port, '--log', join(folder, 'log'), '--no-batch']);
    double = single;
    expect(await store.head()).toBe(head);
    expect(await store.append(stream, first.version, newEvents(1), { timeoutMs: 20_000 })).toMatchObject({ version: { revision: 5n } });
    const end = once(double.process, 'exit');
    double.process.kill('SIGTERM');
    expect(await end).toEqual([0, null]);
  });
});
