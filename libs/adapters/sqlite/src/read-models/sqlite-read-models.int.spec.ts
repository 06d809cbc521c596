import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readModelsConformance } from '@maestro/conformance';
import { LISTS, TABLES, isFault } from '@maestro/ports';
import type { Rows } from '@maestro/ports';
import { openSqliteReadModels } from './sqlite-read-models.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'maestro-views-'));

readModelsConformance('sqlite', async () => {
  const dir = folder();
  const open = () => openSqliteReadModels({ path: join(dir, 'views.db') });
  let views = await open();
  const reopen = async () => {
    await views.close();
    return (views = await open());
  };
  const dispose = () => views.close().finally(() => rmSync(dir, { recursive: true }));
  return { open: async () => views, reopen, dispose };
});

describe('read models on SQLite', () => {
  let dir: string;
  let path: string;

  beforeEach(() => {
    dir = folder();
    path = join(dir, 'views.db');
  });

  afterEach(() => rmSync(dir, { recursive: true }));

  it('refuse a file from a newer release and say what to do', async () => {
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    const error: unknown = await openSqliteReadModels({ path }).catch((e: unknown) => e);
    expect(isFault(error, 'STORE_NEWER')).toBe(true);
    expect(String(error)).toContain('delete it to fold it again');
  });

  it('take over the rows and the checkpoint of the first layout, and say that they follow its rules', async () => {
    const old = new DatabaseSync(path);
    const table = (name: string) => `CREATE TABLE "${name}" ("id" text primary key, "sort_key" text not null, "workflow_id" text, "status" text, "row" text not null)`;
    for (const name of ['execution', 'workflow', 'command']) old.exec(table(name));
    old.exec('CREATE TABLE checkpoint ("only" integer primary key, "cursor" text not null)');
    const run = { id: 'r1', workflowId: 'w', status: 'failed', requestedAt: '2026-01-05T10:00:00.000Z', finishedAt: '2026-01-05T10:00:01.000Z', actor: 'user:a', labels: { team: 'x' }, costMicroUsd: 3 };
    old.prepare('INSERT INTO execution VALUES (?, ?, ?, ?, ?)').run('r1', run.requestedAt, 'w', 'failed', JSON.stringify(run));
    old.prepare('INSERT INTO workflow VALUES (?, ?, NULL, NULL, ?)').run('w', run.requestedAt, JSON.stringify({ id: 'w', updatedAt: run.requestedAt }));
    old.exec("INSERT INTO checkpoint VALUES (1, 'store.7'); PRAGMA user_version = 1");
    old.close();
    const views = await openSqliteReadModels({ path });
    const listed = await views.list('execution', { where: { status: 'failed' }, tags: ['team:x'], limit: 10 });
    const workflows = await views.get('workflow', ['w']);
    const status = await views.status();
    await views.close();

    expect(listed.rows).toEqual([{ resumedFrom: null, ...run }]);
    expect(workflows.get('w')).toEqual(expect.objectContaining({ labels: {}, publication: null }));
    expect(status).toEqual({ served: { projection: 1, position: 'store.7', events: null }, filling: null, rebuildRequested: false });
  });

  it('hear of a request that another process made', async () => {
    const [views, another] = [await openSqliteReadModels({ path }), await openSqliteReadModels({ path })];
    const stop = new AbortController();
    const heard = views.rebuildRequested(stop.signal);
    await another.requestRebuild();
    expect(await heard).toBe(true);
    await another.close();
    await views.close();
  });

  it('drop what was served before a swap, also where they were closed in the middle of it', async () => {
    const tables = (): readonly string[] => {
      const raw = new DatabaseSync(path);
      const names = raw.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'execution%' ORDER BY name").all();
      raw.close();
      return names.map(({ name }) => String(name));
    };
    const views = await openSqliteReadModels({ path });
    await views.beginRebuild(2);
    const swapping = views.swap();
    await views.close();
    await swapping;
    const left = tables();
    const again = await openSqliteReadModels({ path });
    await again.beginRebuild(3);
    await again.swap();
    await again.close();

    expect(left).toEqual(['execution_1', 'execution_2', 'execution_tag_1', 'execution_tag_2']);
    expect(tables()).toEqual(['execution_3', 'execution_tag_3']);
  });

  it('say that a damaged file is damaged', async () => {
    const views = await openSqliteReadModels({ path });
    await views.close();
    const raw = new DatabaseSync(path);
    raw.exec('DROP TABLE generation');
    raw.close();
    const damaged = await openSqliteReadModels({ path });
    const error: unknown = await damaged.position().catch((e: unknown) => e);
    await damaged.close();
    expect(isFault(error, 'STORE_DAMAGED')).toBe(true);
  });

  it('have an index that gives the order of every list that can be asked by one filter or tag', async () => {
    const views = await openSqliteReadModels({ path });
    const raw = new DatabaseSync(path);
    for (const table of TABLES) {
      for (const filter of LISTS[table].filters) {
        const plan = raw.prepare(`EXPLAIN QUERY PLAN SELECT row FROM ${table}_1 WHERE ${filter} = 'x' ORDER BY ${LISTS[table].time} DESC, id DESC LIMIT 51`).all();
        expect([table, filter, plan.map(({ detail }) => String(detail).replace(/USING INDEX \S+ /, 'USING INDEX '))]).toEqual([table, filter, [`SEARCH ${table}_1 USING INDEX (${filter}=?)`]]);
      }
    }
    raw.close();
    await views.close();
  });
  describe('that were changed', () => {
    const run = (id: string) => ({ id, workflowId: 'w', version: '1.0.0', channel: 'stable', status: 'failed', requestedAt: '2026-01-05T10:00:00.000Z', startedAt: null, finishedAt: null, actor: 'user:a', labels: { team: 'x' }, costMicroUsd: 3 }) as unknown as Rows['execution'];
    const change = (statement: string): void => {
      const raw = new DatabaseSync(path);
      raw.exec(statement);
      raw.close();
    };

    beforeEach(async () => {
      const views = await openSqliteReadModels({ path });
      await views.apply({ cursor: 'store.7', events: 7, upserts: { execution: [run('r1'), run('r2')] } });
      await views.close();
    });

    it('refuse a row that is not the one that was written, by any way that leads to it', async () => {
      change("UPDATE execution_1 SET row = replace(row, '1.0.0', '1.0.1') WHERE id = 'r2'");
      const views = await openSqliteReadModels({ path });
      const fault = { code: 'STORE_DAMAGED', message: expect.stringMatching(/views\.db.* row r2 of execution does not match its digest/) };
      expect((await views.get('execution', ['r1'])).size).toBe(1);
      await expect(views.get('execution', ['r1', 'r2'])).rejects.toMatchObject(fault);
      await expect(views.list('execution', { limit: 10 })).rejects.toMatchObject(fault);
      await expect(views.list('execution', { tags: ['team:x'], limit: 10 })).rejects.toMatchObject(fault);
      await expect(views.proveRows()).rejects.toMatchObject(fault);
      await views.close();
    });

    it.each(['position', 'projection', 'events'])('refuse to serve where their register has another %s', async (column) => {
      change(`UPDATE generation SET ${column} = 9`);
      const views = await openSqliteReadModels({ path });
      await expect(views.position()).rejects.toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringContaining('views.db') });
      await views.close();
    });

    it('refuse to serve where their register is empty', async () => {
      change('DELETE FROM generation');
      const views = await openSqliteReadModels({ path });
      const ways = [() => views.position(), () => views.status(), () => views.get('execution', ['r1']), () => views.list('execution', { limit: 1 }), () => views.apply({ cursor: 'store.8', events: 8, upserts: {} })];
      for (const way of ways) await expect(way()).rejects.toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringContaining('does not say which tables are served') });
      await views.close();
    });

    it('do not open where a page is damaged, and say where it lies', async () => {
      const raw = new DatabaseSync(path, { readOnly: true });
      const page = Number(raw.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'execution_1_status_requestedAt_id'").get()?.['rootpage']);
      raw.close();
      const bytes = readFileSync(path);
      bytes[(page - 1) * 4_096 + 4] = 1;
      writeFileSync(path, bytes);
      const fault: unknown = await openSqliteReadModels({ path }).catch((e: unknown) => e);
      expect(isFault(fault, 'STORE_DAMAGED') && fault.message).toMatch(/views\.db is damaged: .*doctor --repair/);
    });

    it('have every column of tags in an index, which a check of the file compares with it', async () => {
      const raw = new DatabaseSync(path, { readOnly: true });
      for (const table of TABLES) {
        const tags = raw.prepare(`PRAGMA table_info(${table}_tag_1)`).all().map(({ name }) => String(name));
        const indexed = raw.prepare(`PRAGMA index_list(${table}_tag_1)`).all().filter(({ origin }) => origin === 'c');
        const columns = indexed.flatMap(({ name }) => raw.prepare(`PRAGMA index_xinfo(${String(name)})`).all().map((row) => String(row['name'])));
        expect([table, tags.filter((column) => !columns.includes(column))]).toEqual([table, []]);
      }
      raw.close();
    });

    it('prove rows that an earlier release kept without digests, once they are taken over', async () => {
      change("UPDATE execution_1 SET row = substr(row, 65); ALTER TABLE generation DROP COLUMN digest; DELETE FROM kysely_migration WHERE name = '0003-digests'; PRAGMA user_version = 2");
      const views = await openSqliteReadModels({ path });
      expect([await views.proveRows(), await views.position()]).toEqual([2, 'store.7']);
      expect((await views.list('execution', { tags: ['team:x'], limit: 10 })).rows).toHaveLength(2);
      await views.close();
    });
  });
});
