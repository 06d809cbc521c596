import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readModelsConformance } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { openSqliteReadModels } from './read-models.ts';

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
  it('refuse a file from a newer release and say what to do', async () => {
    const dir = folder();
    const path = join(dir, 'views.db');
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    const error: unknown = await openSqliteReadModels({ path }).catch((e: unknown) => e);
    rmSync(dir, { recursive: true });
    expect(isFault(error, 'STORE_NEWER')).toBe(true);
    expect(String(error)).toContain('delete it to fold it again');
  });
});
