import 'reflect-metadata';
import { hash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Log } from '@maestro/ports';
import { startConductor } from '../conductor.ts';
import type { Conductor } from '../conductor.ts';
import { parseConfig } from '../config.ts';
import { pathsOf } from '../data-folder.ts';
import type { DataFolder } from '../data-folder.ts';
import { checkRuntime, checkShipped } from './check-program.ts';
import { spaceFinding } from './check-folder.ts';
import { examine } from './examine.ts';
import type { DoctorReport } from './examine.ts';

const silent: Log = { log: () => undefined };
const HELLO = { name: 'hello', version: '0.1.0', tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'hi' } }] };
const NONE: readonly string[] = [];

let place: string;
let dir: string;
let folder: DataFolder;
let runId: string;

async function start(data: string, ...more: string[]): Promise<Conductor> {
  const parsed = parseConfig(['--data', data, '--workspace', place, '--port', '0', ...more], {}, place);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return startConductor(parsed.config, silent);
}

async function post(url: string, body: unknown): Promise<{ id: string }> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return (await answer.json()) as { id: string };
}

/** One run with its receipt, in a folder that is left in order. */
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'maestro-doctor-'));
  const conductor = await start(join(place, 'sound'));
  await post(`${conductor.url}/api/workflows`, HELLO);
  await post(`${conductor.url}/api/workflows/hello/publish`, {});
  runId = (await post(`${conductor.url}/api/executions`, { workflowId: 'hello' })).id;
  for (let asked = 0; asked < 2_000; asked += 1) if ((await fetch(`${conductor.url}/api/executions/${runId}/receipt`)).status === 200) break;
  await conductor.stop();
});
beforeEach(() => {
  dir = join(place, 'data');
  folder = pathsOf(dir);
  cpSync(join(place, 'sound'), dir, { recursive: true });
  chmodSync(dir, 0o700);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
afterAll(() => rmSync(place, { recursive: true, force: true }));

type Asked = { readonly repair?: boolean; readonly args?: readonly string[]; readonly environment?: Record<string, string> };
const look = ({ repair = false, args = NONE, environment = {} }: Asked = {}): Promise<DoctorReport> =>
  examine({ args: ['--data', dir, ...args], environment, cwd: place, repair, onProgress: () => undefined });
/** `check: detail` of everything that is not in order. */
const ills = ({ findings }: DoctorReport): readonly string[] => findings.filter(({ status }) => status === 'problem' || status === 'warning').map(({ check, detail, items }) => `${check}: ${detail}${items.length === 0 ? '' : ` [${items.join('; ')}]`}`);
const found = (report: DoctorReport, check: string) => report.findings.find((finding) => finding.check === check);
const sql = (path: string, statement: string): void => {
  const db = new DatabaseSync(path);
  db.exec(statement);
  db.close();
};
/** Changes how far the process state says that it was folded, as only its own process could. */
const moveCursors = (move: (cursor: string) => string): void => {
  const db = new DatabaseSync(folder.processState);
  db.function('moved', (cursor) => move(String(cursor)));
  db.function('digest_of', (name, cursor) => hash('sha256', JSON.stringify([name, move(String(cursor))])));
  db.exec('UPDATE cursors SET digest = digest_of(name, cursor), cursor = moved(cursor)');
  db.close();
};
/** Flips one bit of a file. */
const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
};

/** How many entries the first page of an index says that it has. */
const damageIndex = (name: string): void => {
  const db = new DatabaseSync(folder.events, { readOnly: true });
  const page = Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.['rootpage']);
  db.close();
  flip(folder.events, (page - 1) * 4_096 + 4);
};

