import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Fault } from '@maestro/ports';
import type { DataKeyId, MovedKey } from '@maestro/ports';
import { PRIVATE_FILE, errnoOf, syncFolder, writeAll } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { KEY_BYTES, keyDestroyed, keyMissing } from './key-pool.ts';
import type { PoolSurvey } from './key-pool.ts';

// One record: key id 64 (ASCII, filled with zeros), key 32, state 1, zeros 27, CRC-32 4 (big-endian, over all before it).
// It divides a disk sector, so that a record is never half destroyed.
const RECORD_BYTES = 128;
const KEY_AT = 64;
const STATE_AT = 96;
const CRC_AT = 124;
const LIVE = 0x4c;
const DESTROYED = 0x44;

const KEY_ID = /^[a-z0-9-]{8,64}$/;
const FILE = /^adopted-[0-9a-f]{2}\.keys$/;

/**
 * Keys that came from another vault, under the ids that they had there, in 256 files by the digest of their id.
 * A1. A file is replaced whole and durable; only destroying writes in place. Both take turns.
 */
export class AdoptedKeys {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #staging: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, folder: string, staging: string) {
    this.#disk = disk;
    this.#folder = folder;
    this.#staging = staging;
  }

  /** Faults: KEY_MISSING, KEY_DESTROYED, KEY_DAMAGED. */
  async read(keyId: DataKeyId): Promise<Buffer> {
    const { record } = await this.#find(keyId);
    const state = stateOf(record);
    if (state === undefined) throw new Fault('KEY_DAMAGED', `${this.#pathOf(keyId)} holds no readable record of key ${keyId}; restore this file from a backup`);
    if (state === DESTROYED) throw keyDestroyed(keyId);
    return record.subarray(KEY_AT, KEY_AT + KEY_BYTES);
  }

  /** Overwrites a key in place, durable and idempotent; a damaged record, too. Faults: KEY_MISSING. */
  destroy(keyId: DataKeyId): Promise<void> {
    return this.#inTurn(async () => {
      const { offset } = await this.#find(keyId);
      const handle = await this.#disk.open(this.#pathOf(keyId), 'r+');
      try {
        await writeAll(handle, recordOf({ keyId, key: null }), offset);
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  /** As `KeyTransfer.adopt`, of keys that no pool has. */
  add(keys: readonly MovedKey[]): Promise<void> {
    return this.#inTurn(async () => {
      const files = new Map<string, Map<DataKeyId, Buffer>>();
      for (const moved of keys) {
        if (!KEY_ID.test(moved.keyId)) throw keyMissing(moved.keyId);
        const path = this.#pathOf(moved.keyId);
        const records = files.get(path) ?? recordsById(await this.#readFile(path));
        files.set(path, records);
        const known = records.get(moved.keyId);
        records.set(moved.keyId, known === undefined ? recordOf(moved) : merged(known, moved));
      }
      for (const [path, records] of files) await this.#replace(path, Buffer.concat([...records.values()]));
    });
  }

  async #find(keyId: DataKeyId): Promise<{ readonly record: Buffer; readonly offset: number }> {
    if (!KEY_ID.test(keyId)) throw keyMissing(keyId);
    const bytes = await this.#readFile(this.#pathOf(keyId));
    for (let offset = 0; offset < bytes.length; offset += RECORD_BYTES) {
      const record = bytes.subarray(offset, offset + RECORD_BYTES);
      if (idIn(record) === keyId) return { record, offset };
    }
    throw keyMissing(keyId);
  }

  #pathOf(keyId: DataKeyId): string {
    return join(this.#folder, `adopted-${createHash('sha256').update(keyId).digest('hex').slice(0, 2)}.keys`);
  }

  #readFile(path: string): Promise<Buffer> {
    return this.#disk.readFile(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const draft = join(this.#staging, `draft-${randomBytes(8).toString('hex')}`);
    const handle = await this.#disk.open(draft, 'wx', PRIVATE_FILE);
    try {
      await writeAll(handle, bytes, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await this.#disk.rename(draft, path);
    await syncFolder(this.#disk, this.#folder);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** Reads every record of every adopted key in `<folder>`; changes nothing. */
export async function surveyAdopted(disk: Disk, folder: string): Promise<PoolSurvey> {
  const names = await disk.readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const damaged: string[] = [];
  const count = { live: 0, destroyed: 0 };
  for (const name of names.filter((each) => FILE.test(each))) {
    const bytes = await disk.readFile(join(folder, name));
    for (let offset = 0; offset < bytes.length; offset += RECORD_BYTES) {
      const state = stateOf(bytes.subarray(offset, offset + RECORD_BYTES));
      if (state === undefined) damaged.push(`${join(folder, name)} at offset ${offset}`);
      else count[state === LIVE ? 'live' : 'destroyed'] += 1;
    }
  }
  return { ...count, damaged };
}

/** Destroyed on either side is destroyed; a damaged record is made anew. Fault KEY_EXISTS: another key has the id. */
function merged(known: Buffer, moved: MovedKey): Buffer {
  const state = stateOf(known);
  if (state === DESTROYED) return known;
  if (state === LIVE && moved.key !== null && !known.subarray(KEY_AT, KEY_AT + KEY_BYTES).equals(moved.key)) throw keyExists(moved.keyId);
  return recordOf(moved);
}

/** A damaged record stays under the id that it still has, so that its key can be adopted anew. */
function recordsById(bytes: Buffer): Map<DataKeyId, Buffer> {
  const records = new Map<DataKeyId, Buffer>();
  for (let offset = 0; offset < bytes.length; offset += RECORD_BYTES) {
    const record = bytes.subarray(offset, offset + RECORD_BYTES);
    const id = idIn(record);
    if (stateOf(record) !== undefined) records.set(id, record);
    else records.set(records.has(id) ? `${id} at ${offset}` : id, record);
  }
  return records;
}

function recordOf({ keyId, key }: MovedKey): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.write(keyId, 'latin1');
  if (key !== null) record.set(key.subarray(0, KEY_BYTES), KEY_AT);
  record.writeUInt8(key === null ? DESTROYED : LIVE, STATE_AT);
  record.writeUInt32BE(crc32(record.subarray(0, CRC_AT)), CRC_AT);
  return record;
}

function idIn(record: Buffer): DataKeyId {
  return record.toString('latin1', 0, KEY_AT).replace(/\0+$/, '');
}

/** Undefined: cut or damaged. */
function stateOf(record: Buffer): number | undefined {
  if (record.length < RECORD_BYTES || record.readUInt32BE(CRC_AT) !== crc32(record.subarray(0, CRC_AT))) return undefined;
  return record[STATE_AT];
}

/** Another key has this id. */
export function keyExists(keyId: DataKeyId): Fault {
  return new Fault('KEY_EXISTS', `another key has the id ${keyId} in this vault; nothing was taken`);
}
