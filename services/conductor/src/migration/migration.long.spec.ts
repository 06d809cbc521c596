import 'reflect-metadata';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { Log } from '@maestro/ports';
import { manifestBytes } from '../backup/backup-manifest.ts';
import { describeFile } from '../backup/copied-files.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { createBackup } from '../backup/create-backup.ts';
import { startConductor } from '../conductor.ts';
import type { Conductor } from '../conductor.ts';
import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { examine } from '../doctor/examine.ts';
import { createExport } from './create-export.ts';
import type { ExportReport } from './create-export.ts';
import { readEventLines } from './event-lines.ts';
import { readExportManifest } from './export-manifest.ts';
import { readEvidenceLines } from './evidence-items.ts';
import { importDeployment } from './import-deployment.ts';
import type { ImportReport } from './import-deployment.ts';
import { commitsOf } from './import-events.ts';

/** milliseconds; conductors start and end in every other test */
jest.setTimeout(180_000);

const silent: Log = { log: () => undefined };
const HELLO = { name: 'hello', version: '0.1.0', tasks: [{ id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'hi' } }] };
/** Its second task needs a value that is too large for its event; the export is made while the first one sleeps. */
const SLOW = {
  name: 'slow',
  version: '0.1.0',
  inputs: { text: '', ms: 2_000 },
  tasks: [
    { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: '${{ inputs.ms }}' } },
    { id: 'tell', needs: ['wait'], uses: 'pkg:core/echo@1.0.0', with: { value: '${{ inputs.text }}' } },
  ],
};
const NOW = '2026-01-05T10:00:00.000Z';
/** of 20 ms; a bound for what hangs */
const TRIES = 2_000;
const LATER = '2026-01-06T10:00:00.000Z';
const KEYS = [join('keys', 'registry.json'), join('keys', 'root', 'root.pub'), join('keys', 'signing.pem')];

let place = '';
let sound = '';
let whole = '';
let made: ExportReport;
let ended = '';
let open = '';

function configOf(data: string): Config {
  const parsed = parseConfig(['--data', data, '--workspace', place, '--port', '0'], {}, place);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return parsed.config;
}

async function post(url: string, body: unknown): Promise<{ readonly id: string }> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return (await answer.json()) as { id: string };
}

