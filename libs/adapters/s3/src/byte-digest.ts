import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** about 1 ms of hashing */
const SLICE_BYTES = 1024 * 1024;

/** SHA-256 as 64 hex characters, in slices, so that large bytes do not keep everything else waiting. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + SLICE_BYTES));
  }
  return hash.digest('hex');
}
