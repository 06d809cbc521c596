import type { OpenedPlace } from '@maestro/receipt';

/** What stands around a value in the plaintext of its blob; behind `after` come spaces up to `sizeBytes`. */
export type ValueFrame = { readonly before: Uint8Array; readonly after: Uint8Array; readonly sizeBytes: number };
/** A blob's place whose value is still text. */
export type UnparsedPlace = { readonly pointer: string; readonly salt: string; readonly value: Uint8Array };

const FRAME_BYTES_MIN = 256;
const SPACE = 0x20;
const HEAD = /^\[\[("(?:[^"\\]|\\.)*"),"([0-9a-f]{32})",/;
/** pointers are short: those of the places that events have */
const HEAD_BYTES_MAX = 512;
const TAIL = ']]';
const encoder = new TextEncoder();

/** What a frame adds to its value: with room for every pointer that events have. */
export const FRAME_OVERHEAD_BYTES = 128;

/**
 * The frame of a value of so many bytes of canonical JSON in UTF-8: with it, the plaintext is one place as `encodePlaces`
 * would write it. The size is a power of two, so that no length shows. Whoever writes it may copy the value in slices.
 */
export function frameOf(pointer: string, salt: string, valueBytes: number): ValueFrame {
  const before = encoder.encode(`[[${JSON.stringify(pointer)},"${salt}",`);
  const after = encoder.encode(TAIL);
  const used = before.length + valueBytes + after.length;
  let sizeBytes = FRAME_BYTES_MIN;
  while (sizeBytes < used) sizeBytes *= 2;
  return { before, after, sizeBytes };
}

/** Reads a plaintext that was framed; undefined: it was not. */
export function unframeValue(plaintext: Uint8Array): UnparsedPlace | undefined {
  const bytes = Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
  const [head, quoted, salt] = HEAD.exec(bytes.toString('latin1', 0, HEAD_BYTES_MAX)) ?? [];
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === SPACE) end -= 1;
  if (head === undefined || quoted === undefined || salt === undefined || bytes.toString('latin1', end - TAIL.length, end) !== TAIL) return undefined;
  return { pointer: JSON.parse(quoted) as string, salt, value: plaintext.subarray(head.length, end - TAIL.length) };
}

/** What is hashed around a value to commit to it: `SHA-256(before || value || after)` is `commit(salt, pointer, value)`. */
export function commitmentFrame(salt: string, pointer: string): { readonly before: Uint8Array; readonly after: Uint8Array } {
  return { before: encoder.encode(`["${salt}",${JSON.stringify(pointer)},`), after: encoder.encode(']') };
}

/** The place with its value parsed. */
export function parsedPlace({ pointer, salt, value }: UnparsedPlace): OpenedPlace {
  return [pointer, salt, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value)) as OpenedPlace[2]];
}
