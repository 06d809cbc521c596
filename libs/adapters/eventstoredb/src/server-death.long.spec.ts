import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newEvents, newStream } from '@maestro/conformance';
import { isFault, type EventStore, type StoredEvent, type Version } from '@maestro/ports';
import { DOUBLE_PROGRAM } from './double/index.ts';
import { openEventStoreDb } from './event-store.ts';

const KILLS = 15;
const WRITERS = 10;
const seed = Number(process.hrtime.bigint() % 2_147_483_647n);
let state = seed;
/** A Lehmer generator, 0 to 1. */
const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;

async function start(logPath: string, port: string): Promise<{ child: ChildProcess; connectionString: string }> {
  const args = ['--conditions=source', fileURLToPath(DOUBLE_PROGRAM), '--with-parent', '--log', logPath, '--port', port];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  if (child.stdout === null) throw new Error('no stdout');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, connectionString: (JSON.parse(line) as { connectionString: string }).connectionString };
}

/** Appends until told to stop; each event once, whatever the answers are. Answers the ids that were acknowledged. */
async function write(store: EventStore, stop: AbortSignal): Promise<{ stream: string; ids: string[] }> {
  const stream = newStream();
  const ids: string[] = [];
  let version: 'none' | Version = 'none';
  while (!stop.aborted) {
    const events = newEvents(1 + Math.floor(random() * 3));
    for (;;) {
      try {
        const answer = await store.append(stream, version, events, { timeoutMs: 1_000 });
        if (answer.kind === 'conflict') throw new Error(`a conflict with itself at ${answer.actual?.revision}`);
        ({ version } = answer);
        break;
      } catch (error) {
        if (!isFault(error) || !error.retryable) throw error;
      }
    }
    ids.push(...events.map((e) => e.id));
  }
  return { stream, ids };
}

describe.each([['Append', false], ['BatchAppend', true]] as const)('a server that is killed again and again, with %s', (_, useBatchAppend) => {
  let folder: string;
  let server: Awaited<ReturnType<typeof start>>;
  let store: EventStore;
  const left = new AbortController();
  const seen: StoredEvent[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-esdb-'));
    server = await start(join(folder, 'log'), '0');
    store = await openEventStoreDb({ connectionString: server.connectionString, attemptMs: 1_000, patienceMs: 30_000, useBatchAppend });
  });
  afterAll(async () => {
    left.abort();
    await store.close();
    server.child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  async function follow(): Promise<void> {
    for await (const item of store.subscribe({ after: null, signal: left.signal })) if (item.kind === 'event') seen.push(item.event);
  }
  async function seenAtLeast(count: number): Promise<void> {
    while (seen.length < count) await pause(20);
  }
  async function everything(): Promise<StoredEvent[]> {
    const all: StoredEvent[] = [];
    for (let after: string | null = null, end = false; !end; ) {
      const page = await store.readAll({ after, limit: 500 });
      all.push(...page.events);
      ({ next: after, end } = page);
    }
    return all;
  }

  it(`loses and doubles nothing, and ends nobody (seed ${seed})`, async () => {
    const stop = new AbortController();
    const port = /:(\d+)/.exec(server.connectionString)?.[1] ?? '';
    const follower = follow();
    const writers = Array.from({ length: WRITERS }, () => write(store, stop.signal));
    for (let kill = 0; kill < KILLS; kill += 1) {
      await seenAtLeast(seen.length + Math.floor(random() * 40));
      const ended = once(server.child, 'exit');
      server.child.kill('SIGKILL');
      await ended;
      server = await start(join(folder, 'log'), port);
    }
    await seenAtLeast(seen.length + 50);
    stop.abort();
    const written = await Promise.all(writers);
    const all = await everything();
    await seenAtLeast(all.length);
    left.abort();
    await follower;
    for (const { stream, ids } of written) expect(all.filter((e) => e.stream === stream).map((e) => e.id)).toEqual(ids);
    expect(seen.map((e) => e.id)).toEqual(all.map((e) => e.id));
    expect(all.length).toBeGreaterThan(100);
    process.stdout.write(`${KILLS} kills, ${all.length} events, 0 lost, 0 doubled\n`);
  }, 240_000);
});
