import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newEvent, newStream } from '@maestro/conformance';
import { openSqliteEventStore } from './event-store.ts';
import { mendEventStore } from './mend-store.ts';
import { sweepEventStore } from './sweep.ts';

const COUNT = 40;
let folder: string;
let path: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-mend-'));
  path = join(folder, 'events.db');
  const store = await openSqliteEventStore({ path: join(folder, 'intact.db') });
  for (let i = 0; i < COUNT; i += 1) await store.append(newStream('execution'), 'none', [newEvent(`event ${i}`)]);
  await store.close();
});
beforeEach(() => {
  for (const suffix of ['', '-mark', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  for (const suffix of ['', '-mark']) copyFileSync(join(folder, 'intact.db') + suffix, path + suffix);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Flips a bit in the page where a table or index begins, behind the header of that page. */
function damage(name: string, behind: number): void {
  const db = new DatabaseSync(path, { readOnly: true });
  const page = Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.['rootpage']);
  db.close();
  const bytes = readFileSync(path);
  const at = (page - 1) * 4_096 + behind;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

describe('mending a store', () => {
  it.each(['events_by_stream', 'streams_by_name', 'streams_by_name_again'])('makes index %s again, with every event as it was', async (index) => {
    damage(index, 4);
    const before = await sweepEventStore({ path });
    expect(before.kind === 'swept' && before.structure.length).toBeGreaterThan(0);
    const mended = await mendEventStore({ path });
    expect(mended).toMatchObject({ eventCount: COUNT, headPosition: COUNT, damages: [], structure: [], markFault: null });
    expect(await sweepEventStore({ path })).toEqual(mended);
    const store = await openSqliteEventStore({ path });
    expect((await store.readAll({ after: null, limit: 500 })).events).toHaveLength(COUNT);
    await store.close();
    expect(existsSync(`${path}.mended`)).toBe(false);
  });
  it('leaves a store alone whose events are damaged, and says which', async () => {
    const db = new DatabaseSync(path);
    db.exec("UPDATE events SET bytes = x'00' WHERE position = 7");
    db.close();
    const before = readFileSync(path);
    await expect(mendEventStore({ path })).rejects.toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringMatching(/position 7: its bytes do not match their hash/) });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}.mended`)).toBe(false);
  });
  it('leaves a store alone that lacks what its head mark knows', async () => {
    const db = new DatabaseSync(path);
    db.exec(`DELETE FROM events WHERE position = ${COUNT}`);
    db.close();
    await expect(mendEventStore({ path })).rejects.toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringMatching(/acknowledged events are missing/) });
    expect(existsSync(path)).toBe(true);
  });
  it('does nothing while the store is open', async () => {
    const store = await openSqliteEventStore({ path });
    await expect(mendEventStore({ path })).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await store.close();
  });
});