async function verdictOf({ url }: Conductor, id: string): Promise<string> {
  for (let left = TRIES; left > 0; left -= 1) {
    const answer = await fetch(`${url}/api/executions/${id}/verify`);
    if (answer.status === 200) return ((await answer.json()) as { verdict: string }).verdict;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${id} got no receipt`);
}

const never = new AbortController().signal;
const exportOf = (data: string, out: string): Promise<ExportReport> => createExport({ config: configOf(data), out, now: NOW, onProgress: () => undefined, log: silent, signal: never });
const importTo = (data: string, o: { readonly from?: string; readonly signal?: AbortSignal; readonly onProgress?: (doing: string, done: number) => void } = {}): Promise<ImportReport> =>
  importDeployment({ from: whole, onProgress: () => undefined, log: silent, signal: never, ...o, config: configOf(data), now: LATER });
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name).slice(folder.length + 1)] : []));
const problemsOf = async (data: string): Promise<readonly unknown[]> =>
  (await examine({ args: ['--data', data], environment: {}, cwd: place, repair: false, onProgress: () => undefined })).findings.filter(({ status }) => status === 'problem');

/** One run with its receipt, one that is open; exported while the conductor serves. */
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'maestro-migration-'));
  [sound, whole] = [join(place, 'sound'), join(place, 'whole')];
  const conductor = await startConductor(configOf(sound), silent);
  for (const manifest of [HELLO, SLOW]) {
    await post(`${conductor.url}/api/workflows`, manifest);
    await post(`${conductor.url}/api/workflows/${manifest.name}/publish`, {});
  }
  ended = (await post(`${conductor.url}/api/executions`, { workflowId: 'hello' })).id;
  await verdictOf(conductor, ended);
  open = (await post(`${conductor.url}/api/executions`, { workflowId: 'slow', inputs: { text: 'x'.repeat(100_000), ms: 2_000 } })).id;
  made = await exportOf(sound, whole);
  await verdictOf(conductor, open);
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

describe('an export of everything', () => {
  it('holds events, evidence, keys and the pinned policy set, and names no engine', () => {
    expect(made).toMatchObject({ receipts: 1, createdAt: NOW, deployment: sound, evidence: { items: 2 }, dataKeys: { destroyed: 0 } });
    expect(made.dataKeys.live).toBeGreaterThanOrEqual(3);
    const files = filesIn(whole);
    expect(files).toEqual(expect.arrayContaining(['events.jsonl', 'evidence.jsonl', 'data-keys.jsonl', 'export.json', join('evidence', '000001.bin'), ...KEYS]));
    expect(files).toContain(join('policy', `${made.policySets[0]}.wasm`));
    expect(files).toHaveLength(made.fileCount + 1);
    expect(readdirSync(place).filter((name) => name.includes('part'))).toEqual([]);
  });

  it('is for its owner alone', () => {
    expect(filesIn(whole).filter((file) => (statSync(join(whole, file)).mode & 0o077) !== 0)).toEqual([]);
    expect(statSync(whole).mode & 0o077).toBe(0);
  });

  it('is made of a backup as well, and of nothing that is none', async () => {
    await createBackup({ args: ['--data', sound], environment: {}, cwd: place, out: join(place, 'other-backup'), now: NOW, onProgress: () => undefined });
    expect(await exportOf(join(place, 'other-backup'), join(place, 'other'))).toMatchObject({ receipts: 2 });
    await expect(exportOf(join(place, 'nowhere'), join(place, 'other-too'))).rejects.toThrow('DATA_FOLDER_INVALID');
    expect(existsSync(join(place, 'other-too'))).toBe(false);
  });
});

describe('importing into a data folder', () => {
  it('makes one whose receipts verify, whose open run goes on, and that can be checked, backed up and exported again', async () => {
    expect(await importTo(data)).toMatchObject({ deployment: data, isCluster: false, events: made.events, receipts: 1, alreadyThere: 0, keysSetAside: null });
    expect(await problemsOf(data)).toEqual([]);
    const conductor = await startConductor(configOf(data), silent);
    try {
      expect(await verdictOf(conductor, ended)).toBe('VERIFIED');
      expect(await verdictOf(conductor, open)).toBe('VERIFIED');
      const { items } = (await (await fetch(`${conductor.url}/api/executions`)).json()) as { items: readonly { readonly id: string; readonly state: string }[] };
      expect(new Set(items.map(({ id }) => id))).toEqual(new Set([ended, open]));
      const receipt = (await (await fetch(`${conductor.url}/api/executions/${open}/receipt`)).json()) as object;
      expect(JSON.stringify(receipt)).toContain('succeeded');
    } finally {
      await conductor.stop();
    }
    expect(await problemsOf(data)).toEqual([]);
    const backup = join(place, 'other-backup');
    await createBackup({ args: ['--data', data], environment: {}, cwd: place, out: backup, now: LATER, onProgress: () => undefined });
    expect(await restoreBackup({ from: backup, dataDir: join(place, 'data-restored'), acceptLoss: false, now: LATER, onProgress: () => undefined })).toMatchObject({ receipts: 2 });
    expect(await exportOf(data, join(place, 'other'))).toMatchObject({ receipts: 2, signingKeyId: made.signingKeyId });
    expect(await importTo(join(place, 'data-2'), { from: join(place, 'other') })).toMatchObject({ receipts: 2 });
  });

  it('changes nothing when it is done once more', async () => {
    const first = await importTo(data);
    expect(await importTo(data)).toEqual({ ...first, alreadyThere: made.events });
  });

  it.each([
    ['in the evidence', 'importing evidence', 1],
    ['at the first event', 'importing events', 1],
    ['in the middle of the events', 'importing events', 7],
    ['while it reads back', 'reading events back', 1],
  ])('goes on where it was interrupted %s', async (_, where, at) => {
    const interrupted = importTo(data, {
      onProgress: (doing, done) => {
        if (doing === where && done >= at) throw new Error('interrupted here');
      },
    });
    await expect(interrupted).rejects.toThrow('interrupted here');
    await expect(startConductor(configOf(data), silent)).rejects.toThrow(/DATA_FOLDER_INVALID.*was not finished/);
    await expect(exportOf(data, join(place, 'other'))).rejects.toThrow(/DATA_FOLDER_INVALID.*was not finished/);
    expect(await problemsOf(data)).toContainEqual(expect.objectContaining({ check: 'data-folder' }));
    const resumed = await importTo(data);
    expect(resumed.alreadyThere > 0).toBe(where !== 'importing evidence');
    expect(resumed).toMatchObject({ events: made.events, receipts: 1 });
    expect(await problemsOf(data)).toEqual([]);
  });

  it('ends when it is asked to, and goes on later', async () => {
    const asked = new AbortController();
    await expect(importTo(data, { signal: asked.signal, onProgress: (doing, done) => void (doing === 'importing events' && done > 5 && asked.abort()) })).rejects.toThrow('ABORTED');
    expect((await importTo(data)).alreadyThere).toBeGreaterThan(5);
  });

  it('sets aside the signing keys of a folder that was started and never used', async () => {
    await (await startConductor(configOf(data), silent)).stop();
    const { keysSetAside } = await importTo(data);
    expect(keysSetAside).toBe(join(data, 'keys', 'before-20260106T100000Z'));
    expect([...filesIn(keysSetAside ?? '')].sort()).toEqual(['registry.json', join('root', 'root.pem'), join('root', 'root.pub'), 'signing.pem']);
    for (const file of KEYS) expect(readFileSync(join(data, file))).toEqual(readFileSync(join(sound, file)));
    expect(await problemsOf(data)).toEqual([]);
  });

  it('is refused where there is another history, one that went on, or other files', async () => {
    await expect(importTo(sound)).rejects.toThrow(/DEPLOYMENT_NOT_EMPTY.*has gone on/);
    const conductor = await startConductor(configOf(data), silent);
    await post(`${conductor.url}/api/workflows`, HELLO);
    await expect(importTo(data)).rejects.toThrow('STORE_IN_USE');
    await conductor.stop();
    await expect(importTo(data)).rejects.toThrow(/DEPLOYMENT_NOT_EMPTY.*another history/);
    await expect(importTo(place)).rejects.toThrow('DATA_FOLDER_INVALID');
  });

  it('finds a changed byte in any file of the export, and a file that is gone, before anything is written', async () => {
    const other = join(place, 'other');
    for (const file of filesIn(whole)) {
      if (file.startsWith('policy')) continue;
      cpSync(whole, other, { recursive: true });
      const bytes = readFileSync(join(other, file));
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      chmodSync(join(other, file), 0o600);
      writeFileSync(join(other, file), bytes);
      await expect(importTo(data, { from: other }).catch((error: Error) => [file, error.message.split(':')[0]])).resolves.toEqual([file, 'EXPORT_DAMAGED']);
      rmSync(join(other, file));
      const code = file === 'export.json' ? 'EXPORT_INVALID' : 'EXPORT_DAMAGED';
      await expect(importTo(data, { from: other }).catch((error: Error) => [file, error.message.split(':')[0]])).resolves.toEqual([file, code]);
      rmSync(other, { recursive: true });
      expect(existsSync(data)).toBe(false);
    }
  });
});

describe('an export whose manifest was made to fit what somebody changed', () => {
  type Line = { readonly [name: string]: unknown };
  const without = (lines: readonly Line[], at: number): readonly Line[] => lines.filter((_, i) => i !== at);
  const with0 = (lines: readonly Line[], change: Line): readonly Line[] => lines.map((line, i) => (i === 0 ? { ...line, ...change } : line));

  it.each<readonly [string, string, RegExp, (lines: readonly Line[]) => readonly Line[]]>([
    ['an event that is left out', 'events.jsonl', /does not follow the event before it/, (lines) => without(lines, 1)],
    ['the last event, left out', 'events.jsonl', /it was written with/, (lines) => without(lines, lines.length - 1)],
    ['two events in the wrong order', 'events.jsonl', /does not follow/, ([first = {}, second = {}, ...rest]) => [second, first, ...rest]],
    ['an event with other bytes', 'events.jsonl', /events\.jsonl/, (lines) => with0(lines, { bytes: lines[1]?.['bytes'] })],
    ['an event of another stream', 'events.jsonl', /does not follow/, (lines) => with0(lines, { stream: 'workflow-other' })],
    ['a line that is no event', 'events.jsonl', /a line is no event/, (lines) => with0(lines, { revision: 'one' })],
    ['a piece of evidence that is left out', 'evidence.jsonl', /names [0-9a-f]{64}, which the export does not hold/, (lines) => without(lines, 0)],
    ['evidence from elsewhere on the disk', 'evidence.jsonl', /a line is no item of evidence/, (lines) => with0(lines, { file: '../../secret' })],
    ['evidence at another place', 'evidence.jsonl', /does not hold the evidence/, (lines) => with0(lines, { offset: 1 })],
    ['a data key that is left out', 'data-keys.jsonl', /names k-[0-9a-f-]+, which the export does not hold/, (lines) => without(lines, 0)],
    ['a data key that is too short', 'data-keys.jsonl', /a line is no data key/, (lines) => with0(lines, { key: 'AAAA' })],
  ])('is refused for %s', async (_, file, why, change) => {
    const other = join(place, 'other');
    cpSync(whole, other, { recursive: true });
    const lines = readFileSync(join(other, file), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line);
    writeFileSync(join(other, file), change(lines).map((line) => `${JSON.stringify(line)}\n`).join(''));
    const manifest = readExportManifest(whole);
    const files = await Promise.all(manifest.files.map(({ path }) => describeFile(join(other, path), path)));
    writeFileSync(join(other, 'export.json'), manifestBytes({ ...manifest, files }));
    const refused = await importTo(data, { from: other }).catch((error: Error) => error.message);
    expect(refused).toMatch(/^EXPORT_DAMAGED/);
    expect(refused).toMatch(why);
    expect(existsSync(data)).toBe(false);
  });
});

describe('the lines of an export', () => {
  it('give the commits that events came in, and no larger ones than a store takes', async () => {
    const commits = async (commitEventsMax: number, commitBytesMax: number) => {
      const sizes: number[] = [];
      for await (const commit of commitsOf(readEventLines(join(whole, 'events.jsonl')), { commitEventsMax, commitBytesMax })) {
        sizes.push(commit.length);
        expect(new Set(commit.map(({ stream }) => stream)).size).toBe(1);
      }
      return sizes;
    };
    const asTheyWere = await commits(256, 1_048_576);
    expect(Math.max(...asTheyWere)).toBeGreaterThan(1);
    expect(asTheyWere.length).toBeGreaterThan(5);
    for (const sizes of [await commits(1, 1_048_576), await commits(256, 1)]) expect(sizes).toEqual(Array.from({ length: made.events }, () => 1));
  });

  it('name every piece of evidence once', async () => {
    const digests: string[] = [];
    for await (const { digest } of readEvidenceLines(whole)) digests.push(digest);
    expect(new Set(digests).size).toBe(2);
    expect(digests).toHaveLength(2);
  });
});
