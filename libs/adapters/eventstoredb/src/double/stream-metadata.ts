import type { LogRecord, LogView } from './log-record.ts';

/** The revision that stands for a deleted stream: the largest signed 64-bit number. */
export const TOMBSTONE_REVISION = (1n << 63n) - 1n;

export const metadataStream = (name: string): string => `$$${name}`;

type StreamMetadata = { readonly $maxCount?: number; readonly $maxAge?: number; readonly $tb?: number };

/** What `$$<name>` says last; of a metadata stream itself only the latest event counts. */
export function metadataOf(log: LogView, name: string): StreamMetadata {
  if (name.startsWith('$$')) return { $maxCount: 1 };
  const last = log.stream(metadataStream(name))?.records.at(-1);
  if (last === undefined) return {};
  try {
    return (JSON.parse(new TextDecoder().decode(last.data)) ?? {}) as StreamMetadata;
  } catch {
    return {}; // the server takes any bytes, and then there is no metadata
  }
}

/** Deleted, but not for ever: truncated before the tombstone's revision, which no double-precision number holds exactly. */
export function isSoftDeleted(log: LogView, name: string): boolean {
  return (metadataOf(log, name).$tb ?? 0) >= Number(TOMBSTONE_REVISION);
}

export type StreamStatus = 'deleted' | 'missing' | 'there';

export function statusOf(log: LogView, name: string): StreamStatus {
  if (log.stream(name)?.tombstone !== undefined) return 'deleted';
  return log.lastRevision(name) < 0n || isSoftDeleted(log, name) ? 'missing' : 'there';
}

/** Events of a stream that reads may show, ascending. */
export function visible(log: LogView, name: string): readonly LogRecord[] {
  const records = log.stream(name)?.records ?? [];
  const { $maxCount, $maxAge, $tb } = metadataOf(log, name);
  const byCount = $maxCount === undefined ? 0 : records.length - $maxCount;
  const shown = records.slice(Math.max(0, byCount, $tb ?? 0));
  if ($maxAge === undefined) return shown;
  const oldestMs = Date.now() - $maxAge * 1_000;
  return shown.filter((r) => r.createdMs >= oldestMs);
}
