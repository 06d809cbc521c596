import { Fault, type EventFilter } from '@maestro/ports';
import type { Cursors, Place } from './commit-place.ts';
import type { DirectReads } from './direct-reads.ts';
import type { EventSubjects } from './event-subjects.ts';
import type { LeaderReads, RawCommit } from './leader-reads.ts';
import { leftMs, pauseBeforeTry, type Patience } from './persist.ts';
import type { RecentCommits } from './recent-commits.ts';
import { entriesOf, missing, proveCommit, type LogEntry, type StoredCommit } from './stored-commit.ts';

/** A leader that counts messages and shows none may have been replaced between the two questions: it is asked so often. */
const LOOKS_BEFORE_LOST = 3;
/** More than any commit holds. */
const WHOLE_COMMIT = Number.MAX_SAFE_INTEGER;

/** `lostTo`: up to there nothing is left of what was acknowledged; 0: nothing is lost. */
type Stretch = { readonly commits: readonly StoredCommit[]; readonly lostTo: number };

export type LogRequest = { readonly commitsMax: number; readonly filter: EventFilter | undefined };

/**
 * Reads all events in append order.
 *
 * L1. Batches come from any replica; where one has nothing of what the leader has acknowledged, the leader is read instead.
 * L2. Sequences follow each other without a gap, as nothing is ever deleted. One that the leader does not have either is lost:
 *     it is damage, not silence.
 * L3. Whoever waits for the same place shares one read. A share that fails, or whose reader gives up, is nobody else's: they
 *     read for themselves.
 */
export class LogReader {
  readonly #leader: LeaderReads;
  readonly #direct: DirectReads;
  readonly #subjects: EventSubjects;
  readonly #cursors: Cursors;
  readonly #recent: RecentCommits;
  /** reads that are on their way, by their first sequence */
  readonly #running = new Map<number, Promise<unknown>>();

  constructor(leader: LeaderReads, direct: DirectReads, { subjects, cursors, recent }: { readonly subjects: EventSubjects; readonly cursors: Cursors; readonly recent: RecentCommits }) {
    this.#leader = leader;
    this.#direct = direct;
    this.#subjects = subjects;
    this.#cursors = cursors;
    this.#recent = recent;
  }

  /** What follows a place, at least one entry: the caller knows that the stream goes on to `headSeq`. */
  async after(place: Place, headSeq: number, o: LogRequest, p: Patience): Promise<readonly LogEntry[]> {
    const from = place.remaining === 0 ? place.seq + 1 : place.seq;
    const { commits, lostTo } = await this.#stretch(from, headSeq, o.commitsMax, p);
    const entries: LogEntry[] = [];
    let next = from;
    for (const commit of commits) {
      if (commit.seq > next) entries.push(lost(next, commit.seq - 1));
      next = commit.seq + 1;
      const left = commit.seq === place.seq ? place.remaining : WHOLE_COMMIT;
      entries.push(...entriesOf(commit, left, o.filter, this.#cursors));
    }
    if (lostTo > 0) entries.push(lost(next, lostTo));
    return entries;
  }

  async #stretch(from: number, headSeq: number, countMax: number, p: Patience): Promise<Stretch> {
    const running = this.#running.get(from);
    if (running !== undefined) await settled(running, p.signal);
    const known = this.#recent.from(from, countMax);
    if (known.length > 0) return { commits: known, lostTo: 0 };
    const reading = this.#read(from, headSeq, countMax, p);
    this.#running.set(from, reading);
    try {
      return await reading;
    } finally {
      if (this.#running.get(from) === reading) this.#running.delete(from);
    }
  }

  async #read(from: number, headSeq: number, countMax: number, p: Patience): Promise<Stretch> {
    const { raws, lostTo } = await this.#commits(from, headSeq, countMax, p);
    const commits = raws.map((raw) => proveCommit(raw, this.#subjects));
    for (const commit of commits) this.#recent.keep(commit);
    return { commits, lostTo };
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

/** Resolves when it has ended, well or not, or the signal fires. */
function settled(reading: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end);
    reading.then(end, end);
  });
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
