import { isFault } from '@maestro/ports';
import { startCuttingProxy } from '../fixtures/cutting-proxy.ts';
import { startPostgresServer, type PostgresServer } from '../fixtures/postgres-server.ts';
import { openPostgres } from './postgres-database.ts';
import type { PostgresDatabase, PostgresOptions, Run } from './postgres-database.ts';

let server: PostgresServer;
let url: string;
const opened: PostgresDatabase[] = [];
const open = async (o: Partial<PostgresOptions> = {}): Promise<PostgresDatabase> => {
  const database = await openPostgres({ connectionString: url, ...o });
  opened.push(database);
  return database;
};
const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no fault',
    (error: unknown) => (isFault(error) ? [error.code, error.retryable] : error),
  );
const once = { doing: 'testing', isRepeatable: false };
const again = { doing: 'testing', isRepeatable: true };

beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());
beforeEach(async () => {
  url = await server.freshDatabase();
  await server.sql(url, 'CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)', 'INSERT INTO t VALUES (1, 0), (2, 0)');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe('a database', () => {
  it('says what is wrong when it is opened: nobody there, no such user, another encoding', async () => {
    expect(await faultOf(open({ connectionString: 'postgres://maestro@127.0.0.1:1/none' }))).toEqual(['STORE_UNAVAILABLE', true]);
    expect(await faultOf(open({ connectionString: server.url('no_such_database') }))).toEqual(['STORE_UNAVAILABLE', true]);
    expect(await faultOf(open({ connectionString: server.url().replace('maestro@', 'stranger@') }))).toEqual(['STORE_DENIED', false]);
    await server.sql(server.url(), "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0");
    expect(await faultOf(open({ connectionString: server.url('bytes') }))).toEqual(['POSTGRES_UNFIT', false]);
  });

  it('undoes all of a transaction that fails, and gives its connection back', async () => {
    const database = await open({ connectionsMax: 2 });
    for (let i = 0; i < 5; i += 1) {
      const failing = database.transaction(once, async (run) => {
        await run('UPDATE t SET n = 9');
        throw new Error('a bug');
      });
      await expect(failing).rejects.toThrow('a bug');
    }
    expect(await database.read('reading', (run) => run('SELECT sum(n)::int AS n FROM t'))).toEqual([{ n: 0 }]);
  });

  it('never waits without end: for a lock, for a statement, for a connection', async () => {
    const database = await open({ connectionsMax: 2, lockTimeoutMs: 50, connectTimeoutMs: 1_000 });
    await database.transaction(once, async (run) => {
      await run('UPDATE t SET n = 1 WHERE id = 1');
      expect(await faultOf(database.transaction(once, (other) => other('UPDATE t SET n = 2 WHERE id = 1')))).toEqual(['STORE_READ_ONLY', true]);
      await database.transaction(once, async () => {
        expect(await faultOf(database.read('reading', (third) => third('SELECT 1')))).toEqual(['STORE_UNAVAILABLE', true]);
      });
    });
    expect(await database.read('reading', (run) => run('SELECT n FROM t WHERE id = 1'))).toEqual([{ n: 1 }]);
    const impatient = await open({ statementTimeoutMs: 500 });
    expect(await faultOf(impatient.read('reading', (run) => run('SELECT pg_sleep(60)')))).toEqual(['STORE_READ_ONLY', true]);
  });

  it('tries again by itself where two transactions wait for each other', async () => {
    const database = await open();
    let attempts = 0;
    let meet: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (meet = resolve));
    const crossing = (first: number, second: number): Promise<void> =>
      database.transaction(once, async (run) => {
        attempts += 1;
        await run('UPDATE t SET n = n + 1 WHERE id = $1', [first]);
        if (attempts === 2) meet();
        await both;
        await run('UPDATE t SET n = n + 1 WHERE id = $1', [second]);
      });
    await Promise.all([crossing(1, 2), crossing(2, 1)]);
    expect(attempts).toBeGreaterThan(2);
    expect(await database.read('reading', (run) => run('SELECT n FROM t ORDER BY id'))).toEqual([{ n: 2 }, { n: 2 }]);
  });

  it('survives a restart of the server between two transactions', async () => {
    const database = await open({ connectionsMax: 3 });
    const three = (): Promise<unknown> => Promise.all([1, 2, 3].map(() => database.transaction(again, (run) => run('UPDATE t SET n = n WHERE id = 1'))));
    await three();
    await server.restart();
    await three();
    await server.stop();
    expect(await faultOf(database.transaction(again, (run) => run('SELECT 1')))).toEqual(['STORE_UNAVAILABLE', true]);
    await server.restart();
    await three();
  });

  it('tries again where its connection breaks before the commit', async () => {
    const database = await open();
    let attempts = 0;
    await database.transaction(once, async (run) => {
      attempts += 1;
      await run('UPDATE t SET n = n + 1 WHERE id = 1');
      if (attempts > 1) return;
      const [own] = await run('SELECT pg_backend_pid() AS pid');
      await server.sql(url, `SELECT pg_terminate_backend(${String(own?.['pid'])})`);
      await run('SELECT 1');
    });
    expect([attempts, await database.read('reading', (run) => run('SELECT n FROM t WHERE id = 1'))]).toEqual([2, [{ n: 1 }]]);
  });

  it('says that the outcome is unknown where the answer to a commit is lost, or repeats what is harmless to repeat', async () => {
    const proxy = await startCuttingProxy(server.port);
    const database = await open({ connectionString: url.replace(String(server.port), String(proxy.port)) });
    const repeats: boolean[] = [];
    const setTo =
      (n: number) =>
      async (run: Run, isRepeat: boolean): Promise<void> => {
        repeats.push(isRepeat);
        await run('UPDATE t SET n = $1 WHERE id = 1', [n]);
      };
    proxy.cutAfter('COMMIT');
    expect(await faultOf(database.transaction(once, setTo(5)))).toEqual(['STORE_OUTCOME_UNKNOWN', true]);
    expect(await database.read('reading', (run) => run('SELECT n FROM t WHERE id = 1'))).toEqual([{ n: 5 }]);
    proxy.cutAfter('COMMIT');
    await database.transaction(again, setTo(6));
    expect([repeats, proxy.cutCount()]).toEqual([[false, false, true], 2]);
    await proxy.dispose();
    expect(await faultOf(database.read('reading', (run) => run('SELECT 1')))).toEqual(['STORE_UNAVAILABLE', true]);
  });

  it('gives a server up that is not heard of any more, once, and finds it again', async () => {
    const database = await open({ statementTimeoutMs: 1_000 });
    await Promise.all([1, 2, 3].map(() => database.read('reading', (run) => run('SELECT pg_sleep(0.01)'))));
    server.pause();
    const fault = await faultOf(database.read('reading', (run) => run('SELECT 1')));
    server.resume();
    expect(fault).toEqual(['STORE_UNAVAILABLE', true]);
    expect(await database.read('reading', (run) => run('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
  });

  it('refuses everything once it was closed', async () => {
    const database = await open();
    await database.close();
    await database.close();
    expect(await faultOf(database.read('reading', (run) => run('SELECT 1')))).toEqual(['STORE_CLOSED', false]);
  });

  it('says which settings of the server lose what was committed', async () => {
    const weak = await startPostgresServer({ settings: { fsync: 'off', full_page_writes: 'off' } });
    const [one, other] = [await open(), await open({ connectionString: weak.url() })];
    expect([await one.durability(), await other.durability()]).toEqual([
      { isDurable: true, weak: [] },
      { isDurable: false, weak: ['fsync=off', 'full_page_writes=off'] },
    ]);
    await other.close();
    await weak.dispose();
  });
});
