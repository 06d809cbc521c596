import { hash } from 'node:crypto';
import { canonicalText } from './canonical.ts';

/** `prev` of the first event of a stream. */
export const ZERO_HASH = '0'.repeat(64);

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** SHA-256 of bytes or UTF-8 text, 64 lower-case hex characters. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** Hash of one event and leaf of the Merkle tree: SHA-256(0x00 || bytes). */
export function eventHash(bytes: Uint8Array): string {
  return hash('sha256', Buffer.concat([LEAF, bytes]), 'hex');
}

/**
 * Event id: UUIDv8 (RFC 9562) of SHA-256(RFC 8785([stream, commandId, index, SHA-256(RFC 8785(event without id))])).
 * `index` counts the events of one command from 0.
 */
export function eventId(stream: string, commandId: string, index: number, digestWithoutId: string): string {
  const digest = hash('sha256', canonicalText([stream, commandId, index, digestWithoutId]), 'buffer');
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * RFC 6962 Merkle tree hash over event hashes in order; a leaf is the event hash itself.
 * An empty history has no root: callers never ask.
 */
export function merkleRoot(eventHashes: readonly [string, ...string[]]): string {
  return merkleNode(eventHashes.map((hex) => Buffer.from(hex, 'hex'))).toString('hex');
}

function merkleNode(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first !== undefined && leaves.length === 1) return first;
  const split = largestPowerOfTwoBelow(leaves.length);
  return hash('sha256', Buffer.concat([NODE, merkleNode(leaves.slice(0, split)), merkleNode(leaves.slice(split))]), 'buffer');
}

function largestPowerOfTwoBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}
