import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { processStateConformance } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { openSqliteProcessState, type SqliteProcessState } from './process-state.ts';

processStateConformance('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-process-'));
  const open = (): Promise<SqliteProcessState> => openSqliteProcessState({ path: join(folder, 'process.db') });
  let state = await open();
  const reopen = async (): Promise<SqliteProcessState> => {
    await state.close();
    return (state = await open());
  };
  const dispose = (): Promise<void> => state.close().finally(() => rmSync(folder, { recursive: true }));
  return { open: async () => state, reopen, dispose };
});

describe('SqliteProcessState', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'maestro-process-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps its file to the user', async () => {
    const path = join(folder, 'process.db');
    await (await openSqliteProcessState({ path })).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
  it('refuses a state of a newer version, and a file that is no database', async () => {
    const path = join(folder, 'process.db');
    await (await openSqliteProcessState({ path })).close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE meta SET value = '99'");
    db.close();
    expect(await openSqliteProcessState({ path }).catch((e: unknown) => isFault(e, 'STORE_NEWER'))).toBe(true);
    writeFileSync(path, 'no database '.repeat(500));
    expect(await openSqliteProcessState({ path }).catch((e: unknown) => isFault(e, 'STORE_DAMAGED'))).toBe(true);
  });
  it('says that nothing was written while another connection holds the database, and goes on after', async () => {
    const path = join(folder, 'process.db');
    const state = await openSqliteProcessState({ path, busyTimeoutMs: 0 });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const fault: unknown = await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], []).catch((e: unknown) => e);
    expect(isFault(fault, 'STORE_READ_ONLY') && fault.retryable).toBe(true);
    other.close();
    await state.apply('dispatch', 'c2', [{ key: 'a', value: 1 }], []);
    expect((await state.load('dispatch')).cursor).toBe('c2');
    await state.close();
  });
  it('resets its log however many loads were begun and never read', async () => {
    const path = join(folder, 'process.db');
    const state = await openSqliteProcessState({ path });
    const value = 'v'.repeat(4_096);
    await state.apply('dispatch', 'c1', [{ key: 'a', value }, { key: 'b', value }], []);
    await state.load('dispatch');
    await (await state.load('dispatch')).rows[Symbol.asyncIterator]().next();
    const grown = async (): Promise<number> => {
      for (let i = 0; i < 2_000; i++) await state.apply('dispatch', `c${i}`, [{ key: 'a', value }], []);
      return statSync(`${path}-wal`).size;
    };
    // SQLite begins its log anew every 1,000 pages, unless somebody may still read what is in it
    const first = await grown();
    expect(await grown()).toBe(first);
    await state.close();
  });
  it('ends a load that is under way with a fault when it is closed', async () => {
    const state = await openSqliteProcessState({ path: join(folder, 'process.db') });
    await state.apply(
      'dispatch',
      'c1',
      [
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ],
      [],
    );
    const rows = (await state.load('dispatch')).rows[Symbol.asyncIterator]();
    await rows.next();
    await state.close();
    expect(await rows.next().catch((e: unknown) => isFault(e, 'STORE_CLOSED'))).toBe(true);
  });
  it.each([
    ['value of a row', "UPDATE rows SET value = replace(value, '1', '3')"],
    ['key of a row', "UPDATE rows SET key = 'b'"],
    ['name of a row', "UPDATE rows SET name = 'dispatci'"],
    ['cursor', "UPDATE cursors SET cursor = 'c2'"],
    ['name of a cursor', "UPDATE cursors SET name = 'dispatci'"],
  ])('is refused when it is opened with a changed %s, and says which file and what to do', async (_, change) => {
    const path = join(folder, 'process.db');
    const state = await openSqliteProcessState({ path });
    await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], []);
    await state.close();
    const db = new DatabaseSync(path);
    db.exec(change);
    db.close();
    const fault: unknown = await openSqliteProcessState({ path }).catch((e: unknown) => e);
    expect(fault).toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringMatching(/process\.db is damaged: a row of "dispatc[hi]" .* doctor --repair/) });
  });
  it('refuses a row that is changed while it is open', async () => {
    const path = join(folder, 'process.db');
    const state = await openSqliteProcessState({ path });
    await state.apply('dispatch', 'c1', [{ key: 'a', value: 1 }], []);
    const db = new DatabaseSync(path);
    db.exec("UPDATE rows SET value = '2'");
    db.close();
    const { rows } = await state.load('dispatch');
    await expect(rows[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    await state.close();
  });
  it('takes over rows and cursors that an earlier release kept without digests', async () => {
    const path = join(folder, 'process.db');
    const old = new DatabaseSync(path);
    old.exec(`CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO meta VALUES ('schema_version', '1');
      CREATE TABLE cursors (name TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE rows (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
      INSERT INTO cursors VALUES ('dispatch', 'c1'); INSERT INTO rows VALUES ('dispatch', 'a', '{"n":1}')`);
    old.close();
    for (const _ of ['at once', 'and later']) {
      const state = await openSqliteProcessState({ path });
      const { cursor, rows } = await state.load('dispatch');
      const found = [];
      for await (const row of rows) found.push(row);
      expect([cursor, found]).toEqual(['c1', [{ key: 'a', value: { n: 1 } }]]);
      await state.close();
    }
  });
});
