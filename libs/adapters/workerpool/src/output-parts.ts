import { setImmediate as nextTurn } from 'node:timers/promises';

/** About a millisecond of the receiver's time for each. */
const PART_BYTES = 256 * 1024;

/** Parts copied in one turn: 4 MiB. */
const PARTS_PER_TURN = 16;

/** All parts in one piece. In more than one turn, so that the others of the process run. */
export async function joinedParts(parts: readonly Uint8Array[], sizeBytes: number): Promise<Uint8Array> {
  const joined = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (i > 0 && i % PARTS_PER_TURN === 0) await nextTurn();
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The text of some UTF-8 bytes in parts, none of which cuts a character in two. */
export function* partsOf(bytes: Uint8Array): Generator<string> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < all.length;) {
    let end = Math.min(all.length, start + PART_BYTES);
    while (end < all.length && ((all[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    yield all.toString('utf8', start, end);
    start = end;
  }
}
