import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionRow } from '@maestro/domain';
import { LISTS, TABLES, isFault } from '@maestro/ports';
import type { FoldedBatch, ReadModels } from '@maestro/ports';
import { startCuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { startPostgresServer, type PostgresServer } from '../../fixtures/postgres-server.ts';
import { openPostgres } from '../postgres-database.ts';
import type { PostgresDatabase } from '../postgres-database.ts';
import { openPostgresReadModels } from './postgres-read-models.ts';
import type { PostgresReadModels } from './postgres-read-models.ts';

/** A bound for what hangs: a busy machine takes ten times as long as an idle one. */
const RESTARTS_MS = 180_000;

let server: PostgresServer;
let url: string;
const databases: PostgresDatabase[] = [];
/** As another process would: with connections of its own. */
const open = async (connectionString = url): Promise<PostgresReadModels> => {
  const database = await openPostgres({ connectionString });
  databases.push(database);
  return openPostgresReadModels(database);
};
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFault(error) ? error.code : error),
  );
const run = (id: string, more: Partial<ExecutionRow> = {}): ExecutionRow =>
  ({
    id,
    workflowId: 'w',
    version: '1.0.0',
    channel: 'stable',
    status: 'failed',
    requestedAt: '2026-01-05T10:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    actor: 'user:a',
    labels: { team: 'x' },
    costMicroUsd: 3,
    ...more,
  }) as unknown as ExecutionRow;
const batch = (from: number | null, to: number, who: string): FoldedBatch => ({
  expected: from === null ? null : `c${from}`,
  cursor: `c${to}`,
  events: 1,
  upserts: { execution: [run(`run-${to}`, { actor: who }), run('last', { actor: who, appliedRevision: to })] },
});

beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());
beforeEach(async () => (url = await server.freshDatabase()));
afterEach(async () => {
  await Promise.all(databases.splice(0).map((each) => each.close()));
});

