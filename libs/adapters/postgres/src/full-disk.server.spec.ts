import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFault } from '@maestro/ports';
import { startPostgresServer, type PostgresServer } from '../fixtures/postgres-server.ts';
import { openPostgres } from './postgres-database.ts';
import { openPostgresProcessState } from './process-state.ts';
import { openPostgresReadModels } from './read-models/postgres-read-models.ts';
import { openPostgresKeyVault } from './vault/postgres-key-vault.ts';
import { openWrapKeyFile } from './vault/wrap-key-file.ts';

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFault(error) ? [error.code, error.retryable] : error),
  );

/** 512 KB that do not get smaller. */
const BIG = Array.from({ length: 8_000 }, (_, i) => hash('sha256', String(i))).join('');

describe('a full disk of Postgres', () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    server = await startPostgresServer({ smallDiskMiB: 48 });
    folder = mkdtempSync(join(tmpdir(), 'maestro-wrap-'));
  });
  afterAll(async () => {
    await server.dispose();
    rmSync(folder, { recursive: true });
  });

  it('refuses writes as something that passes, serves what is there, and takes writes again once space is free', async () => {
    const url = await server.freshDatabase();
    const name = new URL(url).pathname.slice(1);
    await server.sql(server.url(), `CREATE TABLESPACE small LOCATION '${server.smallDisk}'`, `ALTER DATABASE ${name} SET default_tablespace = small`);
    const database = await openPostgres({ connectionString: url });
    const [state, views] = [await openPostgresProcessState(database), await openPostgresReadModels(database)];
    const vault = await openPostgresKeyVault(database, openWrapKeyFile(join(folder, 'wrap.keys')));
    await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], []);
    await views.apply({ cursor: 'c1', events: 1, upserts: {} });
    const keyId = await vault.create('execution:1');
    await server.sql(url, 'CREATE TABLE filler (text text)');
    await expect(server.sql(url, "INSERT INTO filler SELECT repeat('x', 2000) FROM generate_series(1, 50000)")).rejects.toMatchObject({ code: '53100' });
    // an insert that failed leaves its pages taken until they are vacuumed: the disk stays full
    const writes = await Promise.all([
      codeOf(state.apply('dispatch', 'c2', [{ key: 'a', value: BIG }], [])),
      codeOf(views.beginRebuild(3)),
      codeOf(
        (async () => {
          for (let i = 0; i < 20_000; i += 1) await vault.create('execution:2');
        })(),
      ),
    ]);
    expect(writes).toEqual([
      ['STORE_READ_ONLY', true],
      ['STORE_READ_ONLY', true],
      ['STORE_READ_ONLY', true],
    ]);
    expect([(await state.load('dispatch')).cursor, await views.position(), await codeOf(vault.derive(keyId, 'x'))]).toEqual(['c1', 'c1', 'done']);
    await server.sql(url, 'DROP TABLE filler');
    await state.apply('dispatch', 'c2', [{ key: 'a', value: BIG }], []);
    await views.beginRebuild(3);
    await vault.create('execution:3');
    await Promise.all([vault.close(), views.close(), state.close()]);
    await database.close();
  });
});
