import { hash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '@maestro/ports';
import { createPrivateFile, syncFolder } from './private-file.ts';

/** Where the store stood after a commit. */
export type HeadMarkEntry = {
  /** of the last event; 0: the store was empty */
  readonly position: number;
  /** events up to and with it; equals the position, as positions are dense */
  readonly count: number;
  /** 32 bytes: the last event's hash; zeros for an empty store */
  readonly hash: Uint8Array;
};

// A slot: "MCHM" | sequence u64 | position u64 | count u64 | hash 32 | SHA-256 of all that 32. Slots lie in sectors of
// their own, so that a torn write spoils the one being written and never the one before.
const MAGIC = 'MCHM';
const BODY_BYTES = 60;
const SLOT_BYTES = 92;
const SLOT_STRIDE = 4096;

function encode(sequence: number, entry: HeadMarkEntry): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  slot.write(MAGIC, 0, 'latin1');
  slot.writeBigUInt64BE(BigInt(sequence), 4);
  slot.writeBigUInt64BE(BigInt(entry.position), 12);
  slot.writeBigUInt64BE(BigInt(entry.count), 20);
  slot.set(entry.hash, 28);
  slot.set(hash('sha256', slot.subarray(0, BODY_BYTES), 'buffer'), BODY_BYTES);
  return slot;
}

function decode(slot: Buffer): { readonly sequence: number; readonly entry: HeadMarkEntry } | undefined {
  const sum = hash('sha256', slot.subarray(0, BODY_BYTES), 'buffer');
  if (slot.toString('latin1', 0, 4) !== MAGIC || !sum.equals(slot.subarray(BODY_BYTES))) return undefined;
  const position = Number(slot.readBigUInt64BE(12));
  const count = Number(slot.readBigUInt64BE(20));
  return { sequence: Number(slot.readBigUInt64BE(4)), entry: { position, count, hash: slot.subarray(28, BODY_BYTES) } };
}

const ORIGIN: HeadMarkEntry = { position: 0, count: 0, hash: new Uint8Array(32) };

/** What the file says, without touching it; the newer of its readable slots. */
export function readHeadMark(path: string): { readonly kind: 'missing' | 'unreadable' } | { readonly kind: 'mark'; readonly entry: HeadMarkEntry } {
  if (!existsSync(path)) return { kind: 'missing' };
  const fd = openSync(path, 'r');
  try {
    const latest = latestOf(fd);
    return latest === undefined ? { kind: 'unreadable' } : { kind: 'mark', entry: latest.entry };
  } finally {
    closeSync(fd);
  }
}

function latestOf(fd: number): ReturnType<typeof decode> {
  const slots = [0, 1].map((i) => {
    const slot = Buffer.alloc(SLOT_BYTES);
    readSync(fd, slot, 0, SLOT_BYTES, i * SLOT_STRIDE);
    return decode(slot);
  });
  const readable = slots.filter((slot) => slot !== undefined).sort((a, b) => b.sequence - a.sequence);
  return readable[0];
}

function create(path: string): void {
  const fresh = `${path}.new`;
  createPrivateFile(fresh);
  const fd = openSync(fresh, 'r+');
  try {
    // both sectors are allocated now, so that marking works on a full disk, too
    writeSync(fd, Buffer.alloc(2 * SLOT_STRIDE), 0, 2 * SLOT_STRIDE, 0);
    writeSync(fd, encode(0, ORIGIN), 0, SLOT_BYTES, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
  syncFolder(dirname(path));
}

/**
 * A small file beside the database that remembers, outside of it, how far the store had come. SQLite drops a damaged
 * tail of its log without a word; this is what notices.
 */
export class HeadMark {
  readonly #fd: number;
  #sequence: number;
  #latest: HeadMarkEntry;

  /** Creates the file where it is missing. STORE_DAMAGED where neither slot can be read. */
  constructor(path: string) {
    if (!existsSync(path)) create(path);
    this.#fd = openSync(path, 'r+');
    const latest = latestOf(this.#fd);
    if (latest === undefined) {
      const size = fstatSync(this.#fd).size;
      closeSync(this.#fd);
      throw new Fault(
        'STORE_DAMAGED',
        `the head mark ${path} (${size} bytes) cannot be read; check the store against a backup, then delete it`,
      );
    }
    this.#sequence = latest.sequence;
    this.#latest = latest.entry;
  }

  get latest(): HeadMarkEntry {
    return this.#latest;
  }

  /** Durable when it returns. Writes over the older slot. */
  write(entry: HeadMarkEntry): void {
    const sequence = this.#sequence + 1;
    writeSync(this.#fd, encode(sequence, entry), 0, SLOT_BYTES, (sequence % 2) * SLOT_STRIDE);
    fdatasyncSync(this.#fd);
    this.#sequence = sequence;
    this.#latest = entry;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
