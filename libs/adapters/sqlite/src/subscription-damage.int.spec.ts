import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newEvent, newStream } from '@maestro/conformance';
import type { NewEvent, SubscriptionItem } from '@maestro/ports';
import { openSqliteEventStore } from './event-store.ts';

const COUNT = 700; // more than two pages
const streams = [newStream('execution'), newStream('workflow')] as const;
let folder: string;
let path: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-subscription-'));
  path = join(folder, 'events.db');
  const store = await openSqliteEventStore({ path });
  for (const [i, stream] of streams.entries()) {
    for (let from = 0; from < COUNT / 2; from += 50) {
      const events = Array.from({ length: 50 }, (_, n) => newEvent(`${i} ${from + n}`)) as [NewEvent, ...NewEvent[]];
      await store.append(stream, from === 0 ? 'none' : { revision: BigInt(from - 1), token: String(from - 1) }, events);
    }
  }
  await store.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Everything up to the first catch-up. */
async function followed(): Promise<readonly SubscriptionItem[]> {
  const store = await openSqliteEventStore({ path });
  const abort = new AbortController();
  const items: SubscriptionItem[] = [];
  try {
    for await (const item of store.subscribe({ after: null, signal: abort.signal })) {
      items.push(item);
      if (item.kind === 'caught-up') abort.abort();
    }
    return items;
  } finally {
    await store.close();
  }
}

const placeOf = (cursor: string): number => Number(cursor.slice(cursor.lastIndexOf('.') + 1));

it('a subscription passes over damaged and missing events, names them, and yields all others once', async () => {
  const db = new DatabaseSync(path);
  db.exec("UPDATE events SET bytes = x'00' WHERE position IN (1, 300, 301, 600)");
  db.exec('UPDATE events SET stream_id = 99 WHERE position = 620');
  db.exec('DELETE FROM events WHERE position IN (450, 451)');
  db.close();
  const items = await followed();
  const damaged = items.flatMap((item) => (item.kind === 'damaged' ? [[placeOf(item.cursor), item.stream, item.fault.code]] : []));
  expect(damaged).toEqual([
    [1, streams[0], 'STORE_DAMAGED'],
    [300, streams[0], 'STORE_DAMAGED'],
    [301, streams[0], 'STORE_DAMAGED'],
    [450, null, 'STORE_DAMAGED'],
    [451, null, 'STORE_DAMAGED'],
    [600, streams[1], 'STORE_DAMAGED'],
    [620, null, 'STORE_DAMAGED'],
  ]);
  const lost = new Set(damaged.map(([place]) => place));
  const sound = Array.from({ length: COUNT }, (_, i) => i + 1).filter((place) => !lost.has(place));
  expect(items.flatMap((item) => (item.kind === 'event' ? [placeOf(item.event.cursor)] : []))).toEqual(sound);
});

it('a subscription passes over a page that cannot be read at all, and goes on', async () => {
  const db = new DatabaseSync(path, { readOnly: true });
  const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").get()?.['rootpage']);
  db.close();
  const bytes = readFileSync(path);
  // an inner page says behind its header of 12 bytes where its entries lie; each begins with the number of a page below
  const at = (root - 1) * 4_096;
  const oldest = bytes.readUInt32BE(at + bytes.readUInt16BE(at + 12));
  bytes[(oldest - 1) * 4_096] = 0;
  writeFileSync(path, bytes);
  const items = await followed();
  const damaged = items.flatMap((item) => (item.kind === 'damaged' ? [item] : []));
  expect(damaged.length).toBeGreaterThan(0);
  expect(damaged.map(({ fault }) => fault.message).filter((message) => !message.includes(path))).toEqual([]);
  expect(damaged.map(({ stream }) => stream).filter((stream) => stream !== null)).toEqual([]);
  expect(items.filter(({ kind }) => kind === 'event')).toHaveLength(COUNT - damaged.length);
});
