import { Fault, type EventFilter } from '@maestro/ports';
import type { Cursors, Place } from './commit-place.ts';
import type { DirectReads } from './direct-reads.ts';
import type { EventSubjects } from './event-subjects.ts';
import type { LeaderReads, RawCommit } from './leader-reads.ts';
import { leftMs, pauseBeforeTry, type Patience } from './persist.ts';
import { entriesOf, missing, proveCommit, type LogEntry } from './stored-commit.ts';

/** A leader that counts messages and shows none may have been replaced between the two questions: it is asked so often. */
const LOOKS_BEFORE_LOST = 3;
/** More than any commit holds. */
const WHOLE_COMMIT = Number.MAX_SAFE_INTEGER;

export type LogRequest = { readonly commitsMax: number; readonly filter: EventFilter | undefined };

/**
 * Reads all events in append order.
 *
 * L1. Batches come from any replica; where one has nothing of what the leader has acknowledged, the leader is read instead.
 * L2. Sequences follow each other without a gap, as nothing is ever deleted. One that the leader does not have either is lost:
 *     it is damage, not silence.
 */
export class LogReader {
  readonly #leader: LeaderReads;
  readonly #direct: DirectReads;
  readonly #subjects: EventSubjects;
  readonly #cursors: Cursors;

  constructor(leader: LeaderReads, direct: DirectReads, subjects: EventSubjects, cursors: Cursors) {
    this.#leader = leader;
    this.#direct = direct;
    this.#subjects = subjects;
    this.#cursors = cursors;
  }

  /** What follows a place, at least one entry: the caller knows that the stream goes on to `headSeq`. */
  async after(place: Place, headSeq: number, o: LogRequest, p: Patience): Promise<readonly LogEntry[]> {
    const from = place.remaining === 0 ? place.seq + 1 : place.seq;
    const { raws, lostTo } = await this.#commits(from, headSeq, o.commitsMax, p);
    const entries: LogEntry[] = [];
    let next = from;
    for (const raw of raws) {
      if (raw.seq > next) entries.push(lost(next, raw.seq - 1));
      next = raw.seq + 1;
      const left = raw.seq === place.seq ? place.remaining : WHOLE_COMMIT;
      entries.push(...entriesOf(proveCommit(raw, this.#subjects), left, o.filter, this.#cursors));
    }
    if (lostTo > 0) entries.push(lost(next, lostTo));
    return entries;
  }

  async #commits(from: number, headSeq: number, countMax: number, p: Patience): Promise<{ readonly raws: readonly RawCommit[]; readonly lostTo: number }> {
    for (let looks = 1; ; looks += 1) {
      const whole = upToGap(await this.#direct.batch({ seq: from, countMax }, p), from);
      if (whole.length > 0) return { raws: whole, lostTo: 0 };
      const next = await this.#leader.commit({ seq: from, next_by_subj: this.#subjects.all }, p);
      if (next !== undefined) return { raws: [next], lostTo: 0 };
      const { seq: leaderSeq } = await this.#leader.head(p);
      if (leaderSeq >= from && looks >= LOOKS_BEFORE_LOST) return { raws: [], lostTo: leaderSeq };
      if (leftMs(p) === 0) throw behind(from, headSeq);
      // a new leader that has not applied yet what the old one acknowledged
      await pauseBeforeTry(looks, p);
      if (p.signal.aborted) throw new Fault('ABORTED', 'reading the event stream: the signal fired');
    }
  }
}

/** What comes before the first gap: a replica that catches up may lack what the leader has. */
function upToGap(batch: readonly RawCommit[], from: number): readonly RawCommit[] {
  const gap = batch.findIndex((raw, i) => raw.seq !== from + i);
  return gap === -1 ? batch : batch.slice(0, gap);
}

function lost(from: number, to: number): LogEntry {
  return { kind: 'damaged', place: { seq: to, remaining: 0 }, stream: null, fault: missing(from, to) };
}

function behind(from: number, headSeq: number): Fault {
  const detail = `the event stream was acknowledged up to ${headSeq}, but nobody shows sequence ${from} yet: wait until its replicas are healthy`;
  return new Fault('STORE_UNAVAILABLE', detail, { retryable: true });
}
