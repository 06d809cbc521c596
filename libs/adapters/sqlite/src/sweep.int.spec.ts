import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newEvent, newStream } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { openSqliteEventStore } from './event-store.ts';
import { sweepEventStore } from './sweep.ts';
import type { StoreSweep, SweptEvent } from './sweep.ts';

const COUNT = 30; // 10 in each of 3 streams, in turn
const streams = [newStream('execution'), newStream('workflow'), newStream('receipt')] as const;
let folder: string;
let path: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-sweep-'));
  path = join(folder, 'events.db');
  const store = await openSqliteEventStore({ path: join(folder, 'intact.db') });
  for (let i = 0; i < COUNT; i += 1) {
    const revision = Math.floor(i / 3);
    const expected = revision === 0 ? ('none' as const) : { revision: BigInt(revision - 1), token: String(revision - 1) };
    await store.append(streams[i % 3] ?? streams[0], expected, [newEvent(`event ${i}`, { sealed: i % 2 === 0 ? Uint8Array.of(1) : null })]);
  }
  await store.close();
});
beforeEach(() => {
  for (const suffix of ['', '-mark', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  for (const suffix of ['', '-mark']) copyFileSync(join(folder, 'intact.db') + suffix, path + suffix);
});
afterAll(() => rmSync(folder, { recursive: true }));

const sql = (statement: string): void => {
  const db = new DatabaseSync(path);
  db.exec(statement);
  db.close();
};
const swept = async (o: Partial<Parameters<typeof sweepEventStore>[0]> = {}): Promise<StoreSweep> => {
  const sweep = await sweepEventStore({ path, ...o });
  if (sweep.kind === 'missing') throw new Error('no store');
  return sweep;
};
const told = async (): Promise<readonly string[]> => (await swept()).damages.map(({ position, stream, revision, what }) => `${position} ${stream === streams[0] ? 'first' : stream} ${revision}: ${what}`);

describe('a sweep of the store', () => {
  it('proves every event of a sound one, in order, each with the hash of the one before', async () => {
    const seen: SweptEvent[] = [];
    const progress: string[] = [];
    const sweep = await swept({ onEvent: (event) => void seen.push(event), onProgress: (done, total) => void progress.push(`${done}/${total}`) });
    expect(sweep).toMatchObject({ eventCount: COUNT, headPosition: COUNT, damages: [], damagesOmitted: 0, markFault: null });
    expect(sweep.incarnation).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen.map(({ position }) => position)).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
    expect(seen[0]?.previousHash).toBeNull();
    expect(seen[3]?.previousHash).toBe(seen[0]?.hash);
    expect(progress).toEqual([`${COUNT}/${COUNT}`]);
  });
  it('answers that there is none, and makes none', async () => {
    expect(await sweepEventStore({ path: join(folder, 'none.db') })).toEqual({ kind: 'missing' });
    expect(existsSync(join(folder, 'none.db'))).toBe(false);
    writeFileSync(join(folder, 'empty.db'), '');
    expect(await sweepEventStore({ path: join(folder, 'empty.db') })).toEqual({ kind: 'missing' });
  });
  it('goes on beside the process that holds the store', async () => {
    const store = await openSqliteEventStore({ path });
    try {
      expect((await swept()).damages).toEqual([]);
    } finally {
      await store.close();
    }
  });
  it.each([
    ['bytes', "bytes = x'00'", 'its bytes do not match their hash'],
    ['hash', 'hash = zeroblob(32)', 'its bytes do not match their hash'],
    ['type', "type = 'x'", 'its columns do not match their digest'],
    ['sealed', 'sealed = NULL', 'its columns do not match their digest'],
    ['digest', 'digest = zeroblob(32)', 'its columns do not match their digest'],
    ['stream', 'stream_id = 99', 'it names no stream'],
  ])('names an event whose %s was changed, and goes on', async (_, change, what) => {
    sql(`UPDATE events SET ${change} WHERE position IN (13, 25)`);
    const damages = await told();
    expect(damages.filter((damage) => damage.endsWith(what)).map((damage) => damage.split(' ')[0])).toEqual(['13', '25']);
  });
  it('names a missing event, by its position and by the one after it in its stream', async () => {
    sql('DELETE FROM events WHERE position = 13');
    expect(await told()).toEqual(['13 null null: the event is missing', '16 first 5: revision 4 of its stream is missing']);
  });
  it('names a stream whose end is gone', async () => {
    sql('DELETE FROM events WHERE position = 28');
    expect((await swept()).damages).toContainEqual({ position: 0, stream: streams[0], revision: 9, what: 'its head is kept as 9, its last event is 8' });
  });
  it('names what the reader of the events finds', async () => {
    expect((await swept({ onEvent: ({ position }) => (position === 5 ? 'not an event' : undefined) })).damages).toEqual([{ position: 5, stream: streams[1], revision: 1, what: 'not an event' }]);
  });
  it('lists 100 damages and counts the rest', async () => {
    sql(`WITH RECURSIVE n(i) AS (SELECT 31 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
      INSERT INTO events SELECT i, 1, i, 'id', 'type', x'00', x'00', NULL, x'00' FROM n`);
    const { damages, damagesOmitted } = await swept();
    expect([damages.length, damagesOmitted]).toEqual([100, 121]);
  });
  it('holds the store against its head mark', async () => {
    sql('DELETE FROM events WHERE position >= 29');
    expect((await swept()).markFault).toBe('the head mark is at position 30, the store ends at 28: acknowledged events are missing');
    sql("UPDATE events SET position = position + 2, hash = x'00' WHERE position = 28");
    expect((await swept()).markFault).toMatch(/position 30 is not the one/);
    writeFileSync(`${path}-mark`, 'spoilt');
    expect((await swept()).markFault).toMatch(/cannot be read/);
    rmSync(`${path}-mark`);
    expect((await swept()).markFault).toMatch(/is missing/);
  });
  it('refuses a store of a newer release, and a file that is no database', async () => {
    const faultOf = (): Promise<unknown> => swept().catch((error: unknown) => (isFault(error) ? error.code : error));
    sql("UPDATE meta SET value = '99' WHERE key = 'schema_version'");
    expect(await faultOf()).toBe('STORE_NEWER');
    writeFileSync(path, 'no database, whatever its name says, and long enough to have a header of one'.repeat(10));
    expect(await faultOf()).toBe('STORE_DAMAGED');
  });
});
