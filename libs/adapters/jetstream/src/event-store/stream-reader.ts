import type { StreamName } from '@maestro/domain';
import { Fault, isFault, type StreamPage } from '@maestro/ports';
import { CommitMarks } from './commit-marks.ts';
import { versionOf, type Cursors } from './commit-place.ts';
import type { DirectReads } from './direct-reads.ts';
import { EventPage, lastRevision, type Link } from './event-page.ts';
import type { EventSubjects } from './event-subjects.ts';
import type { LeaderReads, RawCommit } from './leader-reads.ts';
import type { Patience } from './persist.ts';
import { proveCommit, proved } from './stored-commit.ts';

const BATCH_COMMITS_MAX = 256;

/** `from` undefined: the first event forward, the last one backward. */
export type PageRequest = { readonly from: number | undefined; readonly forward: boolean; readonly limit: number };

/** `before` is the sequence of the commit before `next`; undefined: not known, the next one is proved by its mark. */
type ChainPlace = { readonly head: Link; next: number; before: number | undefined };

/**
 * Reads one stream.
 *
 * S1. The head is read at the leader, so that a page holds all that was acknowledged; what lies before it may come from any replica.
 * S2. Each commit names the one before it. The chain is followed without a gap: a link that the leader does not have is damage.
 * S3. A page ends before the first event that cannot be proved; a page that would begin with it is the fault.
 */
export class StreamReader {
  readonly #leader: LeaderReads;
  readonly #direct: DirectReads;
  readonly #subjects: EventSubjects;
  readonly #cursors: Cursors;
  readonly #marks = new CommitMarks();

  constructor(leader: LeaderReads, direct: DirectReads, subjects: EventSubjects, cursors: Cursors) {
    this.#leader = leader;
    this.#direct = direct;
    this.#subjects = subjects;
    this.#cursors = cursors;
  }

  /** Remembers where an acknowledged commit lies. */
  noteAppended(stream: StreamName, seq: number, firstRevision: number): void {
    this.#marks.note(stream, { seq, firstRevision });
  }

  /** The last commit, as the leader has it; undefined: no such stream. */
  async head(stream: StreamName, p: Patience): Promise<Link | undefined> {
    const raw = await this.#leader.last(this.#subjects.of(stream), p);
    return raw === undefined ? undefined : this.#link(stream, raw);
  }

  async page(stream: StreamName, o: PageRequest, p: Patience): Promise<StreamPage> {
    const head = await this.head(stream, p);
    if (head === undefined) return { kind: 'missing' };
    const last = lastRevision(head);
    const page = new EventPage(o.limit, this.#cursors);
    const walk = o.forward ? this.#forward(stream, head, o.from ?? 0, page, p) : this.#backward(stream, head, Math.min(o.from ?? last, last), page, p);
    await walk.catch((error: unknown) => {
      if (page.events.length === 0 || !isFault(error, 'STORE_DAMAGED')) throw error;
    });
    const reached = page.events.at(-1)?.revision;
    const end = reached === undefined || reached === BigInt(o.forward ? last : 0);
    return { kind: 'page', events: page.events, version: versionOf({ seq: head.seq, revision: last }), end };
  }

  async #forward(stream: StreamName, head: Link, from: number, page: EventPage, p: Patience): Promise<void> {
    if (from > lastRevision(head)) return;
    const mark = this.#marks.before(stream, from);
    if (mark === undefined && head.opened.firstRevision > from) return this.#chain(stream, { head, next: 1, before: 0 }, from, page, p);
    if (mark === undefined || mark.seq === head.seq) return page.takeUp(head, from);
    return this.#chain(stream, { head, next: mark.seq, before: undefined }, from, page, p);
  }

  async #chain(stream: StreamName, at: ChainPlace, from: number, page: EventPage, p: Patience): Promise<void> {
    while (!page.isFull && (at.before ?? 0) < at.head.seq) {
      for (const link of await this.#links(stream, at, Math.min(page.room, BATCH_COMMITS_MAX), p)) {
        if (at.before !== undefined && link.opened.after !== at.before) throw brokenAt(stream, link.opened.after);
        at.before = link.seq;
        at.next = link.seq + 1;
        page.takeUp(link, from);
      }
    }
  }

  /** Commits of the stream from `next` on, at least one, none after the head. */
  async #links(stream: StreamName, at: Readonly<ChainPlace>, countMax: number, p: Patience): Promise<readonly Link[]> {
    const { head, next: seq } = at;
    if (at.before === head.opened.after) return [head];
    const subject = this.#subjects.of(stream);
    const raws = await this.#direct.batch({ seq, subject, countMax }, p);
    const links: Link[] = [];
    for (const raw of raws) {
      const commit = proveCommit(raw, this.#subjects);
      // a replica that catches up may lack a link that the leader has: what follows the hole is read again
      const before = links.at(-1)?.seq ?? at.before;
      if (raw.seq > head.seq || commit.opened === undefined || (before !== undefined && commit.opened.after !== before)) break;
      links.push(this.#link(stream, raw));
    }
    if (links.length > 0) return links;
    const raw = await this.#leader.commit({ seq, next_by_subj: subject }, p);
    return [raw === undefined ? head : this.#link(stream, raw)];
  }

  async #backward(stream: StreamName, head: Link, from: number, page: EventPage, p: Patience): Promise<void> {
    for (let link = head; ;) {
      page.takeDown(link, from);
      const { after } = link.opened;
      if (page.isFull || after === 0) return;
      const raw = await this.#leader.commit({ seq: after }, p);
      if (raw === undefined || raw.subject !== this.#subjects.of(stream)) throw brokenAt(stream, after);
      link = this.#link(stream, raw);
    }
  }

  #link(stream: StreamName, raw: RawCommit): Link {
    const opened = proved(proveCommit(raw, this.#subjects));
    this.#marks.note(stream, { seq: raw.seq, firstRevision: opened.firstRevision });
    return { seq: raw.seq, opened };
  }
}

function brokenAt(stream: StreamName, seq: number): Fault {
  return new Fault('STORE_DAMAGED', `the commit of stream ${stream} at sequence ${seq} is missing; restore a backup`);
}
