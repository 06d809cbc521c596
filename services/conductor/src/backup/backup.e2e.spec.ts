import 'reflect-metadata';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Log } from '@maestro/ports';
import { startConductor } from '../conductor.ts';
import type { Conductor } from '../conductor.ts';
import { parseConfig } from '../config.ts';
import { examine } from '../doctor/examine.ts';
import { acceptStoreLoss } from './accept-loss.ts';
import { BACKUP_MANIFEST, readManifest } from './backup-manifest.ts';
import { createBackup } from './create-backup.ts';
import type { BackupReport } from './create-backup.ts';
import { restoreBackup } from './restore-backup.ts';
import type { RestoreReport } from './restore-backup.ts';

const silent: Log = { log: () => undefined };
const HELLO = { name: 'hello', version: '0.1.0', tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'hi' } }] };
const NOW = '2026-01-05T10:00:00.000Z';
const TOLD = '20260105T100000Z';

let place = '';
let sound = '';
let backupDir = '';
let made: BackupReport;
let runId = '';

async function start(data: string): Promise<Conductor> {
  const parsed = parseConfig(['--data', data, '--workspace', place, '--port', '0'], {}, place);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return startConductor(parsed.config, silent);
}

async function post(url: string, body: unknown): Promise<{ readonly id: string }> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return (await answer.json()) as { id: string };
}

async function runOne({ url }: Conductor): Promise<string> {
  const { id } = await post(`${url}/api/executions`, { workflowId: 'hello' });
  for (let asked = 0; asked < 2_000; asked += 1) if ((await fetch(`${url}/api/executions/${id}/receipt`)).status === 200) return id;
  throw new Error(`${id} got no receipt`);
}

async function verdictOf({ url }: Conductor, id: string): Promise<string> {
  return ((await (await fetch(`${url}/api/executions/${id}/verify`)).json()) as { verdict: string }).verdict;
}

const backUp = (data: string, out: string): Promise<BackupReport> => createBackup({ args: ['--data', data], environment: {}, cwd: place, out, now: NOW, onProgress: () => undefined });
const restoreTo = (dataDir: string, o: { readonly from?: string; readonly acceptLoss?: boolean } = {}): Promise<RestoreReport> =>
  restoreBackup({ from: backupDir, acceptLoss: false, ...o, dataDir, now: NOW, onProgress: () => undefined });
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? join(entry.parentPath, entry.name).slice(folder.length + 1) : []));

/** A folder with one run, backed up while its conductor serves; then one run more. */
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'maestro-backup-'));
  sound = join(place, 'sound');
  backupDir = join(place, 'backup');
  const conductor = await start(sound);
  await post(`${conductor.url}/api/workflows`, HELLO);
  await post(`${conductor.url}/api/workflows/hello/publish`, {});
  runId = await runOne(conductor);
  made = await backUp(sound, backupDir);
  await runOne(conductor);
  await conductor.stop();
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

let data = '';
beforeEach(() => {
  data = join(place, 'data');
});
afterEach(() => {
  for (const name of readdirSync(place)) if (name.startsWith('data') || name.startsWith('other')) rmSync(join(place, name), { recursive: true, force: true });
});