describe('read models of several processes', () => {
  it('are made once by however many open them at once', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => open()));
    await all[0]?.apply(batch(null, 1, 'a'));
    for (const views of all) expect(await views.position()).toBe('c1');
  });

  it('take each batch from exactly one projector, and go on with the other one when it dies', async () => {
    const one = await open();
    const other = await open();
    await one.apply(batch(null, 0, 'a'));
    for (let i = 1; i <= 15; i += 1) {
      const outcomes = await Promise.all([codeOf(one.apply(batch(i - 1, i, 'a'))), codeOf(other.apply(batch(i - 1, i, 'b')))]);
      expect([...outcomes].sort()).toEqual(['STATE_MOVED', 'done']);
      const winner = outcomes[0] === 'done' ? 'a' : 'b';
      const rows = await one.get('execution', [`run-${i}`, 'last']);
      expect([...rows.values()].map(({ actor }) => actor)).toEqual([winner, winner]);
    }
    await databases.shift()?.close();
    expect(await codeOf(one.apply(batch(15, 16, 'a')))).toBe('STORE_CLOSED');
    await other.apply(batch(15, 16, 'b'));
    expect(await other.status()).toMatchObject({ served: { position: 'c16', events: 17 } });
  });

  it('do not wait for ever for a projector that stands still in the middle of its transaction', async () => {
    const stuck = await openPostgres({ connectionString: url, statementTimeoutMs: 500 });
    databases.push(stuck);
    const views = await open();
    await views.apply(batch(null, 1, 'a'));
    let attempts = 0;
    let goOn: () => void = () => undefined;
    const standing = new Promise<void>((resolve) => (goOn = resolve));
    let locked: () => void = () => undefined;
    const isLocked = new Promise<void>((resolve) => (locked = resolve));
    const stopped = codeOf(
      stuck.transaction({ doing: 'standing still', isRepeatable: false }, async (statement) => {
        attempts += 1;
        if (attempts > 1) throw new Error('its first attempt was ended by the server');
        await statement('SELECT pg_advisory_xact_lock($1, 0)', [0x6d63_0003]);
        locked();
        await standing;
        await statement("UPDATE generation SET position = 'c9'");
      }),
    );
    await isLocked;
    await views.apply(batch(1, 2, 'b'));
    goOn();
    expect(await stopped).toMatchObject({ message: 'its first attempt was ended by the server' });
    expect(await views.position()).toBe('c2');
  });

  it('are read without a gap while new tables are swapped in again and again', async () => {
    const [views, reader] = await Promise.all([open(), open()]);
    await views.apply(batch(null, 1, 'a'));
    let isOver = false;
    const seen = new Set<number>();
    const reading = (async () => {
      while (!isOver) {
        seen.add((await reader.list('execution', { limit: 10, tags: ['team:x'] })).rows.length);
        seen.add((await reader.get('execution', ['run-1', 'last'])).size);
      }
    })();
    for (let i = 0; i < 6; i += 1) {
      await views.beginRebuild(i);
      await views.apply({ ...batch(null, 1, 'a'), expected: null }, 'filling');
      await views.swap('c1');
    }
    isOver = true;
    await reading;
    expect([...seen]).toEqual([2]);
    expect(await server.sql(url, "SELECT count(*)::int AS n FROM pg_tables WHERE tablename LIKE 'execution%'")).toEqual([{ n: 2 }]);
  });

  it('survive restarts of the server in the middle of applies: rows and position are of one moment, and nothing acknowledged is lost', async () => {
    const views = await open();
    await views.apply(batch(null, 0, 'a'));
    let at = 0;
    let faults = 0;
    let isOver = false;
    const applying = (async () => {
      while (!isOver || at < 20) {
        const outcome = await codeOf(views.apply(batch(at, at + 1, 'a')));
        if (outcome === 'done') {
          at += 1;
          continue;
        }
        faults += 1;
        expect(['STORE_UNAVAILABLE', 'STORE_OUTCOME_UNKNOWN', 'STATE_MOVED']).toContain(outcome);
        // as a projector does: it waits, and reads where the tables stand
        await delay(50);
        at = Number((await views.position().catch(() => `c${at}`))?.slice(1));
      }
    })();
    for (let i = 0; i < 3; i += 1) await server.restart();
    isOver = true;
    await applying;
    const again = await open();
    expect([await again.position(), (await again.get('execution', ['last'])).get('last')?.appliedRevision]).toEqual([`c${at}`, at]);
    expect(
      (
        await again.get(
          'execution',
          Array.from({ length: at + 1 }, (_, i) => `run-${i}`),
        )
      ).size,
    ).toBe(at + 1);
    expect((await again.status()).served.events).toBe(at + 1);
    expect(faults).toBeGreaterThan(0);
  }, RESTARTS_MS);

  it('count a batch once whose answer was lost', async () => {
    const proxy = await startCuttingProxy(server.port);
    const views = await open(url.replace(String(server.port), String(proxy.port)));
    await views.apply(batch(null, 1, 'a'));
    proxy.cutAfter('COMMIT');
    await views.apply(batch(1, 2, 'a'));
    await views.beginRebuild(4);
    proxy.cutAfter('COMMIT');
    expect(await codeOf(views.swap('c2'))).toBe('STORE_OUTCOME_UNKNOWN');
    expect([proxy.cutCount(), await views.status()]).toMatchObject([2, { served: { projection: 4, position: null }, filling: null }]);
    await proxy.dispose();
  });

  it('hear of a request that another process made', async () => {
    const [views, another] = await Promise.all([open(), open()]);
    const heard = views.rebuildRequested(new AbortController().signal);
    await another.requestRebuild();
    expect(await heard).toBe(true);
  });
});

describe('read models whose database was lost', () => {
  it('are empty tables once it is there again, and ask to be made anew; until then they say that nobody answers', async () => {
    const views = await open();
    await views.apply(batch(null, 1, 'a'));
    const name = new URL(url).pathname.slice(1);
    await server.sql(server.url(), `DROP DATABASE ${name} WITH (FORCE)`);
    expect(await codeOf(views.list('execution', { limit: 1 }))).toBe('STORE_UNAVAILABLE');
    await server.sql(server.url(), `CREATE DATABASE ${name}`);
    expect(await views.list('execution', { limit: 1 })).toEqual({ rows: [], next: null });
    expect(await views.status()).toEqual({ served: { projection: null, position: null, events: 0 }, filling: null, rebuildRequested: true });
    expect(await codeOf(views.apply(batch(1, 2, 'a')))).toBe('STATE_MOVED');
  });

  it('refuse tables of which one is missing, or that are of a newer release', async () => {
    const views = await open();
    await server.sql(url, 'DROP TABLE rebuild_request');
    expect(await codeOf(views.status())).toBe('STORE_DAMAGED');
    await server.sql(url, "INSERT INTO read_models_migration (name, timestamp) VALUES ('0009-later', 'now')");
    expect(await codeOf(open())).toBe('STORE_NEWER');
  });
});

