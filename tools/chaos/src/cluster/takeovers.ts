import { partitionOf } from '@maestro/ports';
import type { StoredEvent } from '@maestro/ports';

/** As clusters are configured unless told otherwise. */
const PARTITIONS = 6;

/** Something that an owner decided: on which stream, and when (milliseconds since 1970). */
export type Decision = { readonly stream: string; readonly atMs: number };

/** What owners of partitions decided. Receipts are divided among other processes. */
export function decisionsIn(history: readonly StoredEvent[]): readonly Decision[] {
  const decided = history.filter(({ stream }) => !stream.startsWith('receipt-'));
  return decided.map(({ stream, bytes }) => ({ stream, atMs: Date.parse((JSON.parse(Buffer.from(bytes).toString()) as { readonly at: string }).at) }));
}

/**
 * For each moment at which an owner died: how long it was, in milliseconds, until something was decided in every partition again. That
 * is the takeover at most: a partition may have had nothing to do for a while. Infinity: never again.
 */
export function takeoversMs(decisions: readonly Decision[], diedAtMs: readonly number[], partitions = PARTITIONS): readonly number[] {
  return diedAtMs.map((diedAt) => {
    const again = Array.from({ length: partitions }, () => Number.POSITIVE_INFINITY);
    for (const { stream, atMs } of decisions) {
      const partition = partitionOf(stream, partitions);
      if (atMs > diedAt) again[partition] = Math.min(again[partition] ?? 0, atMs - diedAt);
    }
    return Math.max(...again);
  });
}