describe('a backup', () => {
  it('holds store, keys, evidence and the pinned policy set, and nothing that is folded anew', () => {
    const files = filesIn(backupDir);
    expect(files).toEqual(expect.arrayContaining(['events.db', 'events.db-mark', 'version', join('keys', 'signing.pem'), join('keys', 'registry.json'), BACKUP_MANIFEST]));
    expect(files.filter((file) => /^(state|views)\.db|conductor\.json|-lock$|-wal$/.test(file))).toEqual([]);
    expect(files.some((file) => file.startsWith(join('evidence', 'packs')))).toBe(true);
    expect(files).toContain(join('policy', `${made.policySets[0]}.wasm`));
    expect(made).toMatchObject({ receipts: 1, createdAt: NOW, fileCount: files.length - 1 });
    expect(readManifest(backupDir).files.map(({ path }) => join(...path.split('/'))).sort()).toEqual(files.filter((file) => file !== BACKUP_MANIFEST).sort());
  });

  it('is for its owner alone', () => {
    expect(filesIn(backupDir).filter((file) => (statSync(join(backupDir, file)).mode & 0o077) !== 0)).toEqual([]);
    expect(statSync(backupDir).mode & 0o077).toBe(0);
  });

  it('is refused of a folder that is none, and of damaged events, and leaves nothing behind', async () => {
    await expect(backUp(join(place, 'nowhere'), join(place, 'other'))).rejects.toThrow('DATA_FOLDER_INVALID');
    cpSync(sound, data, { recursive: true });
    const db = new DatabaseSync(join(data, 'events.db'));
    db.exec("UPDATE events SET bytes = CAST('{\"data\":{}}' AS BLOB) WHERE position = 3");
    db.close();
    await expect(backUp(data, join(place, 'other'))).rejects.toThrow(/STORE_DAMAGED.*position 3/);
    expect(readdirSync(place).filter((name) => name.includes('other'))).toEqual([]);
  });

  it('is refused where evidence that events name is gone', async () => {
    cpSync(sound, data, { recursive: true });
    rmSync(join(data, 'evidence'), { recursive: true });
    await expect(backUp(data, join(place, 'other'))).rejects.toThrow('EVIDENCE_MISSING');
  });
});

describe('restoring', () => {
  it('makes a folder that the doctor finds nothing wrong with, whose receipts verify and which goes on', async () => {
    expect(await restoreTo(data)).toMatchObject({ dataDir: data, receipts: 1, loss: null, isCompared: false, setAside: null });
    const conductor = await start(data);
    try {
      expect(await verdictOf(conductor, runId)).toBe('VERIFIED');
      const { items } = (await (await fetch(`${conductor.url}/api/executions`)).json()) as { items: readonly { readonly id: string }[] };
      expect(items.map(({ id }) => id)).toEqual([runId]);
      expect(await verdictOf(conductor, await runOne(conductor))).toBe('VERIFIED');
    } finally {
      await conductor.stop();
    }
    const { findings } = await examine({ args: ['--data', data], environment: {}, cwd: place, repair: false, onProgress: () => undefined });
    expect(findings.filter(({ status }) => status === 'problem')).toEqual([]);
  });

  it('finds a changed byte in any file of the backup, and a file that is gone', async () => {
    const other = join(place, 'other');
    for (const file of filesIn(backupDir)) {
      if (file.startsWith('policy')) continue;
      cpSync(backupDir, other, { recursive: true });
      const bytes = readFileSync(join(other, file));
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      chmodSync(join(other, file), 0o600);
      writeFileSync(join(other, file), bytes);
      await expect(restoreTo(data, { from: other }).catch((error: Error) => [file, error.message.split(':')[0]])).resolves.toEqual([file, 'BACKUP_DAMAGED']);
      rmSync(other, { recursive: true });
    }
    cpSync(backupDir, other, { recursive: true });
    rmSync(join(other, 'keys', 'signing.pem'));
    await expect(restoreTo(data, { from: other })).rejects.toThrow(/BACKUP_DAMAGED.*signing.pem is missing/);
    rmSync(join(other, BACKUP_MANIFEST));
    await expect(restoreTo(data, { from: other })).rejects.toThrow('BACKUP_INVALID');
    expect(readdirSync(place).filter((name) => name.includes('data'))).toEqual([]);
  });

  it('leaves a folder alone that is held, or holds something else', async () => {
    cpSync(sound, data, { recursive: true });
    const conductor = await start(data);
    await expect(restoreTo(data)).rejects.toThrow(/STORE_IN_USE.*pid/);
    await conductor.stop();
    await expect(restoreTo(place)).rejects.toThrow('DATA_FOLDER_INVALID');
  });
});

