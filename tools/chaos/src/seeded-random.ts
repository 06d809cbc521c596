import { seededEntropy } from '@maestro/adapter-memory';

/** 0 ≤ x < 1; the same numbers for the same seed. */
export function seededRandom(seed: string): () => number {
  const entropy = seededEntropy(seed);
  return () => Buffer.from(entropy.bytes(4)).readUInt32BE(0) / 0x1_0000_0000;
}
