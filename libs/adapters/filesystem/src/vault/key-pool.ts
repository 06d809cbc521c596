import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Fault } from '@maestro/ports';
import type { DataKeyId } from '@maestro/ports';
import { PRIVATE_FILE, errnoOf, readAt, writeAll, writeOnce } from '../disk.ts';
import type { Disk } from '../disk.ts';

/** keys in one pool file */
export const POOL_SLOTS = 256;
/** one record; it divides a disk sector, so that a record is never half destroyed */
export const SLOT_BYTES = 64;
/** length of a data key */
export const KEY_BYTES = 32;

// One record: key 32, random tag 4, state 1, zeros 23, CRC-32 4 (big-endian, over the pool, the slot and all before it).
const TAG_AT = 32;
const TAG_BYTES = 4;
const STATE_AT = 36;
const CRC_AT = 60;
const LIVE = 0x4c;
const DESTROYED = 0x44;

/** Where a key lies, as its id says: `k-<pool, 8 hex>-<slot, 2 hex>-<tag, 8 hex>`. */
export type Slot = { readonly pool: string; readonly index: number; readonly tag: string };

/** A key that was made durable and not handed out yet. */
export type FreshKey = { readonly keyId: DataKeyId; readonly key: Buffer };

/** Undefined for anything that is no key id of this vault. */
export function parseKeyId(keyId: DataKeyId): Slot | undefined {
  const [, pool, index, tag] = /^k-([0-9a-f]{8})-([0-9a-f]{2})-([0-9a-f]{8})$/.exec(keyId) ?? [];
  return pool === undefined || index === undefined || tag === undefined
    ? undefined
    : { pool, index: Number.parseInt(index, 16), tag };
}

/** File of a pool. */
export function poolPath(folder: string, pool: string): string {
  return join(folder, `pool-${pool}.keys`);
}

/** Makes a pool of new keys, durable before it answers. A name that is taken is never overwritten. */
export async function createPool(
  disk: Disk,
  folder: string,
  staging: string,
  random: (count: number) => Buffer,
): Promise<FreshKey[]> {
  for (;;) {
    const pool = random(4).toString('hex');
    const records = Array.from({ length: POOL_SLOTS }, (_, index) =>
      encodeSlot({ pool, index, tag: random(TAG_BYTES).toString('hex') }, LIVE, random(KEY_BYTES)),
    );
    if (await writeOnce(disk, staging, poolPath(folder, pool), Buffer.concat(records), PRIVATE_FILE)) {
      return records.map((record, index) => ({
        keyId: `k-${pool}-${index.toString(16).padStart(2, '0')}-${record.toString('hex', TAG_AT, STATE_AT)}`,
        key: record.subarray(0, KEY_BYTES),
      }));
    }
  }
}

/** The key of a slot. Faults: KEY_MISSING, KEY_DESTROYED, KEY_DAMAGED (names file and offset). */
export async function readKey(disk: Disk, folder: string, slot: Slot, keyId: DataKeyId): Promise<Buffer> {
  return withPool(disk, folder, slot, keyId, 'r', async (handle) => {
    const record = await readAt(handle, slot.index * SLOT_BYTES, SLOT_BYTES);
    const state = stateOf(record, slot);
    if (state === undefined) throw keyDamaged(folder, slot, keyId);
    if (!hasTag(record, slot)) throw keyMissing(keyId);
    if (state === DESTROYED) throw keyDestroyed(keyId);
    return record.subarray(0, KEY_BYTES);
  });
}

/**
 * Overwrites a key in place, durable and idempotent. A damaged record is overwritten too: its key is of no use, and
 * what is left of it must go. Faults: KEY_MISSING.
 */
export async function destroyKey(disk: Disk, folder: string, slot: Slot, keyId: DataKeyId): Promise<void> {
  await withPool(disk, folder, slot, keyId, 'r+', async (handle) => {
    const record = await readAt(handle, slot.index * SLOT_BYTES, SLOT_BYTES);
    if (stateOf(record, slot) !== undefined && !hasTag(record, slot)) throw keyMissing(keyId);
    await writeAll(handle, encodeSlot(slot, DESTROYED, Buffer.alloc(KEY_BYTES)), slot.index * SLOT_BYTES);
    await handle.sync();
  });
}

/** What the records of all pools of a vault are, for whoever looks after it: counts, and places that cannot be read. */
export type PoolSurvey = { readonly live: number; readonly destroyed: number; readonly damaged: readonly string[] };

/** Reads every record of every pool in `<folder>`; changes nothing. A vault that was never opened has none. */
export async function surveyPools(disk: Disk, folder: string): Promise<PoolSurvey> {
  const names = await disk.readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const damaged: string[] = [];
  const count = { live: 0, destroyed: 0 };
  for (const name of names) {
    const pool = /^pool-([0-9a-f]{8})\.keys$/.exec(name)?.[1];
    if (pool === undefined) continue;
    const bytes = await disk.readFile(poolPath(folder, pool));
    for (let index = 0; index < POOL_SLOTS; index++) {
      const record = bytes.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES);
      const state = stateOf(record, { pool, index, tag: '' });
      if (state === undefined) damaged.push(`${poolPath(folder, pool)} at offset ${index * SLOT_BYTES}`);
      else count[state === LIVE ? 'live' : 'destroyed'] += 1;
    }
  }
  return { ...count, damaged };
}

/** No such key was ever made here. */
export function keyMissing(keyId: DataKeyId): Fault {
  return new Fault('KEY_MISSING', `no key ${JSON.stringify(keyId)} was ever made in this vault`);
}
/** Erased on purpose. */
export function keyDestroyed(keyId: DataKeyId): Fault {
  return new Fault('KEY_DESTROYED', `key ${keyId} was destroyed; its values are gone for ever`);
}

function keyDamaged(folder: string, slot: Slot, keyId: DataKeyId): Fault {
  const where = `${poolPath(folder, slot.pool)} at offset ${slot.index * SLOT_BYTES}`;
  return new Fault('KEY_DAMAGED', `${where} holds no readable record of key ${keyId}; restore this file from a backup`);
}

function encodeSlot(slot: Slot, state: number, key: Buffer): Buffer {
  const record = Buffer.alloc(SLOT_BYTES);
  record.set(key, 0);
  record.write(slot.tag, TAG_AT, 'hex');
  record.writeUInt8(state, STATE_AT);
  record.writeUInt32BE(slotChecksum(record, slot), CRC_AT);
  return record;
}

// Undefined: cut, damaged, or a record of another slot.
function stateOf(record: Buffer, slot: Slot): number | undefined {
  if (record.length < SLOT_BYTES || record.readUInt32BE(CRC_AT) !== slotChecksum(record, slot)) return undefined;
  return record[STATE_AT];
}

function slotChecksum(record: Buffer, { pool, index }: Slot): number {
  return crc32(record.subarray(0, CRC_AT), crc32(`${pool}:${index}`));
}

function hasTag(record: Buffer, slot: Slot): boolean {
  return record.toString('hex', TAG_AT, STATE_AT) === slot.tag;
}

async function withPool<T>(
  disk: Disk,
  folder: string,
  slot: Slot,
  keyId: DataKeyId,
  flags: 'r' | 'r+',
  work: (handle: Awaited<ReturnType<Disk['open']>>) => Promise<T>,
): Promise<T> {
  const handle = await disk.open(poolPath(folder, slot.pool), flags).catch((error: unknown) => {
    throw errnoOf(error) === 'ENOENT' ? keyMissing(keyId) : error;
  });
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}
