/** About a millisecond of the receiver's time for each. */
const PART_BYTES = 256 * 1024;

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
