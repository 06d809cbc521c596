import type { StreamName } from '@maestro/domain';
import {
  Fault,
  checkCall,
  checkEvents,
  checkStreamName,
  isFault,
  pageLimit,
  type AllPage,
  type Appended,
  type CallOptions,
  type Conflict,
  type Cursor,
  type EventFilter,
  type EventStore,
  type NewEvent,
  type StoreLimits,
  type StreamPage,
  type SubscriptionItem,
  type Version,
} from '@maestro/ports';
import { AllEvents } from './all-events.ts';
import { checkHashes, type CommitMeta } from './commit-envelope.ts';
import { comparePlaces, headOf, versionOf, type Cursors, type Place } from './commit-place.ts';
import type { CommitWriter } from './commit-writer.ts';
import { lastRevision } from './event-page.ts';
import type { DirectReads } from './direct-reads.ts';
import type { HeadMark } from './head-mark.ts';
import type { HeadWatch } from './head-watch.ts';
import type { LeaderReads } from './leader-reads.ts';
import type { LogReader } from './log-reader.ts';
import { leftMs, ownTime, patience, pauseBeforeTry, type Patience } from './persist.ts';
import type { RecentCommits } from './recent-commits.ts';
import type { StreamReader } from './stream-reader.ts';
import type { StoredCommit } from './stored-commit.ts';
import { follow } from './subscription.ts';
import type { Durability } from './sync-proof.ts';

/** What the store is made of; `openJetStreamEventStore` makes it. */
export type StoreParts = {
  readonly leader: LeaderReads;
  readonly direct: DirectReads;
  readonly log: LogReader;
  readonly streams: StreamReader;
  readonly writer: CommitWriter;
  readonly head: HeadWatch;
  readonly mark: HeadMark;
  readonly cursors: Cursors;
  readonly recent: RecentCommits;
  /** birth of the stream that was opened */
  readonly created: string;
  readonly limits: StoreLimits;
  readonly durability: Durability;
  readonly patienceMs: number;
};

/** Appends that wait for their answer at most; beyond it callers are told to come again. */
const IN_FLIGHT_MAX = 10_000;
const NEVER = new AbortController().signal;

/**
 * The event store on a JetStream stream, one message per commit. An acknowledged append is on the disk of the server, or of a
 * majority of the replicas, as `durability` says. Arrays handed in are kept in memory as they are; callers leave them alone. `timeoutMs` of a call is 15,000 by default: a cluster needs 4 to 9 s for a new leader.
 */
export class JetStreamEventStore implements EventStore {
  readonly limits: StoreLimits;
  /** what was proved of the servers when the store was opened */
  readonly durability: Durability;
  readonly #parts: StoreParts;
  readonly #closing = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  /** Use `openJetStreamEventStore`. */
  constructor(parts: StoreParts) {
    this.limits = parts.limits;
    this.durability = parts.durability;
    this.#parts = parts;
  }

