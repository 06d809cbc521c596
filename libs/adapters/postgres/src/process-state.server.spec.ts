import { setTimeout as delay } from 'node:timers/promises';
import { processStateConformance } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import type { Json } from '@maestro/domain';
import type { ProcessState } from '@maestro/ports';
import { startCuttingProxy } from '../fixtures/cutting-proxy.ts';
import { startPostgresServer, type PostgresServer } from '../fixtures/postgres-server.ts';
import { openPostgres } from './postgres-database.ts';
import type { PostgresDatabase } from './postgres-database.ts';
import { openPostgresProcessState } from './process-state.ts';
import type { PostgresProcessState } from './process-state.ts';

/** A bound for what hangs: a busy machine takes ten times as long as an idle one. */
const RESTARTS_MS = 180_000;

let server: PostgresServer;
beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());

processStateConformance(
  'postgres',
  async () => {
    const connectionString = await server.freshDatabase();
    const open = async () => {
      const database = await openPostgres({ connectionString });
      return { database, state: await openPostgresProcessState(database) };
    };
    let opened = await open();
    const close = () => opened.state.close().then(() => opened.database.close());
    const reopen = async () => {
      await close();
      opened = await open();
      return opened.state;
    };
    return { open: async () => opened.state, reopen, dispose: close };
  },
  { caseTimeoutMs: 120_000 },
);

