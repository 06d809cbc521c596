import { categoryOf, type StreamName } from '@maestro/domain';
import { Fault, type EventFilter, type StoredEvent } from '@maestro/ports';
import { openCommit, type OpenedCommit } from './commit-envelope.ts';
import type { Cursors, Place } from './commit-place.ts';
import type { EventSubjects } from './event-subjects.ts';
import type { RawCommit } from './leader-reads.ts';

/** A message of the event stream. `opened` undefined: it cannot be proved. */
export type StoredCommit = {
  readonly seq: number;
  /** as its subject says; null: no stream has this subject */
  readonly stream: StreamName | null;
  readonly opened: OpenedCommit | undefined;
};

/** A commit is proved when its digest holds and it names the stream under whose subject it lies. */
export function proveCommit(raw: RawCommit, subjects: EventSubjects): StoredCommit {
  const stream = subjects.streamOf(raw.subject) ?? null;
  const opened = openCommit(raw.data);
  return { seq: raw.seq, stream, opened: opened !== undefined && opened.stream === stream ? opened : undefined };
}

/** The commit, or fault STORE_DAMAGED. */
export function proved({ seq, stream, opened }: StoredCommit): OpenedCommit {
  if (opened === undefined) throw damage(seq, stream);
  return opened;
}

export function damage(seq: number, stream: StreamName | null, revision?: number): Fault {
  const what = revision === undefined ? `the commit of ${stream ?? 'an unknown stream'}` : `revision ${revision} of stream ${stream}`;
  return new Fault('STORE_DAMAGED', `${what} (sequence ${seq}): its bytes do not match their hash; restore a backup`);
}

export function missing(from: number, to: number): Fault {
  const which = from === to ? `sequence ${from} is` : `sequences ${from} to ${to} are`;
  return new Fault('STORE_DAMAGED', `${which} missing in the event stream; restore a backup`);
}

/** The event of a proved commit, or fault STORE_DAMAGED where its own bytes are not what they were. */
export function eventAt(seq: number, opened: OpenedCommit, index: number, cursors: Cursors): StoredEvent | Fault {
  const stream = opened.stream as StreamName;
  const revision = opened.firstRevision + index;
  const event = opened.eventAt(index);
  if (event === undefined) return damage(seq, stream, revision);
  return { ...event, stream, revision: BigInt(revision), cursor: cursors.at({ seq, remaining: opened.events.length - 1 - index }) };
}

/** What lies at a place of the log. `held-back`: the filter does not let it through, and its bytes were not looked at. */
export type LogEntry =
  | { readonly kind: 'event'; readonly place: Place; readonly event: StoredEvent }
  | { readonly kind: 'held-back'; readonly place: Place }
  | { readonly kind: 'damaged'; readonly place: Place; readonly stream: StreamName | null; readonly fault: Fault };

/** The events of a commit, in order; only the last `left` of them. */
export function entriesOf({ seq, stream, opened }: StoredCommit, left: number, filter: EventFilter | undefined, cursors: Cursors): readonly LogEntry[] {
  const end = { seq, remaining: 0 };
  if (opened === undefined) return [{ kind: 'damaged', place: end, stream, fault: damage(seq, stream) }];
  const count = opened.events.length;
  const first = Math.max(0, count - left);
  return opened.events.slice(first).map((meta, i): LogEntry => {
    const place = { seq, remaining: count - 1 - first - i };
    if (!lets(filter, opened.stream as StreamName, meta.type)) return { kind: 'held-back', place };
    const event = eventAt(seq, opened, first + i, cursors);
    return event instanceof Fault ? { kind: 'damaged', place, stream, fault: event } : { kind: 'event', place, event };
  });
}

function lets(filter: EventFilter | undefined, stream: StreamName, type: string): boolean {
  if (filter?.types !== undefined && !filter.types.includes(type)) return false;
  return filter?.categories === undefined || filter.categories.includes(categoryOf(stream));
}
