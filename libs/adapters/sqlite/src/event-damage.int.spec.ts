import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StreamName } from '@maestro/domain';
import { newEvent, newStream } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { packAppends, unpackAppends } from './append-batch.ts';
import { EventReader } from './event-reader.ts';
import { openWriterDatabase } from './writer-database.ts';

const COUNT = 150; // events, 50 in each of 3 streams, in turn
const streams = [newStream('execution'), newStream('workflow'), newStream('execution')];
let folder: string;
let intact: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-damage-'));
  intact = join(folder, 'intact.db');
  path = join(folder, 'events.db');
  const store = openWriterDatabase({ path: intact, markDelayMs: 0 });
  for (let i = 0; i < COUNT; i += 1) {
    const events = [newEvent(`event ${i} `.repeat(10), { sealed: i % 2 === 0 ? Uint8Array.of(1, 2, 3) : null })];
    store.writer.write(
      unpackAppends(packAppends([{ stream: streams[i % 3] ?? '', at: Math.floor(i / 3) - 1, events }])),
    );
  }
  store.close();
});
beforeEach(restore);
afterAll(() => rmSync(folder, { recursive: true }));

/** The intact file and no log: a log of other content would be read into it. */
function restore(): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  copyFileSync(intact, path);
}

function withReader<T>(read: (reader: EventReader) => T): T {
  const reader = new EventReader(path, String);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

const faultOf = (work: () => unknown): string => {
  try {
    work();
    return 'served';
  } catch (error) {
    return isFault(error) ? error.message : String(error);
  }
};

/** Everything that readers can get, as text. */
function everything(): string {
  return withReader((reader) => {
    const whole = [reader.lastPosition(), reader.after(0, reader.lastPosition())];
    const both = streams.map((s) => [
      reader.stream(s, { forward: true, limit: 100 }),
      reader.stream(s, { forward: false, limit: 2 }),
    ]);
    const text = (_: string, v: unknown): unknown =>
      typeof v === 'bigint' ? String(v) : v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v;
    return JSON.stringify([whole, both], text);
  });
}

const sql = (statement: string): void => {
  const db = new DatabaseSync(path);
  try {
    db.exec(statement);
  } finally {
    db.close();
  }
};

describe('a changed row is never served', () => {
  const [stream] = streams as [StreamName];
  it.each([
    ['bytes', "bytes = CAST(replace(CAST(bytes AS TEXT), 'event', 'evenT') AS BLOB)"],
    ['hash', 'hash = zeroblob(32)'],
    ['id', "id = replace(id, '-', '_')"],
    ['type', "type = 'execution.requested.v2'"],
    ['sealed', 'sealed = zeroblob(3)'],
    ['sealed to none', 'sealed = NULL'],
    ['digest', 'digest = zeroblob(32)'],
    ['digest to nothing', "digest = x''"],
  ])('%s: the fault names stream and revision, from either side', (_, change) => {
    const position = 19; // revision 6 of the first stream; it has sealed bytes
    sql(`UPDATE events SET ${change} WHERE position = ${position}`);
    withReader((reader) => {
      const fault = new RegExp(`^STORE_DAMAGED: revision 6 of stream ${stream} \\(position ${position}\\)`);
      expect(faultOf(() => reader.after(0, COUNT))).toMatch(fault);
      expect(faultOf(() => reader.stream(stream, { forward: true, limit: 100 }))).toMatch(fault);
      // what was not touched is still there
      expect(reader.after(0, 18)).toHaveLength(18);
      expect(reader.stream(stream, { forward: true, limit: 6 })?.events).toHaveLength(6);
    });
  });
  it('a revision, a stream or a position that moved', () => {
    for (const change of ['revision = 60', 'stream_id = 77', 'stream_id = 2, revision = 50', 'position = 500']) {
      restore();
      sql(`UPDATE events SET ${change} WHERE position = 19`);
      withReader((reader) => {
        expect([change, faultOf(() => reader.after(0, reader.lastPosition()))]).toEqual([
          change,
          expect.stringMatching(/^STORE_DAMAGED/),
        ]);
        expect(faultOf(() => reader.stream(stream, { forward: true, limit: 100 }))).toMatch(/^STORE_DAMAGED/);
      });
    }
  });
  it('a row that is gone, within and at the end of a stream', () => {
    for (const position of [4, COUNT - 2]) {
      restore();
      sql(`DELETE FROM events WHERE position = ${position}`);
      withReader((reader) => {
        expect(faultOf(() => reader.after(0, COUNT))).toContain(`position ${position} is missing`);
        expect(faultOf(() => reader.stream(stream, { forward: true, limit: 100 }))).toMatch(/^STORE_DAMAGED/);
        expect(faultOf(() => reader.stream(stream, { forward: false, limit: 100 }))).toMatch(/^STORE_DAMAGED/);
      });
    }
  });
  it('a stream that was renamed, in one place or in all', () => {
    const other = newStream();
    sql(`UPDATE streams SET name = '${other}' WHERE name = '${stream}'`);
    withReader((reader) => {
      expect(faultOf(() => reader.stream(other, { forward: true, limit: 1 }))).toMatch(/^STORE_DAMAGED/);
      expect(faultOf(() => reader.after(0, 1))).toMatch(/^STORE_DAMAGED/);
    });
    restore();
    sql(`DELETE FROM streams WHERE name = '${stream}'`);
    withReader((reader) => expect(faultOf(() => reader.after(0, 1))).toMatch(/names no stream/));
  });
});

describe('a flipped bit', () => {
  it('anywhere in the file changes nothing that is read, or is noticed', () => {
    const good = everything();
    const original = readFileSync(intact);
    const tally = { same: 0, noticed: 0 };
    for (let i = 0; i < 400; i += 1) {
      const place = createHash('sha256').update(`flip ${i}`).digest();
      const at = place.readUInt32BE(0) % original.length;
      const flipped = Buffer.from(original);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << ((place[4] ?? 0) % 8));
      restore();
      writeFileSync(path, flipped);
      const read = faultOf(() => {
        const now = everything();
        if (now !== good) throw new Error(`flip ${i} at byte ${at} was served`);
      });
      expect(read).not.toContain('was served');
      tally[read === 'served' ? 'same' : 'noticed'] += 1;
    }
    // the flips did reach what is read, most of them
    expect(tally.noticed).toBeGreaterThan(150);
  });
});