describe('a backup that is older than what was acknowledged', () => {
  it('is refused with the streams and revisions that would be gone', async () => {
    cpSync(sound, data, { recursive: true });
    const before = filesIn(data);
    await expect(restoreTo(data)).rejects.toThrow(/STORE_BEHIND_MARK.*acknowledged events are gone.*execution-[0-9a-f-]+ revisions 0 to \d+, receipt-[0-9a-f-]+ revisions 0 to 0/);
    expect(filesIn(data)).toEqual(expect.arrayContaining([...before]));
    expect(readdirSync(place).filter((name) => name.includes('data'))).toEqual(['data']);
  });

  it('goes on once that is accepted: recorded in a file and in every later receipt, with the old folder set aside', async () => {
    cpSync(sound, data, { recursive: true });
    const { loss, setAside, isCompared } = await restoreTo(data, { acceptLoss: true });
    expect(loss).toMatchObject({ acceptedAt: NOW, fromPosition: made.store.position + 1, streamsOmitted: 0 });
    expect(loss?.streams?.map(({ stream }) => stream.replace(/-.*/, ''))).toEqual(['execution', 'receipt']);
    expect({ setAside, isCompared }).toEqual({ setAside: `${data}.before-${TOLD}`, isCompared: true });
    expect(existsSync(join(`${data}.before-${TOLD}`, 'events.db'))).toBe(true);
    expect(JSON.parse(readFileSync(join(data, 'accepted-losses.json'), 'utf8'))).toEqual({ losses: [loss] });
    const conductor = await start(data);
    try {
      const id = await runOne(conductor);
      const receipt = (await (await fetch(`${conductor.url}/api/executions/${id}/receipt`)).json()) as { environment: { acceptedRisks: readonly string[] } };
      expect(receipt.environment.acceptedRisks).toEqual(['STORE_LOSS_ACCEPTED']);
      expect(await verdictOf(conductor, id)).toBe('VERIFIED');
    } finally {
      await conductor.stop();
    }
    await backUp(data, join(place, 'other'));
    expect(existsSync(join(place, 'other', 'accepted-losses.json'))).toBe(true);
  });

  it('is counted against a head mark that is all that is left', async () => {
    cpSync(sound, data, { recursive: true });
    for (const name of readdirSync(data)) if (name !== 'events.db-mark') rmSync(join(data, name), { recursive: true });
    await expect(restoreTo(data)).rejects.toThrow(/STORE_BEHIND_MARK.*which streams they were of cannot be read/);
  });
});

describe('a store that is behind its own mark', () => {
  it('does not start, until the loss is accepted; then it says how much is gone', async () => {
    cpSync(sound, data, { recursive: true });
    copyFileSync(join(backupDir, 'events.db'), join(data, 'events.db'));
    await expect(start(data)).rejects.toThrow('STORE_BEHIND_MARK');
    const loss = acceptStoreLoss({ dataDir: data, now: NOW });
    expect(loss).toMatchObject({ fromPosition: made.store.position + 1, keptPosition: made.store.position, streams: null, kept: 'the store as it is' });
    expect(acceptStoreLoss({ dataDir: data, now: NOW })).toBeNull();
    const conductor = await start(data);
    try {
      const { items } = (await (await fetch(`${conductor.url}/api/executions`)).json()) as { items: readonly { readonly id: string }[] };
      expect(items.map(({ id }) => id)).toEqual([runId]);
      expect(await verdictOf(conductor, await runOne(conductor))).toBe('VERIFIED');
    } finally {
      await conductor.stop();
    }
  });

  it('is not accepted where there is none, or where the record cannot be read', () => {
    expect(() => acceptStoreLoss({ dataDir: data, now: NOW })).toThrow('DATA_FOLDER_INVALID');
    cpSync(sound, data, { recursive: true });
    copyFileSync(join(backupDir, 'events.db'), join(data, 'events.db'));
    writeFileSync(join(data, 'accepted-losses.json'), '{');
    expect(() => acceptStoreLoss({ dataDir: data, now: NOW })).toThrow(/DATA_FOLDER_INVALID.*accepted-losses/);
    truncateSync(join(data, 'accepted-losses.json'));
  });
});
