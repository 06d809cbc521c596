import type { LogRecord, LogView } from './log-record.ts';
import { TOMBSTONE_REVISION, isSoftDeleted, metadataStream } from './stream-metadata.ts';

/** Expected revisions that are not revisions. */
export const ANY = -2n;
export const NO_STREAM = -1n;
export const STREAM_EXISTS = -4n;

export type Verdict =
  | { readonly kind: 'write' }
  /** the same ids are there already: answered with the place of the earlier write. The server compares ids only */
  | { readonly kind: 'same'; readonly last: LogRecord }
  | { readonly kind: 'wrong'; readonly current: bigint }
  | { readonly kind: 'deleted' };

/** What the server decides on an append, by its index and nothing else. */
export function check(log: LogView, stream: string, expected: bigint, ids: readonly string[]): Verdict {
  const current = log.lastRevision(stream);
  if (current === TOMBSTONE_REVISION) return { kind: 'deleted' };
  if (expected === STREAM_EXISTS) {
    if (isSoftDeleted(log, stream)) return { kind: 'deleted' };
    if (current < 0n && log.lastRevision(metadataStream(stream)) < 0n) return { kind: 'wrong', current };
  }
  if (expected === ANY || expected === STREAM_EXISTS) return byRecentIds(log, stream, ids, current);
  if (expected > current) return { kind: 'wrong', current };
  // at the head ids are not looked at: an id that comes again is written again
  if (expected === current) return { kind: 'write' };
  return byIndex(log, stream, expected, ids, current);
}

function byRecentIds(log: LogView, stream: string, ids: readonly string[], current: bigint): Verdict {
  const found = ids.map((id) => log.recent.get(id)).map((r) => (r?.stream === stream ? r : undefined));
  const last = found.at(-1);
  if (last !== undefined && found.every((r) => r !== undefined)) return { kind: 'same', last };
  return found[0] === undefined ? { kind: 'write' } : { kind: 'wrong', current };
}

function byIndex(log: LogView, stream: string, expected: bigint, ids: readonly string[], current: bigint): Verdict {
  const records = log.stream(stream)?.records ?? [];
  const from = Number(expected) + 1;
  const matching = ids.findIndex((id, i) => records[from + i]?.id !== id);
  const last = records[from + ids.length - 1];
  if (matching === -1 && last !== undefined) return { kind: 'same', last };
  if (matching <= 0 && expected === NO_STREAM && isSoftDeleted(log, stream)) return { kind: 'write' };
  return { kind: 'wrong', current };
}
