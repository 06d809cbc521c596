const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Share of the streams that one belongs to, 0 to count − 1: FNV-1a (32 bits) of the name's UTF-16 units, modulo the count.
 * The same in every process and release: commands are routed, and work is divided, by it.
 */
export function partitionOf(stream: string, count: number): number {
  let sum = FNV_OFFSET;
  for (let i = 0; i < stream.length; i++) sum = Math.imul(sum ^ stream.charCodeAt(i), FNV_PRIME);
  return (sum >>> 0) % count;
}
