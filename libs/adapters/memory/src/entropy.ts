import { createHash, randomBytes } from 'node:crypto';
import type { Entropy } from '@maestro/ports';

/** Randomness of the operating system. */
export const systemEntropy: Entropy = { bytes: (count) => new Uint8Array(randomBytes(count)) };

/** The same bytes for the same seed, for ever: SHA-256 in counter mode. For tests and simulation only. */
export function seededEntropy(seed: string | number): Entropy {
  let counter = 0;
  let block = Buffer.alloc(0);
  return {
    bytes(count) {
      const out = new Uint8Array(count);
      for (let filled = 0; filled < count;) {
        if (block.length === 0) block = createHash('sha256').update(`${seed}:${counter++}`).digest();
        const part = block.subarray(0, count - filled);
        out.set(part, filled);
        filled += part.length;
        block = block.subarray(part.length);
      }
      return out;
    },
  };
}
