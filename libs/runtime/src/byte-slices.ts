import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CanonicalScan } from '@maestro/codec';
import type { Wanted } from '@maestro/codec';

/** Lets others run between two slices of work on a large value. */
export type Pause = () => Promise<unknown>;

/** About 10 ms of hashing or copying, and of scanning, on a slow core. */
const COPY_SLICE_BYTES = 4 * 1024 * 1024;
const SCAN_SLICE_BYTES = 256 * 1024;
const SPACE = 0x20;

/** The end of the present turn of the event loop. */
export const endOfTurn: Pause = () => nextTurn();

/** SHA-256 over parts in order, 64 hex, in slices. */
export async function hashInSlices(parts: readonly Uint8Array[], pause: Pause): Promise<string> {
  const hash = createHash('sha256');
  for (const part of parts) {
    for (let at = 0; at < part.length; at += COPY_SLICE_BYTES) {
      if (at > 0) await pause();
      hash.update(part.subarray(at, at + COPY_SLICE_BYTES));
    }
  }
  return hash.digest('hex');
}

/** Parts in order, then as many spaces as there is room for, copied in slices. */
export async function joinInSlices(parts: readonly Uint8Array[], sizeBytes: number, pause: Pause): Promise<Uint8Array> {
  const joined = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length; from += COPY_SLICE_BYTES) {
      if (from > 0) await pause();
      const slice = part.subarray(from, from + COPY_SLICE_BYTES);
      joined.set(slice, at);
      at += slice.length;
    }
  }
  for (; at < sizeBytes; at += COPY_SLICE_BYTES) {
    joined.fill(SPACE, at, Math.min(sizeBytes, at + COPY_SLICE_BYTES));
    await pause();
  }
  return joined;
}

/** Scans bytes as canonical JSON in slices; the problem of the answered scan says why they were refused. */
export async function scanInSlices(bytes: Uint8Array, pause: Pause, wanted?: Wanted, o: { readonly throughLists: boolean } = { throughLists: true }): Promise<Pick<CanonicalScan, 'problem' | 'found'>> {
  if (!isUtf8(bytes)) return { problem: { pointer: '', reason: 'text that is not UTF-8' }, found: new Map() };
  const scan = new CanonicalScan(bytes, wanted, o.throughLists);
  while (!scan.advance(SCAN_SLICE_BYTES)) await pause();
  return scan;
}