describe('rows in Postgres', () => {
  it.each([
    ['row', "UPDATE execution_1 SET row = replace(row, '1.0.0', '1.0.1') WHERE id = 'run-1'", /row run-1 of execution does not match its digest/],
    ['register', "UPDATE generation SET position = 'c9'", /a row of their register does not match its digest/],
    ['register, of which nothing is left,', 'TRUNCATE generation', /their register does not say which tables are served/],
  ])('are refused when the %s is another one than was written, by any way that leads to it', async (_, change, message) => {
    const views = await open();
    await views.apply(batch(null, 1, 'a'));
    await server.sql(url, change);
    const ways: readonly ((models: ReadModels) => Promise<unknown>)[] = [
      (m) => m.get('execution', ['run-1']),
      (m) => m.list('execution', { limit: 5 }),
      (m) => m.list('execution', { tags: ['team:x'], limit: 5 }),
    ];
    for (const way of ways) await expect(way(views)).rejects.toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringMatching(message) });
  });

  it('have an index for every list by one filter, and names that Postgres does not cut', async () => {
    const views = await open();
    await views.apply({
      cursor: 'c1',
      events: 1,
      upserts: {
        execution: Array.from({ length: 5_000 }, (_, i) => run(`run-${i}`, { workflowId: `w${i % 50}`, requestedAt: new Date(i * 1_000).toISOString() })),
      },
    });
    const indexes = (await server.sql(url, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")).map(({ indexname }) => String(indexname));
    // two more digits of the generation's number fit
    expect(Math.max(...indexes.map((name) => name.length))).toBeLessThan(61);
    const wanted = TABLES.flatMap((table) => LISTS[table].filters.map((filter) => `${table}_1_${filter}_${LISTS[table].time}_id`));
    expect(wanted.filter((name) => !indexes.includes(name))).toEqual([]);
    const explain = `EXPLAIN SELECT row FROM execution_1 WHERE "workflowId" = 'w3' ORDER BY "requestedAt" DESC, id DESC LIMIT 10`;
    const plan = (await server.sql(url, 'ANALYZE execution_1', explain)).map((line) => String(line['QUERY PLAN']));
    expect(plan.filter((line) => /Scan|Sort/.test(line))).toEqual([
      expect.stringContaining('Index Scan Backward using "execution_1_workflowId_requestedAt_id"'),
    ]);
  });

  it('are listed by two tags in the order of an index, also right after a swap', async () => {
    const views = await open();
    await views.beginRebuild(5);
    await views.apply(
      {
        cursor: 'c1',
        events: 1,
        upserts: {
          execution: Array.from({ length: 3_000 }, (_, i) =>
            run(`run-${i}`, { requestedAt: new Date(i * 1_000).toISOString(), labels: { team: `t${i % 3}`, env: `e${i % 2}` } }),
          ),
        },
      },
      'filling',
    );
    await views.swap();
    const name = new URL(url).pathname.slice(1);
    await server.sql(
      url,
      `ALTER DATABASE ${name} SET session_preload_libraries = 'auto_explain'`,
      `ALTER DATABASE ${name} SET auto_explain.log_min_duration = 0`,
    );
    expect((await (await open()).list('execution', { tags: ['team:t1', 'env:e1'], limit: 50 })).rows).toHaveLength(50);
    const plan = server.log().split('plan:').at(-1) ?? '';
    expect(plan).toMatch(/Backward using execution_tag_2_key on execution_tag_2 tagged/);
    expect(plan).not.toMatch(/Sort|Hash|Seq Scan/);
  });

  it('are found by filters that no text of Postgres can hold', async () => {
    const views = await open();
    await views.apply({ cursor: 'c1', events: 1, upserts: { execution: [run('a\u0000b', { actor: 'user:\u0000', labels: { team: '\u0000' } })] } });
    const found = async (query: object): Promise<number> => (await views.list('execution', { limit: 5, ...query })).rows.length;
    expect([
      await found({ where: { actor: 'user:\u0000' } }),
      await found({ where: { actor: 'user:\u0001' } }),
      await found({ tags: ['team:\u0000'] }),
      await found({ prefix: 'a\u0000' }),
      (await views.get('execution', ['a\u0000b'])).size,
    ]).toEqual([1, 0, 1, 1, 1]);
  });
});