describe('the doctor', () => {
  it('finds nothing in a folder that is in order, and says what it looked at', async () => {
    const report = await look();
    expect(ills(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.findings.map(({ check }) => check)).toEqual([
      'node', 'sqlite', 'config', 'policy', 'packages', 'data-folder', 'file-modes', 'disk-space', 'access', 'conductor',
      'event-store', 'head-mark', 'signing-keys', 'key-vault', 'process-state', 'read-models', 'evidence',
    ]);
    expect(found(report, 'evidence')?.detail).toMatch(/^1 receipts, each with its bundle/);
    expect(found(report, 'config')?.items).toContain(`data = ${JSON.stringify(dir)} (--data)`);
  });
  it('finds nothing where there is no folder yet, and makes none', async () => {
    const report = await look({ args: ['--data', join(place, 'none')] });
    expect([report.ok, existsSync(join(place, 'none'))]).toEqual([true, false]);
  });
  it('looks beside a conductor that runs, and asks it for the rest', async () => {
    const conductor = await start(dir, '--auth', 'token');
    try {
      const report = await look();
      expect(ills(report)).toEqual([]);
      expect(found(report, 'conductor')?.detail).toContain(`pid ${process.pid} at ${conductor.url}`);
      expect(found(report, 'conductor')?.detail).toContain('is ready');
      expect([found(report, 'records')?.status, found(report, 'event-store')?.status]).toEqual(['skipped', 'ok']);
    } finally {
      await conductor.stop();
    }
  });

  const faults: readonly [string, () => void, RegExp][] = [
    ['a damaged event, with its stream and revision', () => sql(folder.events, `UPDATE events SET bytes = x'00' WHERE position = (SELECT max(position) - 1 FROM events)`), /^event-store: 1 damages among \d+ events, in execution-.*position \d+ execution-.* revision \d+: its bytes do not match their hash/],
    ['a missing event', () => sql(folder.events, 'DELETE FROM events WHERE position = 3'), /^event-store: .*position 3: the event is missing/],
    ['a store behind its mark', () => sql(folder.events, 'DELETE FROM events WHERE position = (SELECT max(position) FROM events)'), /^head-mark: .*acknowledged events are missing/],
    ['a spoilt head mark', () => writeFileSync(`${folder.events}-mark`, 'spoilt', { mode: 0o600 }), /^head-mark: the head mark cannot be read/],
    ['a file that is no database', () => writeFileSync(folder.events, 'nothing of the kind '.repeat(500), { mode: 0o600 }), /^event-store: STORE_DAMAGED/],
    ['a store of a newer release', () => sql(folder.events, "UPDATE meta SET value = '99' WHERE key = 'schema_version'"), /^event-store: STORE_NEWER/],
    ['a folder of a newer release', () => writeFileSync(folder.version, '99\n', { mode: 0o600 }), /^data-folder: STORE_NEWER/],
    ['a version file that says nothing', () => writeFileSync(folder.version, 'x\n', { mode: 0o600 }), /^data-folder: DATA_FOLDER_INVALID/],
    ['files that others can read', () => chmodSync(join(folder.keys, 'signing.pem'), 0o644), /^file-modes: 1 files .*signing\.pem/],
    ['a folder that others can enter', () => chmodSync(dir, 0o755), /^file-modes: 1 files or folders/],
    ['a token that is none', () => writeFileSync(folder.token, 'x', { mode: 0o600 }), /^access: KEY_DAMAGED/],
    ['a signing key that is none', () => writeFileSync(join(folder.keys, 'signing.pem'), 'x', { mode: 0o600 }), /^signing-keys: KEY_DAMAGED/],
    ['a registry that is gone', () => rmSync(join(folder.keys, 'registry.json')), /^signing-keys: .*registry\.json is missing, and there are events/],
    ['a data key that cannot be read', () => flip(join(folder.dataKeys, 'data', readdirSync(join(folder.dataKeys, 'data')).find((name) => name.endsWith('.keys')) as string), 0), /^key-vault: 1 records of keys cannot be read/],
    ['evidence that is gone', () => rmSync(folder.evidence, { recursive: true }), /^evidence: 1 of 1 receipts and 0 large values are not whole.*EVIDENCE_MISSING/],
    ['process state that is no database', () => writeFileSync(folder.processState, 'nothing of the kind '.repeat(500), { mode: 0o600 }), /^process-state: STORE_DAMAGED/],
    ['process state ahead of the store', () => moveCursors((cursor) => cursor.replace('.', '.9')), /^process-state: it is ahead of the store/],
    ['process state of another store', () => moveCursors(() => 'other.1'), /^process-state: it is ahead of the store/],
    ['a row of the process state that was changed', () => sql(folder.processState, "UPDATE cursors SET cursor = cursor || '0' WHERE name = 'intents'"), /^process-state: STORE_DAMAGED: .*state\.db is damaged: a row of "intents" does not match its digest/],
    ['a row of the read models that was changed', () => sql(folder.views, "UPDATE execution_1 SET row = replace(row, 'succeeded', 'succeedeD')"), /^read-models: STORE_DAMAGED: .*views\.db.* row \S+ of execution does not match its digest/],
    ['an index of the store that was damaged', () => damageIndex('streams_by_name'), /^event-store-pages: \d findings in pages and indexes of .*events\.db; .*at offset \d+: /],
    ['a leftover of a conductor that was killed', () => writeFileSync(folder.presence, JSON.stringify({ pid: 2 ** 22 + 1, url: 'http://127.0.0.1:1' }), { mode: 0o600 }), /^conductor: pid \d+ is gone and left/],
    ['a conductor that does not answer', () => writeFileSync(folder.presence, JSON.stringify({ pid: process.pid, url: 'http://127.0.0.1:1' }), { mode: 0o600 }), /^conductor: pid \d+ at http.* does not answer/],
  ];
  it.each(faults)('finds %s', async (_, plant, told) => {
    plant();
    const report = await look();
    expect(ills(report).filter((ill) => told.test(ill))).toHaveLength(1);
    expect(report.findings.filter(({ status }) => status === 'problem').every(({ advice }) => advice !== null && advice !== '')).toBe(true);
    expect(report.ok).toBe(report.findings.every(({ status }) => status !== 'problem'));
  });
  it('finds an event that says that it is another, or does not follow the one before it', async () => {
    // whole rows: what only the chain tells
    const { eventHash, rowDigest } = await import('../../fixtures/forged-row.ts');
    const db = new DatabaseSync(folder.events);
    const row = db.prepare('SELECT e.*, s.name AS stream FROM events e JOIN streams s ON s.id = e.stream_id WHERE e.revision = 1 LIMIT 1').get() as { position: number; revision: number; stream: string; id: string; type: string; bytes: Uint8Array; sealed: Uint8Array | null };
    const forged = Buffer.from(Buffer.from(row.bytes).toString().replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${'1'.repeat(64)}"`));
    const hash = eventHash(forged);
    db.prepare('UPDATE events SET bytes = ?, hash = ?, digest = ? WHERE position = ?').run(forged, hash, rowDigest(row, hash, row.sealed), row.position);
    db.close();
    expect(found(await look(), 'event-store')?.items[0]).toMatch(/revision 1: it does not follow the event before it$/);
  });
  it('finds faults of the configuration, and variables that no setting has', async () => {
    const report = await look({ args: ['--port', 'x'], environment: { MAESTRO_PROT: '1', MAESTRO_URL: 'http://x', MAESTRO_TASKS_MAX: '0' } });
    expect(found(report, 'config')?.items).toEqual(['--port: expected an integer from 0 to 65535, got x', 'MAESTRO_TASKS_MAX: expected an integer from 1 to 1024, got 0']);
    expect(ills(report)).toContain('config: variables that no setting has [MAESTRO_PROT]');
    expect(report.ok).toBe(false);
  });
  it('finds programs below it that are too old, and policy sets that were changed', async () => {
    expect(checkRuntime('24.14.9', '3.51.2').map(({ status }) => status)).toEqual(['problem', 'problem']);
    expect(checkRuntime('24.15.0', '3.51.3').map(({ status }) => status)).toEqual(['ok', 'ok']);
    expect(checkRuntime('25.0.0', '4.0.0').map(({ status }) => status)).toEqual(['ok', 'ok']);
    const [policy] = await checkShipped(join(place, 'no-bundles'));
    expect(policy).toMatchObject({ check: 'policy', status: 'problem', detail: expect.stringContaining('PACK_SET_UNAVAILABLE') });
  });
  it('finds a disk that is nearly full', () => {
    expect([0, 100, 2_000].map((mib) => spaceFinding('/d', mib * 1_048_576).status)).toEqual(['problem', 'warning', 'ok']);
  });
});

describe('the doctor, asked to repair', () => {
  it('mends what loses nothing; the next look and the next start are in order', async () => {
    moveCursors(() => 'other.1');
    chmodSync(dir, 0o755);
    chmodSync(join(folder.keys, 'signing.pem'), 0o644);
    writeFileSync(folder.presence, JSON.stringify({ pid: 2 ** 22 + 1, url: 'http://127.0.0.1:1' }), { mode: 0o600 });
    const report = await look({ repair: true });
    expect([report.ok, report.repaired.length]).toEqual([true, 4]);
    expect([statSync(dir).mode & 0o077, existsSync(folder.presence), existsSync(folder.processState)]).toEqual([0, false, false]);
    expect(ills(await look())).toEqual([]);
    const conductor = await start(dir);
    try {
      expect(await (await fetch(`${conductor.url}/api/executions/${runId}/verify`)).json()).toMatchObject({ verdict: 'VERIFIED' });
    } finally {
      await conductor.stop();
    }
  });
  it('makes indexes of the store again where every event is whole', async () => {
    damageIndex('events_by_stream');
    const report = await look({ repair: true });
    expect(report.repaired).toContainEqual(`made ${folder.events} again from its events, each of which was proved`);
    expect(ills(await look())).toEqual([]);
  });
  it('leaves damaged events alone', async () => {
    sql(folder.events, "UPDATE events SET bytes = x'00' WHERE position = 2");
    const report = await look({ repair: true });
    expect([report.ok, found(report, 'event-store')?.status]).toEqual([false, 'problem']);
  });
});

describe('a start on databases that are ahead of the store', () => {
  it('folds them anew, and goes on', async () => {
    moveCursors((cursor) => cursor.replace('.', '.9'));
    const told: string[] = [];
    const parsed = parseConfig(['--data', dir, '--port', '0'], {}, place);
    if (parsed.kind === 'faults') throw new Error('not configured');
    const conductor = await startConductor(parsed.config, { log: (level, message) => void (level === 'warn' && told.push(message)) });
    try {
      expect(told).toEqual(['a database is ahead of the event store, as after restoring a backup: it is deleted and folded anew']);
      expect(await (await fetch(`${conductor.url}/api/executions/${runId}`)).json()).toMatchObject({ verdict: 'succeeded' });
    } finally {
      await conductor.stop();
    }
  });
});

describe('a start on a store with a damaged event', () => {
  it('sets that stream aside and names it, and serves the rest', async () => {
    sql(folder.events, `UPDATE events SET bytes = x'00' WHERE revision = 1 AND stream_id = (SELECT id FROM streams WHERE name = 'execution-${runId}')`);
    // every loop folds from the start, over the damage
    for (const path of [folder.processState, folder.views]) for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    const aside: unknown[] = [];
    const parsed = parseConfig(['--data', dir, '--port', '0'], {}, place);
    if (parsed.kind === 'faults') throw new Error('not configured');
    const conductor = await startConductor(parsed.config, { log: (level, _message, fields = {}) => void (level === 'error' && aside.push(fields['stream'])) });
    try {
      const { id } = await post(`${conductor.url}/api/executions`, { workflowId: 'hello' });
      expect(await (await fetch(`${conductor.url}/api/executions/${id}/events`, { headers: { accept: 'text/event-stream' } })).text()).toContain('execution.completed.v1');
      expect(await (await fetch(`${conductor.url}/api/executions/${runId}`)).json()).toMatchObject({ status: 500, code: 'STORE_DAMAGED', detail: expect.stringContaining(runId) });
      expect(aside.length).toBeGreaterThan(0);
      expect([...new Set(aside)]).toEqual([`execution-${runId}`]);
      expect(ills(await look()).filter((ill) => ill.startsWith('metrics:')).join()).toMatch(/mc_quarantined_streams [1-9]/);
    } finally {
      await conductor.stop();
    }
    expect(ills(await look()).filter((ill) => ill.startsWith('quarantine:')).join()).toContain(`1 streams are set aside; the others are served [execution-${runId} by `);
  });
});
