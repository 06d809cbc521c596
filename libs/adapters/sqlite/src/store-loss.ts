import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { isFault } from '@maestro/ports';
import { headOf, hexOf, withReader } from './copy-store.ts';
import { readHeadMark } from './head-mark.ts';

/** Revisions of one stream that are in the store that is given up, and not in the one that is kept. */
export type LostStream = { readonly stream: string; readonly fromRevision: number; readonly toRevision: number };

/** What is gone when one store is kept instead of another. Positions count all events of a store from 1. */
export type StoreLoss = {
  readonly fromPosition: number;
  readonly toPosition: number;
  readonly eventCount: number;
  /** hash of the last event that is known to have been acknowledged, hex */
  readonly lastHash: string;
  /** the last position that both have; what follows it in the kept store is another history */
  readonly commonPosition: number;
  /** where the kept store ends */
  readonly keptPosition: number;
  /** null: the events cannot be read any more, so that only their number is known */
  readonly streams: readonly LostStream[] | null;
  /** further streams, not listed */
  readonly streamsOmitted: number;
};

const STREAMS_MAX = 1_000;

/**
 * Compares the store that is to be kept with the one that is given up, of which the head mark counts as well as what can
 * still be read. `givenUp` may be the same file: then only its mark can be ahead. Null: nothing is gone. Reads only.
 */
export function findStoreLoss({ kept, givenUp }: { readonly kept: string; readonly givenUp: string }): StoreLoss | null {
  const mark = readHeadMark(`${givenUp}-mark`);
  const marked = mark.kind === 'mark' ? { position: mark.entry.position, hash: hexOf(mark.entry) } : { position: 0, hash: '' };
  return withReader(kept, (db) => {
    const keptHead = headOf(db).position;
    const readable = kept === givenUp ? undefined : readEnd(givenUp, db, keptHead);
    const last = readable !== undefined && readable.position >= marked.position ? readable : marked;
    const common = readable?.common ?? commonOf(db, marked, keptHead);
    if (last.position <= common) return null;
    return {
      fromPosition: common + 1,
      toPosition: last.position,
      eventCount: last.position - common,
      lastHash: last.hash,
      commonPosition: common,
      keptPosition: keptHead,
      streams: readable?.position === last.position ? readable.streams : null,
      streamsOmitted: readable?.position === last.position ? readable.streamsOmitted : 0,
    };
  });
}

type Marked = { readonly position: number; readonly hash: string };
type ReadableEnd = Marked & { readonly common: number; readonly streams: readonly LostStream[]; readonly streamsOmitted: number };

/** Without the other store: the mark's own event is either there or the histories part somewhere before it. */
function commonOf(kept: DatabaseSync, mark: Marked, keptHead: number): number {
  const found = mark.position <= keptHead ? hashAt(kept, mark.position) : undefined;
  if (mark.position > keptHead) return keptHead;
  return found === mark.hash || mark.position === 0 ? mark.position : 0;
}

/** Undefined: it is not there, or too damaged to tell. */
function readEnd(path: string, kept: DatabaseSync, keptHead: number): ReadableEnd | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return withReader(path, (db) => {
      const head = headOf(db);
      const common = lastCommon(kept, db, Math.min(head.position, keptHead));
      return { position: head.position, hash: hexOf(head), common, ...lostStreams(db, common) };
    });
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

/** Both begin alike, and once they part they never meet again: so the last common position can be searched for. */
function lastCommon(a: DatabaseSync, b: DatabaseSync, max: number): number {
  let low = 0;
  let high = max;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (hashAt(a, middle) !== undefined && hashAt(a, middle) === hashAt(b, middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function hashAt(db: DatabaseSync, position: number): string | undefined {
  const hash = db.prepare('SELECT hash FROM events WHERE position = ?').get(position)?.['hash'] as Uint8Array | undefined;
  return hash && Buffer.from(hash).toString('hex');
}

const LOST = `
  SELECT s.name AS stream, min(e.revision) AS fromRevision, max(e.revision) AS toRevision
  FROM events e JOIN streams s ON s.id = e.stream_id WHERE e.position > ? GROUP BY s.id ORDER BY min(e.position)`;

function lostStreams(db: DatabaseSync, after: number): Pick<ReadableEnd, 'streams' | 'streamsOmitted'> {
  const rows = db.prepare(LOST).all(after) as unknown as readonly LostStream[];
  const streams = rows.slice(0, STREAMS_MAX).map(({ stream, fromRevision, toRevision }) => ({ stream, fromRevision, toRevision }));
  return { streams, streamsOmitted: rows.length - streams.length };
}
