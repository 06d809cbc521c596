import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** About 10 ms of hashing or sealing on a slow core: what is larger lets others run in between. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** Calls `work` for one slice after the other, each in a turn of its own. */
export async function inSlices(bytes: Uint8Array, work: (slice: Uint8Array) => void): Promise<void> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await nextTurn();
    work(bytes.subarray(at, at + SLICE_BYTES));
  }
}

/** SHA-256 as 64 hex characters. */
export async function digestInSlices(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  await inSlices(bytes, (slice) => hash.update(slice));
  return hash.digest('hex');
}