  async append(stream: StreamName, expected: 'none' | Version, events: readonly [NewEvent, ...NewEvent[]], o: CallOptions = {}): Promise<Appended | Conflict> {
    this.#check(o.signal);
    checkStreamName(stream);
    checkEvents(events, this.limits);
    checkHashes(stream, events);
    if (this.#inFlight.size >= IN_FLIGHT_MAX) {
      throw new Fault('STORE_READ_ONLY', `${IN_FLIGHT_MAX} appends wait for the server; nothing was written, try again later`, { retryable: true });
    }
    // close waits for appends instead of breaking them off
    const p = patience(o.timeoutMs ?? this.#parts.patienceMs, o.signal ?? NEVER);
    const at = headOf(expected);
    if (at === undefined) return { kind: 'conflict', actual: await this.#versionOf(stream, p) };
    const { writer, head, mark, streams, cursors, recent } = this.#parts;
    const seenBefore = head.seen;
    const written = await this.#counted(writer.write({ stream, at, events }, p));
    if (written.kind === 'conflict') return written;
    const { seq } = written.head;
    // a new commit below one that was acknowledged before it was sent
    if (!written.isEarlier && seq <= seenBefore) throw fellBack(seq, seenBefore);
    mark.note({ seq, commitId: written.commitId });
    streams.noteAppended(stream, seq, at.revision + 1);
    if (!written.isEarlier) recent.keep(appended({ stream, seq, commitId: written.commitId, after: at.seq, firstRevision: at.revision + 1 }, events));
    head.note(seq);
    return { kind: 'appended', version: versionOf(written.head), cursor: cursors.at({ seq, remaining: 0 }), deduplicated: written.isEarlier };
  }

  async readStream(
    stream: StreamName,
    o: { readonly from?: bigint; readonly direction: 'forward' | 'backward'; readonly limit: number } & CallOptions,
  ): Promise<StreamPage> {
    this.#check(o.signal);
    checkStreamName(stream);
    const from = o.from === undefined ? undefined : Number(o.from);
    return this.#read(this.#parts.streams.page(stream, { from, forward: o.direction === 'forward', limit: pageLimit(o.limit, this.limits) }, this.#patience(o)));
  }

  /** A page holds fewer than `limit` events where the filter is sparse, the events are large, or damage follows; go on from `next`. */
  async readAll(o: { readonly after: Cursor | null; readonly filter?: EventFilter; readonly limit: number } & CallOptions): Promise<AllPage> {
    this.#check(o.signal);
    const p = this.#patience(o);
    const start = this.#parts.cursors.parse(o.after);
    const headSeq = await this.#read(this.#headSeq(start, p));
    const asked = { place: start, headSeq, limit: pageLimit(o.limit, this.limits), consideredMax: this.limits.pageEventsMax, filter: o.filter };
    return this.#read(new AllEvents(this.#parts, asked).page(p));
  }

  async *subscribe(o: {
    readonly after: Cursor | null;
    readonly filter?: EventFilter;
    readonly signal: AbortSignal;
  }): AsyncGenerator<SubscriptionItem, void, undefined> {
    this.#check();
    const place = this.#parts.cursors.parse(o.after);
    const signal = AbortSignal.any([o.signal, this.#closing.signal]);
    const filter = o.filter === undefined ? {} : { filter: o.filter };
    try {
      if (!signal.aborted) await this.#headSeq(place, patience(this.#parts.patienceMs, signal));
      yield* follow(this.#parts, { place, ...filter, signal });
    } catch (error) {
      if (!isFault(error, 'ABORTED')) throw error;
    }
    if (!o.signal.aborted) this.#check();
  }

  async head(): Promise<Cursor | null> {
    this.#check();
    const seq = await this.#read(this.#headSeq(undefined, this.#patience({})));
    return seq === 0 ? null : this.#parts.cursors.at({ seq, remaining: 0 });
  }

  compare(a: Cursor, b: Cursor): number {
    return comparePlaces(this.#parts.cursors.parse(a), this.#parts.cursors.parse(b));
  }

  /** Waits for appends that are on their way; the connection stays with who made it. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#inFlight]);
    await this.#parts.mark.close();
    this.#parts.head.close();
    this.#parts.direct.close();
  }

  /** The newest sequence, as the leader has it; a place beyond it is none of this stream, and neither is another stream of its name. */
  async #headSeq(place: Place | undefined, p: Patience): Promise<number> {
    const { head, cursors } = this.#parts;
    const now = await this.#leaderHead(p);
    if (place !== undefined && place.seq > now) {
      throw new Fault('CURSOR_INVALID', `the cursor ${cursors.at(place)} is beyond the end of the store (${now}): it has lost events or is another copy`);
    }
    head.note(now);
    return now;
  }

  /** A new leader may take a moment to apply what was acknowledged before it; one that never does has lost it. */
  async #leaderHead(p: Patience): Promise<number> {
    const { leader, head, created } = this.#parts;
    for (let looks = 1; ; looks += 1) {
      const seen = head.seen;
      const now = await leader.head(ownTime(p));
      if (now.created !== created) {
        throw new Fault('STORE_DAMAGED', `the event stream was made anew at ${now.created} while it was in use; start again on it, or restore a backup`);
      }
      if (now.seq >= seen) return now.seq;
      if (leftMs(p) === 0) throw fellBack(now.seq, seen);
      await pauseBeforeTry(looks, p);
      if (p.signal.aborted) throw new Fault('ABORTED', 'asking for the end of the event stream: the signal fired');
    }
  }

  async #versionOf(stream: StreamName, p: Patience): Promise<Version | undefined> {
    const head = await this.#read(this.#parts.streams.head(stream, p));
    return head === undefined ? undefined : versionOf({ seq: head.seq, revision: lastRevision(head) });
  }

  #patience(o: CallOptions): Patience {
    return patience(o.timeoutMs ?? this.#parts.patienceMs, o.signal ?? this.#closing.signal);
  }

  /** A read that the end of the store broke off says so. */
  async #read<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      this.#check();
      throw error;
    });
  }

  async #counted<T>(answer: Promise<T>): Promise<T> {
    this.#inFlight.add(answer);
    return answer.finally(() => this.#inFlight.delete(answer));
  }

  #check(signal?: AbortSignal): void {
    checkCall(this.#closing.signal.aborted, signal);
  }
}

/** As a reader would find it. */
function appended({ seq, ...place }: Omit<CommitMeta, 'events' | 'stream'> & { readonly stream: StreamName; readonly seq: number }, events: readonly NewEvent[]): StoredCommit {
  const metas = events.map(({ id, type, hash, bytes, sealed }) => ({ id, type, hash, sizeBytes: bytes.length, sealedBytes: sealed?.length ?? null }));
  return { seq, stream: place.stream, opened: { ...place, events: metas, eventAt: (index) => events[index] } };
}

function fellBack(seq: number, seen: number): Fault {
  return new Fault('STORE_BEHIND_MARK', `the event stream is at sequence ${seq}, but was acknowledged up to ${seen}: the server lost events; restore a backup`);
}
