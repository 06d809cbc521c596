import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isEvidenceKey } from './evidence-key.ts';

// One record of a pack, integers big-endian:
//   0  magic "MCEP"            4
//   4  version 1               1
//   5  retainUntil length      1
//   6  key length              2
//   8  byte length             4
//  12  CRC-32 of the rest of the head, key and retainUntil   4
//  16  SHA-256 of the bytes   32
//  48  key, retainUntil, bytes
const MAGIC = 0x4d434550;
const VERSION = 1;
const HEAD_BYTES = 48;
const CRC_AT = 12;
const DIGEST_AT = 16;

/** bytes that are enough to hold the head, the key and retainUntil of any record */
export const RECORD_HEAD_BYTES_MAX = HEAD_BYTES + 200 + 40;

/** What a record says of its evidence. `bodyAt` and `end` are offsets from the start of the record. */
export type RecordHead = {
  readonly key: string;
  readonly digest: string;
  readonly retainUntil: string | null;
  readonly length: number;
  readonly bodyAt: number;
  readonly end: number;
};

/** SHA-256 as 64 hex characters. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The record of one item, ready to be appended. Copies the bytes. */
export function encodeRecord(key: string, bytes: Uint8Array, digest: string, retainUntil: string | null): Buffer {
  const retain = Buffer.from(retainUntil ?? '');
  const name = Buffer.from(key);
  if (retain.length > 40) throw new RangeError(`retainUntil is longer than 40 bytes: ${JSON.stringify(retainUntil)}`);
  const record = Buffer.alloc(HEAD_BYTES + name.length + retain.length + bytes.length);
  record.writeUInt32BE(MAGIC, 0);
  record.writeUInt8(VERSION, 4);
  record.writeUInt8(retain.length, 5);
  record.writeUInt16BE(name.length, 6);
  record.writeUInt32BE(bytes.length, 8);
  record.write(digest, DIGEST_AT, 'hex');
  record.set(name, HEAD_BYTES);
  record.set(retain, HEAD_BYTES + name.length);
  record.writeUInt32BE(headChecksum(record, HEAD_BYTES + name.length + retain.length), CRC_AT);
  record.set(bytes, HEAD_BYTES + name.length + retain.length);
  return record;
}

/** Reads the head of a record from bytes that start with it. Undefined: cut, damaged, or no record at all. */
export function decodeRecordHead(bytes: Buffer): RecordHead | undefined {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt8(4) !== VERSION) return undefined;
  const keyEnd = HEAD_BYTES + bytes.readUInt16BE(6);
  const bodyAt = keyEnd + bytes.readUInt8(5);
  if (bytes.length < bodyAt || headChecksum(bytes, bodyAt) !== bytes.readUInt32BE(CRC_AT)) return undefined;
  const key = bytes.toString('latin1', HEAD_BYTES, keyEnd);
  if (!isEvidenceKey(key)) return undefined;
  const length = bytes.readUInt32BE(8);
  const retainUntil = bytes.toString('utf8', keyEnd, bodyAt) || null;
  return { key, digest: bytes.toString('hex', DIGEST_AT, HEAD_BYTES), retainUntil, length, bodyAt, end: bodyAt + length };
}

function headChecksum(record: Buffer, bodyAt: number): number {
  return crc32(record.subarray(DIGEST_AT, bodyAt), crc32(record.subarray(0, CRC_AT)));
}