describe('process state on Postgres', () => {
  let url: string;
  const databases: PostgresDatabase[] = [];
  /** As another process would: with connections of its own. */
  const open = async (connectionString = url): Promise<PostgresProcessState> => {
    const database = await openPostgres({ connectionString });
    databases.push(database);
    return openPostgresProcessState(database);
  };
  const loaded = async (state: ProcessState, name: string): Promise<readonly [string | null, { readonly [key: string]: Json }]> => {
    const { cursor, rows } = await state.load(name);
    const all: [string, Json][] = [];
    for await (const { key, value } of rows) all.push([key, value]);
    return [cursor, Object.fromEntries(all)];
  };
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: unknown) => (isFault(error) ? error.code : error),
    );

  beforeEach(async () => (url = await server.freshDatabase()));
  afterEach(async () => {
    await Promise.all(databases.splice(0).map((each) => each.close()));
  });

  it('is made once by however many processes open it at once', async () => {
    const states = await Promise.all(Array.from({ length: 6 }, () => open()));
    await Promise.all(states.map((state, i) => state.apply(`name ${i}`, `c${i}`, [{ key: 'own', value: i }], [])));
    const [first] = states;
    for (const [i] of states.entries()) expect(await loaded(first as PostgresProcessState, `name ${i}`)).toEqual([`c${i}`, { own: i }]);
  });

  it('never mixes two applies of the same name, whichever process they come from', async () => {
    const states = await Promise.all([open(), open()]);
    const whole = (i: number) => Array.from({ length: 20 }, (_, k) => ({ key: `k${(k * 7 + i) % 20}`, value: i }));
    await Promise.all(Array.from({ length: 40 }, (_, i) => (states[i % 2] as PostgresProcessState).apply('same', `c${i}`, whole(i), [])));
    const [cursor, rows] = await loaded(states[0], 'same');
    expect(new Set(Object.values(rows).map((value) => `c${String(value)}`))).toEqual(new Set([cursor]));
  });

  it('lets one of two processes move a cursor from where both saw it', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    await one.apply('same', 'c0', [], []);
    let at = 'c0';
    for (let i = 1; i <= 10; i += 1) {
      const outcomes = await Promise.all(
        [one, other].map((state, who) => codeOf(state.apply('same', `c${i} by ${who}`, [{ key: 'by', value: who }], [], { expected: at }))),
      );
      expect(outcomes.sort()).toEqual(['STATE_MOVED', 'done']);
      const [cursor, rows] = await loaded(other, 'same');
      expect(cursor).toBe(`c${i} by ${String(rows['by'])}`);
      at = String(cursor);
    }
  });

  it('survives restarts of the server in the middle of applies: what was acknowledged is there, and nothing is half there', async () => {
    const state = await open();
    let acknowledged = 0;
    let faults = 0;
    let isOver = false;
    const applying = (async () => {
      for (let i = 1; !isOver || acknowledged < 20; i += 1) {
        const done = await codeOf(
          state.apply(
            'dispatch',
            `c${i}`,
            [
              { key: 'a', value: i },
              { key: 'b', value: i },
            ],
            [],
          ),
        );
        if (done !== 'done') {
          expect(['STORE_UNAVAILABLE', 'STORE_OUTCOME_UNKNOWN']).toContain(done);
          faults += 1;
          // as a loop waits before it tries again, so that the server gets the processor
          await delay(50);
          continue;
        }
        acknowledged = i;
      }
    })();
    for (let i = 0; i < 3; i += 1) await server.restart();
    isOver = true;
    await applying;
    const [cursor, rows] = await loaded(await open(), 'dispatch');
    expect([cursor, rows]).toEqual([`c${acknowledged}`, { a: acknowledged, b: acknowledged }]);
    expect(faults).toBeGreaterThan(0);
  }, RESTARTS_MS);

  it('does an apply once more whose answer was lost, also where it says from which place', async () => {
    const proxy = await startCuttingProxy(server.port);
    const state = await open(url.replace(String(server.port), String(proxy.port)));
    for (const [at, next] of [
      [null, 'c1'],
      ['c1', 'c2'],
    ] as const) {
      proxy.cutAfter('COMMIT');
      await state.apply('dispatch', next, [{ key: 'a', value: next }], [], { expected: at });
    }
    expect([await loaded(state, 'dispatch'), proxy.cutCount()]).toEqual([['c2', { a: 'c2' }], 2]);
    await proxy.dispose();
  });

  it('keeps any text as names and keys, in their order', async () => {
    const state = await open();
    const keys = ['\u0000', '\u0000a', '\u0001', '\u0001\u0001', 'a', 'a\u0000b', 'é', '😀'];
    await state.apply(
      'na\u0000me',
      'c1',
      [...keys].reverse().map((key) => ({ key, value: key })),
      ['\u0001'],
    );
    const { rows } = await state.load('na\u0000me');
    const found: unknown[] = [];
    for await (const { key, value } of rows) found.push([key, value]);
    expect(found).toEqual(keys.filter((key) => key !== '\u0001').map((key) => [key, key]));
  });

  it.each([
    ['value of a row', "UPDATE process_row SET value = '3'"],
    ['key of a row', "UPDATE process_row SET key = 'b'"],
    ['cursor', "UPDATE process_cursor SET cursor = 'c2'"],
  ])('refuses a changed %s, and says what to do', async (_, change) => {
    const state = await open();
    await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], []);
    await server.sql(url, change);
    await expect(loaded(state, 'dispatch')).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: expect.stringMatching(/a row of "dispatch" does not match its digest; empty process_row/),
    });
  });

  it('is empty where its database was lost and made again, and says so to who expects otherwise', async () => {
    const state = await open();
    await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], []);
    const name = new URL(url).pathname.slice(1);
    await server.sql(server.url(), `DROP DATABASE ${name} WITH (FORCE)`);
    expect(await codeOf(state.load('dispatch'))).toBe('STORE_UNAVAILABLE');
    await server.sql(server.url(), `CREATE DATABASE ${name}`);
    expect(await codeOf(state.apply('dispatch', 'c2', [], ['a'], { expected: 'c1' }))).toBe('STATE_MOVED');
    expect(await loaded(state, 'dispatch')).toEqual([null, {}]);
    await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], [], { expected: null });
    expect(await loaded(state, 'dispatch')).toEqual(['c1', { a: 1 }]);
  });

  it('refuses tables of a newer release', async () => {
    await open();
    await server.sql(url, "INSERT INTO process_state_migration (name, timestamp) VALUES ('0002-later', 'now')");
    await expect(open()).rejects.toMatchObject({ code: 'STORE_NEWER', message: expect.stringContaining('0002-later') });
  });
});
