import { hash } from 'node:crypto';

/** What the digest of a row covers besides the event's own hash and its ciphertext. */
export type RowPlace = {
  readonly position: number;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
};

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

function room(sizeBytes: number): Buffer {
  if (scratch.length < sizeBytes) scratch = Buffer.allocUnsafeSlow(2 * sizeBytes);
  return scratch;
}

/** 32 bytes: SHA-256(0x00 || bytes). */
export function eventHash(bytes: Uint8Array): Buffer {
  const buffer = room(bytes.length + 1);
  buffer[0] = 0;
  buffer.set(bytes, 1);
  return hash('sha256', buffer.subarray(0, bytes.length + 1), 'buffer');
}

/**
 * 32 bytes over everything of a row that the event's hash does not cover, so that no flipped column is ever served.
 * Lengths come first, so that no two rows have the same text.
 */
export function rowDigest(row: RowPlace, eventHash32: Uint8Array, sealed: Uint8Array | null): Buffer {
  const lengths = `${row.id.length} ${row.type.length} ${sealed === null ? '-' : sealed.length}`;
  const text = `${row.position} ${row.revision} ${row.stream} ${lengths} ${row.id}${row.type}`;
  const textMax = text.length * 3;
  const buffer = room(textMax + 32 + (sealed?.length ?? 0));
  let end = buffer.write(text, 0, 'utf8');
  buffer.set(eventHash32, end);
  end += eventHash32.length;
  if (sealed !== null) {
    buffer.set(sealed, end);
    end += sealed.length;
  }
  return hash('sha256', buffer.subarray(0, end), 'buffer');
}
