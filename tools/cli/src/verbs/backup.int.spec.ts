import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { jest } from '@jest/globals';
import { someUser } from '../../fixtures/command-line.ts';
import { faultsOf } from '../../fixtures/output-schema.ts';

/** milliseconds; the verbs load the conductor's code */
jest.setTimeout(60_000);

let user: ReturnType<typeof someUser>;
let data = '';
beforeEach(() => {
  user = someUser();
  data = join(user.folder, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'version'), '1\n');
  emptyStore(join(data, 'events.db'));
});
afterEach(() => user.leave());

/** As the first start leaves it: tables, no events. */
function emptyStore(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('schema_version', '1'), ('incarnation', 'first');
    CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL, head INTEGER NOT NULL) STRICT;
    CREATE TABLE events (position INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, revision INTEGER NOT NULL, id TEXT NOT NULL,
      type TEXT NOT NULL, bytes BLOB NOT NULL, hash BLOB NOT NULL, sealed BLOB, digest BLOB NOT NULL) STRICT;`);
  db.close();
}

describe('backup', () => {
  it('says what is in the backup, that it is secret, and what to do with it', async () => {
    const { exitCode, out } = await user.call('backup', '--data', 'data', '--out', 'monday');
    expect(exitCode).toBe(0);
    expect(out).toContain(`0 events and 0 receipts of ${data} are in ${join(user.folder, 'monday')}`);
    expect(out).toContain('keep it as secret as the data folder');
    expect(out).toContain(`restore --from ${join(user.folder, 'monday')}`);
    expect(readdirSync(user.folder).filter((name) => name.includes('monday'))).toEqual(['monday']);
  });

  it('backs up the configuration that it was told of', async () => {
    writeFileSync(join(user.folder, 'maestro.yaml'), 'data: data\n');
    expect((await user.call('backup', '--out', 'monday')).exitCode).toBe(0);
    expect(readFileSync(join(user.folder, 'monday', 'config.yaml'), 'utf8')).toBe('data: data\n');
  });

  it('overwrites nothing', async () => {
    mkdirSync(join(user.folder, 'full'));
    writeFileSync(join(user.folder, 'full', 'mine'), '');
    expect(await user.call('backup', '--data', 'data', '--out', 'full')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('FOLDER_NOT_EMPTY') });
    expect(await user.call('backup', '--data', 'data', '--out', 'full/mine')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('NOT_A_FOLDER') });
    expect(await user.call('backup', '--data', 'nowhere', '--out', 'new')).toMatchObject({ exitCode: 1, notes: expect.stringContaining('DATA_FOLDER_INVALID') });
  });

  it('prints documents that fit their schema', async () => {
    const backedUp = await user.call('backup', '--data', 'data', '--out', 'monday', '--json');
    expect(faultsOf('backedUp', backedUp.out)).toEqual([]);
    const restored = await user.call('restore', '--from', 'monday', '--data', 'new', '--json');
    expect(faultsOf('restored', restored.out)).toEqual([]);
    const accepted = await user.call('restore', '--data', 'new', '--accept-loss', '--json');
    expect(faultsOf('lossAccepted', accepted.out)).toEqual([]);
    expect(JSON.parse(accepted.out)).toMatchObject({ loss: null });
  });
});

describe('restore', () => {
  beforeEach(async () => {
    await user.call('backup', '--data', 'data', '--out', 'monday');
  });

  it('says what it could not compare with, and how to go on', async () => {
    const { exitCode, out } = await user.call('restore', '--from', 'monday', '--data', 'new');
    expect(exitCode).toBe(0);
    expect(out).toContain('There was no head mark to compare with');
    expect(out).toContain(`up --data ${join(user.folder, 'new')}`);
  });

  it('names what would be gone, and goes on only when told to', async () => {
    copyFileSync(join(user.folder, 'monday', 'events.db-mark'), join(data, 'events.db-mark'));
    const db = new DatabaseSync(join(data, 'events.db'));
    db.exec("INSERT INTO streams VALUES (1, 'execution-a', 0); INSERT INTO events VALUES (1, 1, 0, 'x', 'y', x'00', x'01', NULL, x'02')");
    db.close();
    const refused = await user.call('restore', '--from', 'monday', '--data', 'data');
    expect(refused).toMatchObject({ exitCode: 1, notes: expect.stringMatching(/STORE_BEHIND_MARK.*1 acknowledged event is gone \(position 1\).*execution-a revisions 0 to 0/) });
    const done = await user.call('restore', '--from', 'monday', '--data', 'data', '--accept-loss', '--json');
    expect(faultsOf('restored', done.out)).toEqual([]);
    expect(JSON.parse(done.out)).toMatchObject({ isCompared: true, loss: { eventCount: 1, streams: [{ stream: 'execution-a' }] } });
    expect(existsSync(join(data, 'accepted-losses.json'))).toBe(true);
    const again = await user.call('restore', '--from', 'monday', '--data', 'data');
    expect(again.out).toContain('No acknowledged event is missing.');
    expect(again.out).toMatch(/What was there before lies in .*data\.before-\d{8}T\d{6}Z(-2)?\.\n/);
  });

  it('needs a backup, or to be told that none is meant', async () => {
    expect(await user.call('restore', '--data', 'data')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('USAGE_INVALID') });
    expect((await user.call('restore', '--data', 'data', '--accept-loss')).out).toContain('Nothing is missing');
    expect(await user.call('restore', '--from', 'data', '--data', 'new')).toMatchObject({ exitCode: 1, notes: expect.stringContaining('BACKUP_INVALID') });
  });
});
